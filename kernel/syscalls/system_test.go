package syscalls

import (
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/klog"
	"kevlar/kernel/vfs"
)

func TestMounts(t *testing.T) {
	vfs.RegisterFS(tmpfs.Type{})
	run(t, func(u *user) {
		u.sys(abi.SYS_MKDIR, u.str("m"), 0755)
		m, tmp := u.str("m"), u.str("tmpfs")
		u.sys(abi.SYS_MOUNT, 0, m, tmp, abi.MS_NOSUID|abi.MS_MGC_VAL, u.str("size=1m"))
		u.writeFile("m/f", "on the mount")
		sf := u.alloc(abi.SizeofStatfs)
		u.sys(abi.SYS_STATFS, m, sf)
		if blocks := u.uint64(sf + 16); blocks != 256 {
			u.Errorf("%d blocks, want 256", blocks)
		}
		fd := u.open("m/f", abi.O_RDONLY)
		u.fails(abi.EBUSY, abi.SYS_UMOUNT2, m, 0)
		u.sys(abi.SYS_CLOSE, fd)
		u.fails(abi.EXDEV, abi.SYS_RENAME, u.str("m/f"), u.str("f"))
		u.sys(abi.SYS_MOUNT, 0, m, 0, abi.MS_REMOUNT|abi.MS_RDONLY, 0)
		u.fails(abi.EROFS, abi.SYS_UNLINK, u.str("m/f"))
		u.fails(abi.EROFS, abi.SYS_ACCESS, u.str("m/f"), abi.W_OK)
		u.sys(abi.SYS_UMOUNT2, m, 0)
		u.fails(abi.EINVAL, abi.SYS_UMOUNT2, m, 0)
		u.fails(abi.ENOENT, abi.SYS_ACCESS, u.str("m/f"), 0)
		u.fails(abi.ENODEV, abi.SYS_MOUNT, 0, m, u.str("nofs"), 0, 0)
		u.fails(abi.EFAULT, abi.SYS_MOUNT, 0, m, noMemory, 0, 0)
		u.fails(abi.ENOENT, abi.SYS_MOUNT, 0, u.str("none"), tmp, 0, 0)
		u.fails(abi.EBUSY, abi.SYS_PIVOT_ROOT, u.str("/"), u.str("/"))
	})
}

func TestKernelLog(t *testing.T) {
	run(t, func(u *user) {
		buf := u.alloc(4096)
		u.sys(abi.SYS_SYSLOG, syslogClear, 0, 0)
		u.is(0, abi.SYS_SYSLOG, syslogReadAll, buf, 4096)
		klog.Printf("first line")
		klog.Print(klog.Warning, "second line")
		n := u.sys(abi.SYS_SYSLOG, syslogReadAll, buf, 4096)
		lines := strings.Split(string(u.get(buf, int(n))), "\n")
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "<6>[") || !strings.HasSuffix(lines[0], "] first line") || !strings.HasPrefix(lines[1], "<4>[") {
			u.Errorf("log %q", lines)
		}
		n = u.sys(abi.SYS_SYSLOG, syslogReadClear, buf, 40) // only the last line fits
		if got := string(u.get(buf, int(n))); !strings.HasSuffix(got, "] second line\n") || strings.Contains(got, "first") {
			u.Errorf("the end of the log is %q", got)
		}
		u.is(0, abi.SYS_SYSLOG, syslogReadAll, buf, 4096)

		for u.sys(abi.SYS_SYSLOG, syslogSizeUnread, 0, 0) > 0 {
			u.sys(abi.SYS_SYSLOG, syslogRead, buf, 4096)
		}
		child := u.fork(func(c *user) {
			c.sleep(10)
			klog.Printf("third line")
		})
		n = u.sys(abi.SYS_SYSLOG, syslogRead, buf, 4096)
		if got := string(u.get(buf, int(n))); !strings.HasSuffix(got, "] third line\n") {
			u.Errorf("read %q", got)
		}
		u.wait(child)
		klog.Printf("a line that is cut")
		u.is(10, abi.SYS_SYSLOG, syslogRead, buf, 10)

		u.fails(abi.EINVAL, abi.SYS_SYSLOG, syslogReadAll, 0, 10)
		u.fails(abi.EINVAL, abi.SYS_SYSLOG, syslogReadAll, buf, ^uintptr(0))
		u.fails(abi.EINVAL, abi.SYS_SYSLOG, 11, buf, 10)
		u.sys(abi.SYS_SETRESUID, 1000, 1000, 1000)
		u.fails(abi.EPERM, abi.SYS_SYSLOG, syslogClear, 0, 0)
	})
}
