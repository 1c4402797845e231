// Package elf decodes what execve(2) needs of a program file: the ELF header,
// the program headers, and the first line of a script. It is a pure decoder
// of untrusted bytes: it reads no files and keeps nothing of its input.
package elf

import (
	"encoding/binary"
	"math"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/layout"
)

// Sizes of the structures in a 64-bit ELF file: elf(5).
const (
	HeaderSize        = 64
	ProgramHeaderSize = 56

	// maxProgramHeaders bounds the table of program headers to 64 KiB.
	maxProgramHeaders = 65536 / ProgramHeaderSize
)

const (
	pageSize = 4096

	typeExec      = 2
	typeDyn       = 3
	machineX86_64 = 62

	segmentLoad     = 1
	segmentInterp   = 3
	segmentPhdr     = 6
	segmentGNUStack = 0x6474e551
)

// Access bits of a segment.
const (
	Exec  = 1
	Write = 2
	Read  = 4
)

// A Header is what the first HeaderSize bytes of a program tell.
type Header struct {
	// Dynamic tells a position-independent file (ET_DYN), which is loaded
	// at an address of the kernel's choice.
	Dynamic bool
	Entry   uint64
	// PhOff and PhNum are the place in the file and the number of the
	// program headers; their table is PhNum*ProgramHeaderSize bytes long.
	PhOff uint64
	PhNum int
}

// ParseHeader decodes the first bytes of a file. It returns ENOEXEC for what
// is no x86-64 program.
func ParseHeader(b []byte) (Header, error) {
	if !IsELF(b) || len(b) < HeaderSize {
		return Header{}, abi.ENOEXEC
	}
	le := binary.LittleEndian
	const class64, dataLittle = 2, 1
	typ := le.Uint16(b[16:])
	if b[4] != class64 || b[5] != dataLittle ||
		typ != typeExec && typ != typeDyn ||
		le.Uint16(b[18:]) != machineX86_64 ||
		le.Uint16(b[54:]) != ProgramHeaderSize {
		return Header{}, abi.ENOEXEC
	}
	h := Header{
		Dynamic: typ == typeDyn,
		Entry:   le.Uint64(b[24:]),
		PhOff:   le.Uint64(b[32:]),
		PhNum:   int(le.Uint16(b[56:])),
	}
	if h.PhNum == 0 || h.PhNum > maxProgramHeaders || h.PhOff > math.MaxInt64-1<<17 {
		return Header{}, abi.ENOEXEC
	}
	return h, nil
}

// IsELF reports whether b begins with the magic number of ELF.
func IsELF(b []byte) bool {
	return len(b) >= 4 && b[0] == 0x7f && b[1] == 'E' && b[2] == 'L' && b[3] == 'F'
}

// A Segment is a PT_LOAD program header. Its offset in the file and its
// address are congruent modulo the page size.
type Segment struct {
	Flags    uint32 // Exec, Write, Read
	Offset   uint64
	Vaddr    uint64
	FileSize uint64 // at most MemSize
	MemSize  uint64 // not 0
}

// Start returns the address of the segment's first page.
func (s *Segment) Start() uint64 { return s.Vaddr &^ (pageSize - 1) }

// End returns the address after the segment's last page.
func (s *Segment) End() uint64 { return (s.Vaddr + s.MemSize + pageSize - 1) &^ (pageSize - 1) }

// An Image is a program as its headers describe it. All addresses are those
// in the file: for a dynamic image, relative to where it is loaded.
type Image struct {
	Header
	Segments []Segment // in order of address; they do not overlap
	// PhdrAddr is where the program headers are in memory, 0 if no segment
	// holds them.
	PhdrAddr uint64
	// InterpOff and InterpLen tell where the file holds the path of the
	// interpreter, NUL included. InterpLen is 0 without an interpreter.
	InterpOff uint64
	InterpLen int
	// ExecStack is set if the program asks for an executable stack.
	ExecStack bool
	// Align is the largest alignment that a segment asks for, a power of
	// two, at least a page.
	Align uint64
}

// ParseProgramHeaders decodes the table of program headers. It returns
// ENOEXEC if the image cannot be loaded.
func ParseProgramHeaders(h Header, table []byte) (Image, error) {
	img := Image{Header: h, Align: pageSize}
	if len(table) < h.PhNum*ProgramHeaderSize {
		return img, abi.ENOEXEC
	}
	le := binary.LittleEndian
	loads := 0
	for i := range h.PhNum {
		if le.Uint32(table[i*ProgramHeaderSize:]) == segmentLoad {
			loads++
		}
	}
	img.Segments = make([]Segment, 0, loads)
	for i := range h.PhNum {
		p := table[i*ProgramHeaderSize : (i+1)*ProgramHeaderSize]
		typ, flags := le.Uint32(p[0:]), le.Uint32(p[4:])
		seg := Segment{
			Flags: flags, Offset: le.Uint64(p[8:]), Vaddr: le.Uint64(p[16:]),
			FileSize: le.Uint64(p[32:]), MemSize: le.Uint64(p[40:]),
		}
		switch typ {
		case segmentLoad:
			if seg.MemSize == 0 {
				continue
			}
			if !seg.valid() {
				return img, abi.ENOEXEC
			}
			if n := len(img.Segments); n > 0 && seg.Start() < img.Segments[n-1].End() {
				return img, abi.ENOEXEC
			}
			if a := le.Uint64(p[48:]); a > img.Align && a&(a-1) == 0 && a <= 1<<30 {
				img.Align = a
			}
			img.Segments = append(img.Segments, seg)
		case segmentInterp:
			if img.InterpLen != 0 {
				continue
			}
			if seg.FileSize < 2 || seg.FileSize > abi.PATH_MAX || seg.Offset > math.MaxInt64-abi.PATH_MAX {
				return img, abi.ENOEXEC
			}
			img.InterpOff, img.InterpLen = seg.Offset, int(seg.FileSize)
		case segmentGNUStack:
			img.ExecStack = flags&Exec != 0
		}
	}
	if len(img.Segments) == 0 {
		return img, abi.ENOEXEC
	}
	img.findPhdr()
	return img, nil
}

// valid reports whether s can be mapped.
func (s *Segment) valid() bool {
	return s.FileSize <= s.MemSize &&
		s.MemSize <= layout.UserEnd && s.Vaddr <= layout.UserEnd-s.MemSize &&
		s.Offset <= math.MaxInt64-pageSize-s.FileSize &&
		s.Vaddr%pageSize == s.Offset%pageSize
}

// findPhdr sets PhdrAddr from the segment that holds the table.
func (img *Image) findPhdr() {
	for i := range img.Segments {
		s := &img.Segments[i]
		if img.PhOff >= s.Offset && img.PhOff < s.Offset+s.FileSize {
			img.PhdrAddr = img.PhOff - s.Offset + s.Vaddr
			return
		}
	}
}

// Code returns the range of addresses of the executable segments, and Data
// where the last segment begins and where what the file holds of all ends:
// start_code to end_data of proc_pid_stat(5).
func (img *Image) Code() (start, end uint64) {
	for i := range img.Segments {
		s := &img.Segments[i]
		if s.Flags&Exec == 0 {
			continue
		}
		if end == 0 {
			start = s.Vaddr
		}
		end = max(end, s.Vaddr+s.FileSize)
	}
	return start, end
}

// Data is described at Code.
func (img *Image) Data() (start, end uint64) {
	for i := range img.Segments {
		s := &img.Segments[i]
		start, end = max(start, s.Vaddr), max(end, s.Vaddr+s.FileSize)
	}
	return start, end
}

// Span returns the range of addresses that the segments lie in, in whole
// pages.
func (img *Image) Span() (start, end uint64) {
	return img.Segments[0].Start(), img.Segments[len(img.Segments)-1].End()
}
