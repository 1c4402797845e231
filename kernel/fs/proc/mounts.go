package proc

import (
	"bytes"
	"fmt"
	"strings"

	"kevlar/kernel/abi"
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

func (v *view) showMounts(w *bytes.Buffer) error {
	return v.eachMount(func(m vfs.MountInfo) {
		octalEscape(w, m.Source, mountEscapes)
		w.WriteByte(' ')
		octalEscape(w, m.Target, mountEscapes)
		w.WriteByte(' ')
		octalEscape(w, m.FSType, mountEscapes)
		// The options of the file system follow those of the mount; its
		// rw or ro is in the mount's already.
		_, rest, more := strings.Cut(m.SuperOptions, ",")
		fmt.Fprintf(w, " %s", m.MountOptions)
		if more {
			fmt.Fprintf(w, ",%s", rest)
		}
		w.WriteString(" 0 0\n")
	})
}

func (v *view) showMountInfo(w *bytes.Buffer) error {
	return v.eachMount(func(m vfs.MountInfo) {
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

// eachMount calls f for the mounts that the process can see.
func (v *view) eachMount(f func(vfs.MountInfo)) error {
	root := v.task.Root()
	if root.IsZero() {
		return abi.EINVAL // as Linux answers for a process that has ended
	}
	vfs.Mounts(root, func(m vfs.MountInfo) bool {
		f(m)
		return true
	})
	return nil
}
