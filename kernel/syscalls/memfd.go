package syscalls

import (
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// memfds is the file system that the files of memfd_create(2) are in. It is
// mounted nowhere.
var memfds = sync.OnceValues(func() (*vfs.Super, error) { return tmpfs.New(tmpfs.Options{}) })

// memfdNameMax is how long the name may be: it is shown after "memfd:".
const memfdNameMax = abi.NAME_MAX - len("memfd:")

func sysMemfdCreate(t *task.Task, a *Args) (uintptr, error) {
	if uint32(a[1])&^(abi.MFD_CLOEXEC|abi.MFD_ALLOW_SEALING) != 0 {
		return 0, abi.EINVAL
	}
	name, err := t.MM().ReadString(a[0], memfdNameMax+1)
	if err == abi.ENAMETOOLONG {
		return 0, abi.EINVAL
	}
	if err != nil {
		return 0, err
	}
	f, err := newMemfd(t, name, a[1]&abi.MFD_ALLOW_SEALING != 0)
	if err != nil {
		return 0, err
	}
	return install(t, f, a[1]&abi.MFD_CLOEXEC != 0)
}

// newMemfd makes a file that shows name. Without sealable, it can never be
// sealed.
func newMemfd(t *task.Task, name string, sealable bool) (*vfs.File, error) {
	super, err := memfds()
	if err != nil {
		return nil, err
	}
	inode, err := super.Root.(vfs.TmpfileDir).Tmpfile(t, abi.S_IFREG|0777, false)
	if err != nil {
		return nil, err
	}
	if sealable {
		tmpfs.AllowSeals(inode)
	}
	ops, err := inode.Open(t, nil)
	if err != nil {
		return nil, err
	}
	return vfs.NewShownFile(t, "/memfd:"+name+" (deleted)", ops, inode, abi.O_RDWR|abi.O_LARGEFILE)
}
