package vfs

// A Path is a place in the tree of mounts: a name (Dentry) as seen through a
// Mount. The zero Path is no place. Paths are values and need no release; an
// open file or working directory keeps what it stands for in use.
type Path struct {
	Mount  *Mount
	Dentry *Dentry
}

// Inode returns what the path names; nil for the zero Path.
func (p Path) Inode() Inode {
	if p.Dentry == nil {
		return nil
	}
	return p.Dentry.inode
}

// IsZero reports whether p is no place.
func (p Path) IsZero() bool { return p.Dentry == nil }
