//go:build baremetal

package main

import (
	"kevlar/kernel/fs/cpio"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/machine/boot"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/task"
	"kevlar/kernel/uts"
	"kevlar/kernel/vfs"
)

// makeRoot mounts an empty tmpfs as the root file system.
func makeRoot() vfs.Path {
	super, err := tmpfs.New(tmpfs.Options{FSType: "rootfs", Mode: 0o755})
	if err != nil {
		die("root file system: %v", err)
	}
	root, err := vfs.NewRootMount(super, 0)
	if err != nil {
		die("root file system: %v", err)
	}
	return root
}

// unpackInitramfs fills the root file system from the archive that the monitor
// loaded, and frees the archive.
func unpackInitramfs(root vfs.Path) {
	r := boot.Initrd()
	if r.Start == r.End {
		die("no initramfs: start the machine with one (QEMU: -initrd FILE)")
	}
	archive := direct.Bytes(r.Start, int(r.End-r.Start))
	if err := cpio.Unpack(vfs.Kernel, vfs.NewFSContext(root), root, archive); err != nil {
		die("initramfs: %v", err)
	}
	frame.AddRegion(r.Start, r.End)
}

// startInit runs /init of the initramfs as process 1, on the console. The
// command line may name another program, and its arguments after "--". names
// are what it calls the machine.
func startInit(root vfs.Path, names *uts.Namespace) {
	argv := firstProgram(boot.CommandLine())
	err := task.StartInit(task.InitArgs{
		Path:    argv[0],
		Argv:    argv,
		Envp:    []string{"HOME=/", "TERM=linux"},
		Root:    root,
		Console: openConsole(),
		UTS:     names,
	})
	if err != nil {
		die("%s: %v", argv[0], err)
	}
}
