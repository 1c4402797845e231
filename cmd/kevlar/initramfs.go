package main

import (
	"github.com/spf13/cobra"
)

func initramfsCommand() *cobra.Command {
	var output string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "initramfs -o FILE",
		Short: "Build the default root file system alone, as a cpio archive",
		Long: `Build the default root file system alone, as a cpio archive: a static BusyBox
with all its applets, and an init that runs a shell on the console.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := newWorkplace(cmd.ErrOrStderr(), verbose)
			if err != nil {
				return err
			}
			archive, err := rootfs(cmd.Context(), w)
			if err != nil {
				return err
			}
			return writeFile(output, archive)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the archive to `FILE`")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "tell the steps even when not on a terminal")
	cmd.MarkFlagRequired("output")
	return cmd
}
