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

// mapsRecords shows proc_pid_maps(5). The position of an area is any address
// in it or in the gap below it.
func (v *view) mapsRecords(pos int64, w *bytes.Buffer, more func(int64) bool) error {
	return v.eachArea(pos, more, func(a *area, _ *mm.AddressSpace) { v.showArea(w, a) })
}

// eachArea calls show, and then more, for the areas that end after address
// pos. Between two of them nothing of the process is held.
func (v *view) eachArea(pos int64, more func(int64) bool, show func(*area, *mm.AddressSpace)) error {
	for {
		as := v.acquireMM()
		if as == nil {
			return nil
		}
		a, ok := v.areaAt(as, uintptr(pos))
		if ok {
			show(&a, as)
		}
		as.Put()
		pos = int64(a.End)
		if !ok || !more(pos) {
			return nil
		}
	}
}

// area is a VMA with its name spelled out.
type area struct {
	mm.VMAInfo
	name string
}

// areaAt returns the first VMA that ends after addr, if there is one.
func (v *view) areaAt(as *mm.AddressSpace, addr uintptr) (a area, ok bool) {
	root := v.callerRoot()
	as.VMAsFrom(addr, func(info mm.VMAInfo) bool {
		a, ok = area{info, info.Name}, true
		if f, ok := info.File.(*vfs.File); ok {
			if name, err := vfs.PathName(f.Path(), root); err == nil {
				a.name = name
			}
		}
		a.File = nil
		return false
	})
	return a, ok
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

// presence is what is present of an area, in the units of mm.Residence.
type presence struct {
	mm.Residence
	locked int64 // bytes
}

// presence asks for the residence of an area.
func (a *area) presence(as *mm.AddressSpace) presence {
	p := presence{Residence: as.Residence(a.Start, a.End)}
	if a.Locked {
		p.locked = p.PSS
	}
	return p
}

func (p *presence) add(q presence) {
	p.RSS += q.RSS
	p.Anon += q.Anon
	p.Private += q.Private
	p.PrivateFile += q.PrivateFile
	p.PSS += q.PSS
	p.locked += q.locked
}

// smapsRecords shows the areas with what is present of them:
// proc_pid_smaps(5).
func (v *view) smapsRecords(pos int64, w *bytes.Buffer, more func(int64) bool) error {
	return v.eachArea(pos, more, func(a *area, as *mm.AddressSpace) {
		v.showArea(w, a)
		showKilobytes(w, "Size", int64(a.End-a.Start))
		showKilobytes(w, "KernelPageSize", pageSize)
		showKilobytes(w, "MMUPageSize", pageSize)
		showPresence(w, a.presence(as))
		w.WriteString("THPeligible:    0\nVmFlags:")
		for _, f := range [...]struct {
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
		w.WriteString(a.Advised)
		w.WriteString(" \n")
	})
}

// showSmapsRollup shows the sums of smaps.
func (v *view) showSmapsRollup(w *bytes.Buffer) error {
	as := v.acquireMM()
	if as == nil {
		return abi.ESRCH
	}
	as.Put()
	sum := area{name: "[rollup]"}
	var total presence
	v.eachArea(0, func(int64) bool { return true }, func(a *area, as *mm.AddressSpace) {
		if sum.End == 0 {
			sum.Start = a.Start
		}
		sum.End = a.End
		total.add(a.presence(as))
	})
	v.showArea(w, &sum)
	showPresence(w, total)
	return nil
}

// showPresence shows the lines that smaps and smaps_rollup share. Frames of
// anonymous memory count as dirty: there is no other copy of them.
func showPresence(w *bytes.Buffer, p presence) {
	for _, l := range []struct {
		name  string
		bytes int64
	}{
		{"Rss", p.RSS * pageSize},
		{"Pss", p.PSS},
		{"Shared_Clean", (p.RSS - p.Anon - p.PrivateFile) * pageSize},
		{"Shared_Dirty", (p.Anon - p.Private) * pageSize},
		{"Private_Clean", p.PrivateFile * pageSize},
		{"Private_Dirty", p.Private * pageSize},
		{"Anonymous", p.Anon * pageSize},
		{"LazyFree", 0},
		{"AnonHugePages", 0},
		{"Swap", 0},
		{"SwapPss", 0},
		{"Locked", p.locked},
	} {
		showKilobytes(w, l.name, l.bytes)
	}
}

// showKilobytes shows one line of smaps or meminfo.
func showKilobytes(w *bytes.Buffer, name string, bytes int64) {
	fmt.Fprintf(w, "%-16s%8d kB\n", name+":", bytes>>10)
}
