package task

import (
	"bytes"
	"encoding/binary"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
	"kevlar/kernel/task/elf"
)

const (
	// maxArgString is the most bytes of one argument, its NUL included.
	maxArgString = 128 << 10
	// maxArgs is what all arguments and their pointers may take, however
	// large the stack; minArgs is what they always may.
	maxArgs = 6 << 20
	minArgs = 128 << 10
)

// A stackBuilder makes the stack of a new program: execve(2), getauxval(3).
// From the top down: the file name, the environment, the arguments; then what
// the auxiliary vector points to, the vector itself, the pointers to the
// environment and the arguments, and their number.
//
// The strings are written from the top down through a buffer of one page.
type stackBuilder struct {
	x *execution
	// sp is the lowest byte written.
	sp    uintptr
	limit uintptr // strings end above it

	page  uintptr     // what buf stands for; bytes from sp on are set
	buf   frame.Frame // 0 if none
	other frame.Frame // to read strings into

	top                                uintptr
	execfn, argStart, envStart, envEnd uintptr
	argc, envc                         int
}

// start copies the strings: the file name, the environment and the
// arguments.
func (s *stackBuilder) start(x *execution) error {
	s.x = x
	var err error
	if s.buf, err = frame.AllocZero(); err != nil {
		return err
	}
	if s.other, err = frame.Alloc(); err != nil {
		return err
	}
	s.top = x.as.StackTop()
	s.sp = s.top
	s.page = s.top
	if s.argc, err = s.count(&x.argv); err != nil {
		return err
	}
	if s.envc, err = s.count(&x.envp); err != nil {
		return err
	}
	if err := s.setLimit(); err != nil {
		return err
	}
	if err := s.push(make([]byte, 8)); err != nil {
		return err
	}
	if err := s.pushString(x.filename); err != nil {
		return err
	}
	s.execfn, s.envEnd = s.sp, s.sp
	if err := s.pushVector(&x.envp, s.envc); err != nil {
		return err
	}
	s.envStart = s.sp
	if s.argc == 0 {
		// A program always gets a name, if an empty one.
		s.argc = 1
		err = s.pushString("")
	} else {
		err = s.pushVector(&x.argv, s.argc)
	}
	s.argStart = s.sp
	return err
}

func (s *stackBuilder) release() {
	if s.buf != 0 {
		s.buf.Put()
	}
	if s.other != 0 {
		s.other.Put()
	}
}

// count returns how many strings v has.
func (s *stackBuilder) count(v *Vector) (int, error) {
	if v.User == 0 {
		return len(v.Strings), nil
	}
	const max = maxArgs / 8
	for n := 0; n < max; n++ {
		p, err := s.x.t.mm.ReadUint64(v.User + uintptr(n)*8)
		if err != nil {
			return 0, abi.EFAULT
		}
		if p == 0 {
			return n, nil
		}
	}
	return 0, abi.E2BIG
}

// setLimit works out how far down the strings may reach: arguments, with
// their pointers, take a quarter of what the stack may be.
func (s *stackBuilder) setLimit() error {
	limit := min(maxArgs, s.x.t.group.Limit(abi.RLIMIT_STACK)/4)
	limit = max(limit, minArgs)
	pointers := uint64(max(s.argc, 1)+s.envc) * 8
	if limit <= pointers {
		return abi.E2BIG
	}
	s.limit = s.top - uintptr(limit-pointers)
	return nil
}

// push writes b below what there is.
func (s *stackBuilder) push(b []byte) error {
	if uintptr(len(b)) > s.sp-s.limit {
		return abi.E2BIG
	}
	for len(b) > 0 {
		if s.sp == s.page {
			if err := s.flush(); err != nil {
				return err
			}
			s.page -= frame.Size
		}
		n := min(len(b), int(s.sp-s.page))
		s.sp -= uintptr(n)
		copy(s.buf.Data()[s.sp-s.page:], b[len(b)-n:])
		b = b[:len(b)-n]
	}
	return nil
}

// flush writes the buffer to the stack.
func (s *stackBuilder) flush() error {
	if s.page == s.top {
		return nil
	}
	_, err := s.x.as.CopyOut(s.sp, s.buf.Data()[s.sp-s.page:])
	return err
}

func (s *stackBuilder) pushString(str string) error {
	if len(str) >= maxArgString {
		return abi.E2BIG
	}
	if err := s.push([]byte{0}); err != nil {
		return err
	}
	return s.push([]byte(str))
}

// pushVector pushes the n strings of v, the last first.
func (s *stackBuilder) pushVector(v *Vector, n int) error {
	for i := n - 1; i >= 0; i-- {
		var err error
		if v.User == 0 {
			err = s.pushString(v.Strings[i])
		} else {
			var p uint64
			if p, err = s.x.t.mm.ReadUint64(v.User + uintptr(i)*8); err != nil {
				return abi.EFAULT
			}
			err = s.pushUser(uintptr(p))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pushUser pushes the string at addr of the old program.
func (s *stackBuilder) pushUser(addr uintptr) error {
	n, err := s.userStringLen(addr)
	if err != nil {
		return err
	}
	b := s.other.Data()[:]
	if n <= len(b) {
		return s.push(b[:n]) // it was read on the way
	}
	last := addr + uintptr(n)
	for end := last; n > 0; {
		k := min(n, len(b))
		if _, err := s.x.t.mm.CopyIn(b[:k], end-uintptr(k)); err != nil {
			return err
		}
		if end == last {
			b[k-1] = 0 // even if the program has changed it meanwhile
		}
		if err := s.push(b[:k]); err != nil {
			return err
		}
		end, n = end-uintptr(k), n-k
	}
	return nil
}

// userStringLen returns the length of the string at addr, its NUL included. A
// string that fits is in s.other then.
func (s *stackBuilder) userStringLen(addr uintptr) (int, error) {
	b := s.other.Data()[:]
	have := 0 // bytes of the string in b from the start
	n := 0
	for chunk := 128; ; chunk *= 2 {
		if n >= len(b) {
			have = 0
		}
		k := min(chunk, len(b)-have, frame.Size-int(addr%frame.Size))
		got, err := s.x.t.mm.CopyIn(b[have:have+k], addr)
		if i := bytes.IndexByte(b[have:have+got], 0); i >= 0 {
			if n += i + 1; n > maxArgString {
				return 0, abi.E2BIG
			}
			return n, nil
		}
		if err != nil {
			return 0, abi.EFAULT
		}
		addr, n, have = addr+uintptr(k), n+k, have+k
		if n >= maxArgString {
			return 0, abi.E2BIG
		}
	}
}

// script replaces the first argument, which is a script's name, by its
// interpreter, the interpreter's argument if there is one, and the script's
// file name.
func (s *stackBuilder) script(filename, interp, arg string) error {
	if err := s.dropFirst(); err != nil {
		return err
	}
	if err := s.pushString(filename); err != nil {
		return err
	}
	if arg != "" {
		if err := s.pushString(arg); err != nil {
			return err
		}
		s.argc++
	}
	if err := s.pushString(interp); err != nil {
		return err
	}
	s.argc++
	s.argStart = s.sp
	return nil
}

// dropFirst removes the string that was pushed last.
func (s *stackBuilder) dropFirst() error {
	for {
		b := s.buf.Data()[s.sp-s.page:]
		if i := bytes.IndexByte(b, 0); i >= 0 {
			s.sp += uintptr(i) + 1
			return nil
		}
		s.page += frame.Size
		s.sp = s.page
		if _, err := s.x.as.CopyIn(s.buf.Data()[:], s.page); err != nil {
			return err
		}
	}
}

// makeExecutable does what the program's PT_GNU_STACK asks for.
func (s *stackBuilder) makeExecutable() {
	const size = 128 << 10
	s.x.as.Mprotect(s.top-size, size, abi.PROT_READ|abi.PROT_WRITE|abi.PROT_EXEC|abi.PROT_GROWSDOWN)
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
	if x.t.group.personality.Load()&addrNoRandomize == 0 {
		p -= uintptr(mm.Random() % 8192)
	}
	p &^= 15
	const platform = "x86_64\x00"
	p -= uintptr(len(platform))
	platformAt := p
	p -= 16
	randomAt := p
	var random [16]byte
	binary.LittleEndian.PutUint64(random[:], mm.Random())
	binary.LittleEndian.PutUint64(random[8:], mm.Random())
	if Entropy != nil {
		Entropy(random[:])
	}
	if _, err := x.as.CopyOut(randomAt, append(random[:], platform...)); err != nil {
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
