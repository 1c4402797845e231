//go:build panictest

package panicfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/fs/pseudo"
	"kevlar/kernel/vfs"
)

// A dir is a table of files and directories.
type dir struct {
	*pseudo.Dir
	inodes *pseudo.Numberer
}

func newDir(s *vfs.Super, inodes *pseudo.Numberer) *dir {
	return &dir{
		pseudo.NewDir(pseudo.NewNode(s, pseudo.Attributes{Ino: inodes.Next(), Mode: abi.S_IFDIR | 0o755})),
		inodes,
	}
}

// free gives up the memory of all files.
func (d *dir) free() {
	d.Dir.ReadDir(vfs.Kernel, vfs.FirstPos, func(e vfs.DirEntry) bool {
		switch i := d.Get(e.Name).(type) {
		case *dir:
			i.free()
		case *file:
			i.Unpin()
		}
		return true
	})
}

// Lookup implements vfs.Dir.
func (d *dir) Lookup(c vfs.Caller, name string) (vfs.Inode, error) {
	pass(Lookup)
	return d.Dir.Lookup(c, name)
}

// Create implements vfs.Dir.
func (d *dir) Create(_ vfs.Caller, name string, mode uint32) (vfs.Inode, error) {
	f, err := newFile(d.FS(), d.inodes.Next(), abi.S_IFREG|mode)
	if err != nil {
		return nil, err
	}
	d.Add(name, f)
	pass(Create)
	return f, nil
}

// Mkdir implements vfs.Dir.
func (d *dir) Mkdir(_ vfs.Caller, name string, _ uint32) (vfs.Inode, error) {
	sub := newDir(d.FS(), d.inodes)
	d.Add(name, sub)
	return sub, nil
}

// Unlink implements vfs.Dir.
func (d *dir) Unlink(c vfs.Caller, name string) error {
	pass(Unlink)
	f, ok := d.Get(name).(*file)
	if !ok {
		return abi.ENOENT
	}
	d.Remove(name)
	f.Unpin()
	return nil
}

// Rmdir implements vfs.Dir.
func (d *dir) Rmdir(c vfs.Caller, name string) error {
	d.Remove(name)
	return nil
}

// Rename implements vfs.Dir.
func (d *dir) Rename(c vfs.Caller, oldName string, newDir vfs.Dir, newName string, flags uint32) error {
	pass(Rename)
	to, ok := newDir.(*dir)
	if !ok || flags != 0 {
		return abi.EINVAL
	}
	i, there := d.Get(oldName), to.Get(newName)
	d.Remove(oldName)
	to.Add(newName, i)
	if f, ok := there.(*file); ok {
		f.Unpin()
	}
	return nil
}

// ReadDir implements vfs.Dir.
func (d *dir) ReadDir(c vfs.Caller, pos int64, emit func(vfs.DirEntry) bool) (int64, error) {
	pass(ReadDir)
	return d.Dir.ReadDir(c, pos, emit)
}
