package vfs

import (
	"strings"

	"kevlar/kernel/abi"
)

// A MountInfo is one line of /proc/PID/mountinfo.
type MountInfo struct {
	ID, ParentID int
	Mount        *Mount
	Super        *Super
	Root         string // the mount's root within the file system
	Target       string // where it is attached, as seen from the root directory
	Source       string // "none" if there is none
	FSType       string
	Flags        int    // MS_ bits of the mount
	MountOptions string // "rw,nosuid,relatime"
	SuperOptions string // "rw,size=1024k"
}

// Mounts calls visit for each mount below root in the order of mounting, until
// it returns false. Names are not escaped.
func Mounts(root Path, visit func(MountInfo) bool) {
	MountsFrom(root, 0, func(m MountInfo, _ int64) bool { return visit(m) })
}

// MountsFrom is Mounts from position pos on, the first being 0. visit is told the
// position of the next mount; a mount that stays keeps its position. No lock is
// held meanwhile.
func MountsFrom(root Path, pos int64, visit func(m MountInfo, next int64) bool) {
	if root.Mount == nil {
		return
	}
	ns := root.Mount.ns.Load()
	if ns == nil {
		return
	}
	var store [16]*Mount
	for {
		some := ns.some(pos, store[:])
		if len(some) == 0 {
			return
		}
		for _, m := range some {
			pos = m.pos()
			if info, ok := m.info(root); ok && !visit(info, pos+1) {
				return
			}
			pos++
		}
	}
}

// maxMountName is how long the name of a mount may be for Mounts to tell of it. Names
// longer than PATH_MAX cannot be used, but made by small steps.
const maxMountName = 4 * abi.PATH_MAX

// info tells about m as seen from root; it fails if m is not below root.
func (m *Mount) info(root Path) (MountInfo, bool) {
	target, where, err := pathString(m.Root(), root, maxMountName)
	if err != nil || where != reachable {
		return MountInfo{}, false
	}
	within, err := within(m.root)
	if err != nil {
		return MountInfo{}, false
	}
	if !m.super.tryGet() {
		return MountInfo{}, false
	}
	defer m.super.put()
	info := MountInfo{
		ID: m.id, ParentID: m.id, Mount: m, Super: m.super,
		Root: within, Target: target,
		Source: m.source, FSType: m.super.FSType, Flags: m.Flags(),
	}
	if a := m.at.Load(); a != nil {
		info.ParentID = a.parent.id
	}
	if info.Source == "" {
		info.Source = "none"
	}
	info.MountOptions = optionString(uint32(info.Flags))
	info.SuperOptions = "rw"
	if m.super.readOnly() {
		info.SuperOptions = "ro"
	}
	if m.super.Options != nil {
		info.SuperOptions += m.super.Options()
	}
	return info, true
}

// optionString spells the flags of a mount as /proc/mounts does.
func optionString(flags uint32) string {
	var b strings.Builder
	if flags&abi.MS_RDONLY != 0 {
		b.WriteString("ro")
	} else {
		b.WriteString("rw")
	}
	for _, o := range [...]struct {
		flag uint32
		name string
	}{
		{abi.MS_NOSUID, ",nosuid"},
		{abi.MS_NODEV, ",nodev"},
		{abi.MS_NOEXEC, ",noexec"},
		{abi.MS_NOATIME, ",noatime"},
		{abi.MS_NODIRATIME, ",nodiratime"},
		{abi.MS_RELATIME, ",relatime"},
		{abi.MS_NOSYMFOLLOW, ",nosymfollow"},
	} {
		if flags&o.flag != 0 {
			b.WriteString(o.name)
		}
	}
	return b.String()
}

// within returns the path of d in its file system.
func within(d *Dentry) (string, error) {
	s := spelling{max: maxMountName}
	treeMu.RLock()
	defer treeMu.RUnlock()
	for p := d.place.Load(); p.parent != nil; p = p.parent.place.Load() {
		if !s.put(p.name) {
			return "", abi.ENAMETOOLONG
		}
	}
	return s.path(), nil
}

// StatFS returns what statfs(2) tells of the file system that p is on.
func StatFS(p Path) (abi.Statfs, error) {
	s := p.Inode().FS()
	if s == nil || s.StatFS == nil {
		return abi.Statfs{}, abi.ENOSYS
	}
	st := s.StatFS()
	st.Fsid = s.Dev
	st.Flags = abi.ST_VALID
	if p.Mount != nil {
		// Up to ST_NOEXEC and for the atime flags but one, ST_ is MS_.
		f := int64(p.Mount.Flags())
		st.Flags |= f & (abi.ST_RDONLY | abi.ST_NOSUID | abi.ST_NODEV | abi.ST_NOEXEC | abi.ST_NOATIME | abi.ST_NODIRATIME)
		if f&abi.MS_RELATIME != 0 {
			st.Flags |= abi.ST_RELATIME
		}
	}
	return st, nil
}
