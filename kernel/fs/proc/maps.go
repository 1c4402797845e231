package proc

import (
	"bytes"
	"fmt"
	"strings"

	"kevlar/kernel/abi"
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

// nameColumn is where the name begins in a line of maps.
const nameColumn = 73

// showMaps shows proc_pid_maps(5).
func (v *view) showMaps(w *bytes.Buffer) error {
	for _, a := range v.areas() {
		v.showArea(w, &a)
	}
	return nil
}

// area is a VMA with its name spelled out.
type area struct {
	mm.VMAInfo
	name string
}

// areas returns the VMAs of the process; none if it has no address space.
func (v *view) areas() []area {
	as := v.task.AcquireMM()
	if as == nil {
		return nil
	}
	defer as.Put()
	var list []area
	root := v.callerRoot()
	as.VMAs(func(info mm.VMAInfo) bool {
		a := area{info, info.Name}
		if f, ok := info.File.(*vfs.File); ok {
			if name, err := vfs.PathName(f.Path(), root); err == nil {
				a.name = name
			}
		}
		a.File = nil
		list = append(list, a)
		return true
	})
	return list
}

func (v *view) showArea(w *bytes.Buffer, a *area) {
	rights := []byte("---p")
	for i, r := range []struct {
		bit    int
		letter byte
	}{{abi.PROT_READ, 'r'}, {abi.PROT_WRITE, 'w'}, {abi.PROT_EXEC, 'x'}} {
		if a.Prot&r.bit != 0 {
			rights[i] = r.letter
		}
	}
	if a.Shared {
		rights[3] = 's'
	}
	start := w.Len()
	fmt.Fprintf(w, "%08x-%08x %s %08x %02x:%02x %d ", a.Start, a.End, rights, a.Offset,
		abi.Major(a.Dev), abi.Minor(a.Dev), a.Ino)
	if a.name != "" {
		for w.Len()-start < nameColumn {
			w.WriteByte(' ')
		}
		w.WriteString(strings.ReplaceAll(a.name, "\n", `\012`))
	}
	w.WriteByte('\n')
}

// showSmaps shows the areas with what is present of them. Frames of anonymous
// memory count as dirty: there is no other copy of them.
func (v *view) showSmaps(w *bytes.Buffer) error {
	as := v.task.AcquireMM()
	if as == nil {
		return nil
	}
	defer as.Put()
	for _, a := range v.areas() {
		v.showArea(w, &a)
		r := as.Residence(a.Start, a.End)
		size := int64(a.End-a.Start) / pageSize
		locked := int64(0)
		if a.Locked {
			locked = r.PSS
		}
		for _, l := range []struct {
			name  string
			bytes int64
		}{
			{"Size", size * pageSize},
			{"KernelPageSize", pageSize},
			{"MMUPageSize", pageSize},
			{"Rss", r.RSS * pageSize},
			{"Pss", r.PSS},
			{"Shared_Clean", (r.RSS - r.Anon - r.PrivateFile) * pageSize},
			{"Shared_Dirty", (r.Anon - r.Private) * pageSize},
			{"Private_Clean", r.PrivateFile * pageSize},
			{"Private_Dirty", r.Private * pageSize},
			{"Anonymous", r.Anon * pageSize},
			{"LazyFree", 0},
			{"AnonHugePages", 0},
			{"Swap", 0},
			{"SwapPss", 0},
			{"Locked", locked},
		} {
			fmt.Fprintf(w, "%-16s%8d kB\n", l.name+":", l.bytes>>10)
		}
		w.WriteString("THPeligible:    0\nVmFlags:")
		for _, f := range []struct {
			on   bool
			name string
		}{
			{a.Prot&abi.PROT_READ != 0, "rd"},
			{a.Prot&abi.PROT_WRITE != 0, "wr"},
			{a.Prot&abi.PROT_EXEC != 0, "ex"},
			{a.Shared, "sh"},
			{a.Stack, "gd"},
			{a.Locked, "lo"},
		} {
			if f.on {
				w.WriteByte(' ')
				w.WriteString(f.name)
			}
		}
		w.WriteString(" \n")
	}
	return nil
}
