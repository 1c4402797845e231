package main

import (
	"os"

	"github.com/spf13/cobra"

	"kevlar/host/kernelbuild"
)

func buildCommand() *cobra.Command {
	var output string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "build -o FILE",
		Short: "Build the kernel's image alone",
		Long: `Build the kernel's image alone. It boots with
qemu-system-x86_64 -kernel FILE -initrd CPIO`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := newWorkplace(cmd.ErrOrStderr(), verbose)
			if err != nil {
				return err
			}
			kernel, err := kernelbuild.Build(cmd.Context(), w.root, w.cache, w.report)
			if err != nil {
				return err
			}
			data, err := os.ReadFile(kernel.Image)
			if err != nil {
				return plainError(err)
			}
			return writeFile(output, data)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the image to `FILE`")
	registerVerbose(cmd.Flags(), &verbose)
	cmd.MarkFlagRequired("output")
	return cmd
}
