package proc

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

func (v *view) cwd() (vfs.Path, error)  { return v.place(v.task.Cwd()) }
func (v *view) root() (vfs.Path, error) { return v.place(v.task.Root()) }
func (v *view) exe() (vfs.Path, error)  { return v.place(v.task.Exe()) }

func (v *view) readCwd() (string, error)  { return v.readPlace(v.cwd()) }
func (v *view) readRoot() (string, error) { return v.readPlace(v.root()) }
func (v *view) readExe() (string, error)  { return v.readPlace(v.exe()) }

// place returns p to those who may look into the process: ENOENT if it is
// zero, because the process has ended.
func (v *view) place(p vfs.Path) (vfs.Path, error) {
	if err := v.mayRead(); err != nil {
		return vfs.Path{}, err
	}
	if p.IsZero() {
		return vfs.Path{}, abi.ENOENT
	}
	return p, nil
}

func (v *view) readPlace(p vfs.Path, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return v.pathName(p)
}

// pathName returns the name of p as the caller sees it from its root.
func (v *view) pathName(p vfs.Path) (string, error) {
	return vfs.PathName(p, v.callerRoot())
}

// callerRoot returns the caller's root directory; zero, for the root of all,
// if it has none.
func (v *view) callerRoot() vfs.Path {
	if t, ok := v.c.(interface{ FS() *vfs.FSContext }); ok {
		if fs := t.FS(); fs != nil {
			return fs.Root()
		}
	}
	return vfs.Path{}
}
