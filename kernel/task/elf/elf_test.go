package elf

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/layout"
)

// builder makes small program files.
type builder struct {
	typ, machine uint16
	phs          [][8]uint64 // type|flags<<32, offset, vaddr, paddr, filesz, memsz, align
	entry        uint64
}

func (b *builder) bytes() []byte {
	out := make([]byte, HeaderSize+len(b.phs)*ProgramHeaderSize)
	copy(out, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(out[16:], b.typ)
	le.PutUint16(out[18:], b.machine)
	le.PutUint64(out[24:], b.entry)
	le.PutUint64(out[32:], HeaderSize)
	le.PutUint16(out[54:], ProgramHeaderSize)
	le.PutUint16(out[56:], uint16(len(b.phs)))
	for i, ph := range b.phs {
		for j := range 7 {
			le.PutUint64(out[HeaderSize+i*ProgramHeaderSize+8*j:], ph[j])
		}
	}
	return out
}

func load(flags, off, vaddr, filesz, memsz uint64) [8]uint64 {
	return [8]uint64{segmentLoad | flags<<32, off, vaddr, vaddr, filesz, memsz, 0x1000}
}

func parse(b []byte) (Image, error) {
	h, err := ParseHeader(b)
	if err != nil {
		return Image{}, err
	}
	end := h.PhOff + uint64(h.PhNum*ProgramHeaderSize)
	if end > uint64(len(b)) {
		return Image{}, abi.ENOEXEC
	}
	return ParseProgramHeaders(h, b[h.PhOff:end])
}

func TestStaticProgram(t *testing.T) {
	b := builder{typ: typeExec, machine: machineX86_64, entry: 0x401020, phs: [][8]uint64{
		{segmentGNUStack | 6<<32},
		load(Read|Exec, 0, 0x400000, 0x1234, 0x1234),
		load(Read|Write, 0x1240, 0x402240, 0x100, 0x2000),
	}}
	img, err := parse(b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if img.Dynamic || img.Entry != 0x401020 || len(img.Segments) != 2 || img.ExecStack {
		t.Errorf("image %+v", img)
	}
	if img.PhdrAddr != 0x400040 {
		t.Errorf("program headers at %#x, want 0x400040", img.PhdrAddr)
	}
	if s, e := img.Span(); s != 0x400000 || e != 0x405000 {
		t.Errorf("span %#x-%#x, want 0x400000-0x405000", s, e)
	}
}

func TestRefused(t *testing.T) {
	good := func() *builder {
		return &builder{typ: typeDyn, machine: machineX86_64, phs: [][8]uint64{load(5, 0, 0, 0x1000, 0x1000)}}
	}
	if _, err := parse(good().bytes()); err != nil {
		t.Fatalf("the good image: %v", err)
	}
	cases := map[string]func(*builder){
		"other machine":              func(b *builder) { b.machine = 183 },
		"object file":                func(b *builder) { b.typ = 1 },
		"no headers":                 func(b *builder) { b.phs = nil },
		"nothing to load":            func(b *builder) { b.phs[0][0] = 4 },
		"file part over memory part": func(b *builder) { b.phs[0][4] = 0x1001 },
		"beyond user space":          func(b *builder) { b.phs[0][2] = layout.UserEnd },
		"size wraps":                 func(b *builder) { b.phs[0][5] = 1<<64 - 1 },
		"offset wraps":               func(b *builder) { b.phs[0][1] = 1<<64 - 0x1000 },
		"not congruent":              func(b *builder) { b.phs[0][1] = 0x10 },
		"overlap":                    func(b *builder) { b.phs = append(b.phs, load(6, 0, 0, 0x10, 0x10)) },
		"out of order": func(b *builder) {
			b.phs = [][8]uint64{load(5, 0, 0x5000, 0x1000, 0x1000), load(5, 0, 0x1000, 0x1000, 0x1000)}
		},
		"interpreter too long": func(b *builder) {
			b.phs = append(b.phs, [8]uint64{segmentInterp, 0, 0, 0, 4097})
		},
	}
	for name, change := range cases {
		b := good()
		change(b)
		if _, err := parse(b.bytes()); err != abi.ENOEXEC {
			t.Errorf("%s: %v, want ENOEXEC", name, err)
		}
	}
	whole := good().bytes()
	for n := range whole {
		if _, err := parse(whole[:n]); err != abi.ENOEXEC {
			t.Errorf("cut to %d bytes: %v, want ENOEXEC", n, err)
		}
	}
}

func TestRealProgram(t *testing.T) {
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip("no /proc/self/exe")
	}
	img, err := parse(b)
	if err != nil || len(img.Segments) < 2 || img.Entry == 0 {
		t.Errorf("this test's own program: %+v, %v", img, err)
	}
}

func TestScript(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct{ in, interp, arg string }{
		{"#!/bin/sh\necho", "/bin/sh", ""},
		{"#! \t/bin/sh  -e  x \t\n", "/bin/sh", "-e  x"},
		{"#!/bin/sh", "/bin/sh", ""},
		{"#!/bin/sh -x", "/bin/sh", "-x"},
		{"#!/bin/sh\x00junk\n", "/bin/sh", ""},
		{"#!/bin/sh " + long, "/bin/sh", long[:ScriptMax-1-len("#!/bin/sh ")]},
		{"#!" + long[:252] + "\n", long[:252], ""},
		{"#!" + long[:253] + "\n", long[:253], ""},
	} {
		interp, arg, err := ParseScript([]byte(c.in))
		if err != nil || interp != c.interp || arg != c.arg {
			t.Errorf("%.20q: %q %q %v, want %q %q", c.in, interp, arg, err, c.interp, c.arg)
		}
	}
	for _, in := range []string{"", "#", "#!", "#!\n", "#!  \t\n/bin/sh", "sh", "#!" + long, "#!" + strings.Repeat(" ", 300)} {
		if _, _, err := ParseScript([]byte(in)); err != abi.ENOEXEC {
			t.Errorf("%.20q: %v, want ENOEXEC", in, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	b := builder{typ: typeExec, machine: machineX86_64, phs: [][8]uint64{
		load(5, 0, 0x400000, 0x1000, 0x1000), {segmentInterp, 0x10, 0, 0, 5}}}
	f.Add(b.bytes())
	f.Add([]byte("#!/bin/sh -x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if interp, arg, err := ParseScript(b); err == nil {
			if interp == "" || len(interp)+len(arg) > ScriptMax || bytes.ContainsAny([]byte(interp), " \t\n\x00") {
				t.Fatalf("script %q: %q %q", b, interp, arg)
			}
		}
		img, err := parse(b)
		if err != nil {
			return
		}
		last := uint64(0)
		for _, s := range img.Segments {
			if s.Start() < last || s.End() <= s.Start() || s.End() > layout.UserEnd+pageSize || s.FileSize > s.MemSize {
				t.Fatalf("segment %+v", s)
			}
			last = s.End()
		}
	})
}
