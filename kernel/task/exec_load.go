package task

import (
	"bytes"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/mm"
	"kevlar/kernel/task/elf"
	"kevlar/kernel/vfs"
)

// newRegisters are the registers that a program begins with.
var newRegisters = ring3.Registers{CS: ring3.UserCS, SS: ring3.UserSS, RFLAGS: 0x202}

// readImage reads the headers of a program. bad is the error for a file that
// is none.
func readImage(f *vfs.File, bad error) (elf.Image, error) {
	var head [elf.HeaderSize]byte
	n, err := readAt(f, head[:], 0)
	if err != nil {
		return elf.Image{}, err
	}
	h, err := elf.ParseHeader(head[:n])
	if err != nil {
		return elf.Image{}, bad
	}
	table := make([]byte, h.PhNum*elf.ProgramHeaderSize)
	if n, err = readAt(f, table, int64(h.PhOff)); err != nil {
		return elf.Image{}, err
	}
	img, err := elf.ParseProgramHeaders(h, table[:n])
	if err != nil {
		return elf.Image{}, bad
	}
	return img, nil
}

// loadImage maps the program, its interpreter and the vDSO.
func (x *execution) loadImage() error {
	img, err := readImage(x.file, abi.ENOEXEC)
	if err != nil {
		return err
	}
	x.image = img
	if err := x.openInterp(); err != nil {
		return err
	}
	if img.Dynamic {
		start, _ := img.Span()
		x.bias = x.as.PIEBase()&^uintptr(img.Align-1) - uintptr(start)
	}
	if err := mapImage(x.as, x.file, &img, x.bias); err != nil {
		return err
	}
	_, end := img.Span()
	x.as.SetBrk(x.bias + uintptr(end))
	x.entry = x.bias + uintptr(img.Entry)
	if x.interp != nil {
		if err := x.loadInterp(); err != nil {
			return err
		}
	}
	if img.ExecStack {
		x.stack.makeExecutable()
	}
	if MapVDSO != nil {
		if x.vdso, err = MapVDSO(x.as); err != nil {
			return err
		}
	}
	if x.entry >= mm.UserTop {
		return abi.ENOEXEC
	}
	return nil
}

// openInterp opens the interpreter that the program asks for, if any.
func (x *execution) openInterp() error {
	n := x.image.InterpLen
	if n == 0 {
		return nil
	}
	name := make([]byte, n)
	if k, err := readAt(x.file, name, int64(x.image.InterpOff)); err != nil {
		return err
	} else if k < n {
		return abi.EIO
	}
	if name[n-1] != 0 {
		return abi.ENOEXEC
	}
	name = name[:bytes.IndexByte(name, 0)]
	f, err := vfs.OpenExec(x.t, x.t.fs, x.t.fs.Cwd(), string(name), 0)
	x.interp = f
	return err
}

// loadInterp maps the interpreter, which is entered in place of the program.
func (x *execution) loadInterp() error {
	img, err := readImage(x.interp, abi.ELIBBAD)
	if err != nil {
		return err
	}
	bias := uintptr(0)
	if img.Dynamic {
		start, end := img.Span()
		// Anywhere: find a gap that is large enough.
		n := uintptr(end - start)
		align := uintptr(img.Align)
		at, err := x.as.Mmap(mm.MmapArgs{Length: n + align, Flags: abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_NORESERVE})
		if err != nil {
			return err
		}
		if err := x.as.Munmap(at, n+align); err != nil {
			return err
		}
		bias = (at+align-1)&^(align-1) - uintptr(start)
		if align == frame.Size {
			bias = at + frame.Size - uintptr(start) // end where the gap ends
		}
	}
	if err := mapImage(x.as, x.interp, &img, bias); err != nil {
		return err
	}
	x.interpBase = bias
	x.entry = bias + uintptr(img.Entry)
	return nil
}

// mapImage maps the segments of img from f, bias bytes above their addresses.
func mapImage(as *mm.AddressSpace, f *vfs.File, img *elf.Image, bias uintptr) error {
	object, err := f.MemoryObject()
	if err != nil {
		return abi.ENOEXEC
	}
	for i := range img.Segments {
		if err := mapSegment(as, f, object, &img.Segments[i], bias); err != nil {
			return err
		}
	}
	return nil
}

// mapSegment maps the part of s that is in the file straight from its object,
// clears what follows on the last page, and adds anonymous memory for the
// rest.
func mapSegment(as *mm.AddressSpace, f *vfs.File, object mm.Object, s *elf.Segment, bias uintptr) error {
	prot := 0
	if s.Flags&elf.Read != 0 {
		prot |= abi.PROT_READ
	}
	if s.Flags&elf.Write != 0 {
		prot |= abi.PROT_WRITE
	}
	if s.Flags&elf.Exec != 0 {
		prot |= abi.PROT_EXEC
	}
	const flags = abi.MAP_PRIVATE | abi.MAP_FIXED_NOREPLACE
	const mask = frame.Size - 1
	start, end := bias+uintptr(s.Start()), bias+uintptr(s.End())
	fileEnd := bias + uintptr(s.Vaddr+s.FileSize)
	mapped := start
	if s.FileSize != 0 {
		mapped = (fileEnd + mask) &^ mask
		_, err := as.Mmap(mm.MmapArgs{
			Addr: start, Length: mapped - start, Prot: prot, Flags: flags,
			Object: object, Offset: s.Offset &^ mask, File: f,
		})
		if err != nil {
			return err
		}
		if n := int(mapped - fileEnd); n > 0 && s.MemSize > s.FileSize && s.Flags&elf.Write != 0 {
			if _, err := as.ZeroOut(fileEnd, n); err != nil {
				return err
			}
		}
	}
	if mapped >= end {
		return nil
	}
	_, err := as.Mmap(mm.MmapArgs{Addr: mapped, Length: end - mapped, Prot: prot, Flags: flags | abi.MAP_ANONYMOUS})
	return err
}
