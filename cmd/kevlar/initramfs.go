package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kevlar/host/container"
	"kevlar/host/initramfs"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/manifest"
	"kevlar/host/vm"
)

// initramfsFlags are the flags of initramfs.
type initramfsFlags struct {
	output    string
	root      string
	compress  string
	cacheSize string
	explain   bool
	clean     bool
	update    bool
	docker    bool
}

func initramfsCommand() *cobra.Command {
	var f initramfsFlags
	cmd := &cobra.Command{
		Use:   "initramfs [flags] [MANIFEST] -o FILE",
		Short: "Build a root file system, as a cpio archive",
		Long: `Build a root file system, as a cpio archive: what MANIFEST lists, or the default
one, in which run works: a static BusyBox and an init. docs/ROOTFS.md explains
manifests. What was built before is reused.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", "", "write the archive to `FILE`")
	flags.StringVar(&f.root, "root", "", "take the files from `DIR` or FILE.tar instead of a manifest")
	flags.StringVar(&f.compress, "compress", "none", "compression: "+strings.Join(cpio.Compressions, ", "))
	flags.StringVar(&f.cacheSize, "cache-size", "4G", "remove what was not used for the longest time from a cache of more than `SIZE`")
	flags.BoolVar(&f.explain, "explain", false, "tell of each part why it was built or reused")
	flags.BoolVar(&f.clean, "clean", false, "empty the cache first; without -o do nothing else")
	flags.BoolVar(&f.update, "update", false, "get the lists of packages anew")
	flags.BoolVar(&f.docker, "docker", false, "build in a container that has the tools")
	return cmd
}

func (f *initramfsFlags) run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if err := f.check(args); err != nil {
		return err
	}
	w, err := newWorkplace(stderr, true) // steps are told in a pipe, too
	if err != nil {
		return err
	}
	if f.docker {
		return f.inContainer(ctx, w, args, stdout, stderr)
	}
	b := w.builder()
	b.Update = f.update
	if b.Limit, err = vm.ParseSize(f.cacheSize); err != nil {
		return err
	}
	if f.explain {
		b.Explain = func(e initramfs.Explanation) { fmt.Fprintln(stdout, e) }
	}
	if f.clean {
		if err := b.Clean(); err != nil {
			return err
		}
		if f.output == "" {
			return nil
		}
	}
	archive, err := f.archive(ctx, b, args)
	if err != nil {
		return err
	}
	return writeFile(f.output, 0o644, archive)
}

// check looks at the flags before anything is built.
func (f *initramfsFlags) check(args []string) error {
	switch {
	case f.output == "" && (!f.clean || len(args) > 0 || f.root != ""):
		return errors.New("-o FILE is needed: where the archive goes")
	case f.root != "" && len(args) > 0:
		return errors.New("--root takes the files from a tree; it takes no manifest")
	case !slices.Contains(cpio.Compressions, f.compress):
		return fmt.Errorf("--compress %s: there are %s", f.compress, strings.Join(cpio.Compressions, ", "))
	}
	return nil
}

// archive builds what was asked for.
func (f *initramfsFlags) archive(ctx context.Context, b *initramfs.Builder, args []string) ([]byte, error) {
	if f.root != "" {
		archive, err := initramfs.FromRoot(f.root)
		if err != nil {
			return nil, err
		}
		return cpio.Compress(archive.Data, f.compress)
	}
	m, err := readManifest(args)
	if err != nil {
		return nil, err
	}
	return b.Build(ctx, m, f.compress)
}

// readManifest reads the manifest that the arguments name, or the default one.
func readManifest(args []string) (*manifest.Manifest, error) {
	if len(args) == 0 {
		return initramfs.Default()
	}
	m, err := manifest.Read(args[0])
	if err != nil {
		return nil, plainError(err)
	}
	return m, nil
}

// inContainer runs the same command in a container.
func (f *initramfsFlags) inContainer(ctx context.Context, w *workplace, args []string, stdout, stderr io.Writer) error {
	if w.root == "" {
		return errors.New("--docker builds in Kevlar's source tree, and this is outside of it")
	}
	command := []string{"go", "run", "./cmd/kevlar", "initramfs", "--compress", f.compress, "--cache-size", f.cacheSize}
	for name, set := range map[string]bool{"--explain": f.explain, "--clean": f.clean, "--update": f.update} {
		if set {
			command = append(command, name)
		}
	}
	slices.Sort(command[8:])
	if f.root != "" {
		command = append(command, "--root", f.root)
	}
	if f.output != "" {
		command = append(command, "-o", f.output)
	}
	return container.Run(ctx, w.root, append(command, args...), stdout, stderr)
}
