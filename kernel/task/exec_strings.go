package task

import (
	"bytes"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
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
