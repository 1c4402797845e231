package task

import (
	"bytes"
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
	"kevlar/kernel/random"
	"kevlar/kernel/task/elf"
)

// makeExecutable does what the program's PT_GNU_STACK asks for.
func (s *stackBuilder) makeExecutable() {
	const size = 128 << 10
	s.x.as.Mprotect(nil, s.top-size, size, abi.PROT_READ|abi.PROT_WRITE|abi.PROT_EXEC|abi.PROT_GROWSDOWN)
}

// finish writes everything below the strings, when the program is mapped and
// its credentials are known.
func (s *stackBuilder) finish() error {
	x := s.x
	if err := s.flush(); err != nil {
		return err
	}
	strings := s.sp
	p := s.sp
	p -= x.as.RandomOffset(8192)
	p &^= 15
	const platform = "x86_64\x00"
	p -= uintptr(len(platform))
	platformAt := p
	p -= 16
	randomAt := p
	var seed [16]byte
	random.Read(seed[:])
	if _, err := x.as.CopyOut(randomAt, append(seed[:], platform...)); err != nil {
		return err
	}
	auxv := s.auxv(randomAt, platformAt)
	words := 1 + s.argc + 1 + s.envc + 1
	p = (p - uintptr(len(auxv)+words*8)) &^ 15
	s.sp = p
	if err := s.writePointers(p, strings); err != nil {
		return err
	}
	if _, err := x.as.CopyOut(p+uintptr(words*8), auxv); err != nil {
		return err
	}
	codeStart, codeEnd := x.image.Code()
	dataStart, dataEnd := x.image.Data()
	x.prog = &program{
		argStart: s.argStart, argEnd: s.envStart, envStart: s.envStart, envEnd: s.envEnd,
		auxv: auxv, stackStart: p,
		codeStart: x.bias + uintptr(codeStart), codeEnd: x.bias + uintptr(codeEnd),
		dataStart: x.bias + uintptr(dataStart), dataEnd: x.bias + uintptr(dataEnd),
	}
	return nil
}

// writePointers writes argc, argv and envp at addr. The strings follow each
// other in memory from the address strings on.
func (s *stackBuilder) writePointers(addr, strings uintptr) error {
	out := pointerWriter{as: s.x.as, addr: addr, buf: s.buf.Data()[:0]}
	in := stringScanner{as: s.x.as, addr: strings, buf: s.other.Data()}
	out.put(uint64(s.argc))
	for _, n := range [...]int{s.argc, s.envc} {
		for range n {
			out.put(uint64(in.addr))
			if err := in.next(); err != nil {
				return err
			}
		}
		out.put(0)
	}
	out.flush()
	return out.err
}

// A pointerWriter writes words to ascending addresses, a page at a time.
type pointerWriter struct {
	as   *mm.AddressSpace
	addr uintptr
	buf  []byte
	err  error
}

func (w *pointerWriter) put(v uint64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, v)
	if len(w.buf) == frame.Size {
		w.flush()
	}
}

func (w *pointerWriter) flush() {
	if w.err == nil {
		_, w.err = w.as.CopyOut(w.addr, w.buf)
	}
	w.addr += uintptr(len(w.buf))
	w.buf = w.buf[:0]
}

// A stringScanner goes from string to string in memory.
type stringScanner struct {
	as   *mm.AddressSpace
	addr uintptr // of the present string
	buf  *[frame.Size]byte
	have []byte // what follows addr, as far as it was read
}

// next goes to the string after the present one.
func (r *stringScanner) next() error {
	for {
		if i := bytes.IndexByte(r.have, 0); i >= 0 {
			r.addr += uintptr(i) + 1
			r.have = r.have[i+1:]
			return nil
		}
		r.addr += uintptr(len(r.have))
		n := frame.Size - int(r.addr%frame.Size)
		if _, err := r.as.CopyIn(r.buf[:n], r.addr); err != nil {
			return err
		}
		r.have = r.buf[:n]
	}
}

// auxv returns the auxiliary vector.
func (s *stackBuilder) auxv(randomAt, platformAt uintptr) []byte {
	x := s.x
	b := make([]byte, 0, 24*16)
	put := func(key int, v uint64) {
		b = binary.LittleEndian.AppendUint64(b, uint64(key))
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	if x.vdso != 0 {
		put(abi.AT_SYSINFO_EHDR, uint64(x.vdso))
	}
	put(abi.AT_MINSIGSTKSZ, minSigStack())
	put(abi.AT_HWCAP, HWCap)
	put(abi.AT_PAGESZ, frame.Size)
	put(abi.AT_CLKTCK, abi.USER_HZ)
	phdr := uint64(0)
	if x.image.PhdrAddr != 0 {
		phdr = uint64(x.bias) + x.image.PhdrAddr
	}
	put(abi.AT_PHDR, phdr)
	put(abi.AT_PHENT, elf.ProgramHeaderSize)
	put(abi.AT_PHNUM, uint64(x.image.PhNum))
	put(abi.AT_BASE, uint64(x.interpBase))
	put(abi.AT_FLAGS, 0)
	put(abi.AT_ENTRY, uint64(x.bias)+x.image.Entry)
	put(abi.AT_UID, uint64(x.cred.UID))
	put(abi.AT_EUID, uint64(x.cred.EUID))
	put(abi.AT_GID, uint64(x.cred.GID))
	put(abi.AT_EGID, uint64(x.cred.EGID))
	secure := uint64(0)
	if x.secure {
		secure = 1
	}
	put(abi.AT_SECURE, secure)
	put(abi.AT_RANDOM, uint64(randomAt))
	put(abi.AT_HWCAP2, HWCap2)
	put(abi.AT_EXECFN, uint64(s.execfn))
	put(abi.AT_PLATFORM, uint64(platformAt))
	put(abi.AT_NULL, 0)
	return b
}

// minSigStack returns AT_MINSIGSTKSZ: the most that a signal frame takes.
func minSigStack() uint64 {
	n := abi.SizeofSigFrame + 8 + 15 + fpStateSize() + 63 + redZone
	return (uint64(n) + 15) &^ 15
}
