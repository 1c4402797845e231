package main

import (
	"os"

	"github.com/spf13/cobra"

	"kevlar/host/kernelbuild"
)

func buildCommand() *cobra.Command {
	var output string
	var standalone, verbose bool
	cmd := &cobra.Command{
		Use:   "build [--standalone] -o FILE",
		Short: "Build the kernel's image alone, or a kevlar that carries it",
		Long: `Build the kernel's image alone. It boots with
qemu-system-x86_64 -kernel FILE -initrd CPIO

With --standalone FILE is this program with the image in it. It works on machines
that have neither the sources nor a Go toolchain: QEMU and a static BusyBox are
all that it needs there.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := newWorkplace(cmd.ErrOrStderr(), verbose)
			if err != nil {
				return err
			}
			kernel, err := w.buildKernel(cmd.Context())
			if err != nil {
				return err
			}
			data, err := os.ReadFile(kernel.Image)
			if err != nil {
				return plainError(err)
			}
			if !standalone {
				return writeFile(output, 0o644, data)
			}
			program, err := kernelbuild.Standalone(data)
			if err != nil {
				return plainError(err)
			}
			return writeFile(output, 0o755, program)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the image to `FILE`")
	cmd.Flags().BoolVar(&standalone, "standalone", false, "write a kevlar that carries the image")
	registerVerbose(cmd.Flags(), &verbose)
	cmd.MarkFlagRequired("output")
	return cmd
}
