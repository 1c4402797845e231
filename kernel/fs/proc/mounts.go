package proc

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/pseudo"
	"kevlar/kernel/vfs"
)

// octalEscape writes s with the given characters as \ooo, as getmntent(3)
// reads it.
func octalEscape(w *bytes.Buffer, s, escaped string) {
	for i := range len(s) {
		if c := s[i]; strings.IndexByte(escaped, c) >= 0 {
			fmt.Fprintf(w, `\%03o`, c)
		} else {
			w.WriteByte(c)
		}
	}
}

const mountEscapes = " \t\n\\#"

// mountsRecords shows /proc/PID/mounts: fstab(5).
func (v *view) mountsRecords(pos int64, w *bytes.Buffer, more func(int64) bool) error {
	return v.eachMount(pos, more, func(m *vfs.MountInfo) {
		octalEscape(w, m.Source, mountEscapes)
		w.WriteByte(' ')
		octalEscape(w, m.Target, mountEscapes)
		w.WriteByte(' ')
		octalEscape(w, m.FSType, mountEscapes)
		// The options of the file system follow those of the mount; its
		// rw or ro is in the mount's already.
		_, rest, hasMore := strings.Cut(m.SuperOptions, ",")
		fmt.Fprintf(w, " %s", m.MountOptions)
		if hasMore {
			fmt.Fprintf(w, ",%s", rest)
		}
		w.WriteString(" 0 0\n")
	})
}

// mountInfoRecords shows proc_pid_mountinfo(5).
func (v *view) mountInfoRecords(pos int64, w *bytes.Buffer, more func(int64) bool) error {
	return v.eachMount(pos, more, func(m *vfs.MountInfo) {
		dev := m.Super.Dev
		fmt.Fprintf(w, "%d %d %d:%d ", m.ID, m.ParentID, abi.Major(dev), abi.Minor(dev))
		octalEscape(w, m.Root, mountEscapes)
		w.WriteByte(' ')
		octalEscape(w, m.Target, mountEscapes)
		fmt.Fprintf(w, " %s - ", m.MountOptions)
		octalEscape(w, m.FSType, mountEscapes)
		w.WriteByte(' ')
		octalEscape(w, m.Source, mountEscapes)
		fmt.Fprintf(w, " %s\n", m.SuperOptions)
	})
}

// eachMount calls show, and then more, for the mounts that the process can
// see, from position pos on.
func (v *view) eachMount(pos int64, more func(int64) bool, show func(*vfs.MountInfo)) error {
	root := v.task.Root()
	if root.IsZero() {
		return abi.EINVAL // as Linux answers for a process that has ended
	}
	vfs.MountsFrom(root, pos, func(m vfs.MountInfo, next int64) bool {
		show(&m)
		return more(next)
	})
	return nil
}

// watchMounts makes p tell poll(2) when the mounts have changed.
func (v *view) watchMounts(p *pseudo.View) {
	ns := vfs.NamespaceOf(v.task.Root())
	if ns == nil {
		return
	}
	var seen atomic.Uint64
	seen.Store(ns.Events())
	p.Changes = ns.WaitQueue()
	p.Changed = func() bool {
		now := ns.Events()
		return seen.Swap(now) != now
	}
}
