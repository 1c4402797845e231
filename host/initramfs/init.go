package initramfs

import (
	"context"
	"os"

	"kevlar/host/hostpkg"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/progress"
)

// InitPath is where the init of Init is.
const InitPath = "/kevlar/init"

// Init returns an archive that brings the init of the default root file system, with all that it needs,
// to one that was made elsewhere. It keeps to /kevlar, but for the console, without which a first process
// has no standard streams.
func Init(ctx context.Context, report *progress.Reporter) ([]byte, error) {
	if err := hostpkg.Ensure(ctx, report, hostpkg.Busybox); err != nil {
		return nil, err
	}
	busybox, err := os.ReadFile(hostpkg.BusyboxPath())
	if err != nil {
		return nil, err
	}
	t := filetree.New()
	t.Dir("dev", 0o755)
	t.Device("dev/console", 0o600, 5, 1)
	t.Dir("kevlar", 0o755)
	t.File("kevlar/busybox", 0o755, busybox)
	for _, name := range []string{"init", "run", "shell", "exec"} {
		script, err := rootfs.ReadFile("rootfs/" + name + ".sh")
		if err != nil {
			return nil, err
		}
		t.File("kevlar/"+name, 0o755, script)
	}
	return cpio.Pack(t)
}
