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
	if err := x.place(&img); err != nil {
		return err
	}
	if err := mapImage(x.as, x.file, &img, x.bias); err != nil {
		return err
	}
	_, end := img.Span()
	heap := x.bias + uintptr(end)
	if img.Dynamic && x.interp == nil {
		heap = x.as.HeapBase(heap)
	}
	x.as.SetBrk(heap)
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

// place chooses where the program lies. One that can run anywhere and asks for
// no interpreter may be one itself: it lies where interpreters do.
func (x *execution) place(img *elf.Image) (err error) {
	switch {
	case !img.Dynamic:
	case x.interp != nil:
		start, _ := img.Span()
		x.bias = x.as.PIEBase()&^uintptr(img.Align-1) - uintptr(start)
	default:
		x.bias, err = gapFor(x.as, img)
	}
	return err
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
	if err == nil {
		x.noteUnreadable(f)
	}
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
		if bias, err = gapFor(x.as, &img); err != nil {
			return err
		}
	}
	if err := mapImage(x.as, x.interp, &img, bias); err != nil {
		return err
	}
	x.interpBase = bias
	x.entry = bias + uintptr(img.Entry)
	return nil
}

// gapFor returns the bias by which img lies in a gap of the area for mmap.
func gapFor(as *mm.AddressSpace, img *elf.Image) (bias uintptr, err error) {
	start, end := img.Span()
	n := uintptr(end - start)
	align := uintptr(img.Align)
	at, err := as.Mmap(&mm.MmapArgs{Length: n + align, Flags: abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_NORESERVE})
	if err != nil {
		return 0, err
	}
	if err := as.Munmap(at, n+align); err != nil {
		return 0, err
	}
	if align == frame.Size {
		return at + frame.Size - uintptr(start), nil // end where the gap ends
	}
	return (at+align-1)&^(align-1) - uintptr(start), nil
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
		_, err := as.Mmap(&mm.MmapArgs{
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
	_, err := as.Mmap(&mm.MmapArgs{Addr: mapped, Length: end - mapped, Prot: prot, Flags: flags | abi.MAP_ANONYMOUS})
	return err
}
