package mm

import (
	"errors"
	"fmt"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/pagetable"
)

// A FaultError is why an access to user memory cannot be: the signal that it
// gets, with its code and address, as in sigaction(2).
type FaultError struct {
	Signal, Code int
	Addr         uintptr
}

func (e FaultError) Error() string {
	return fmt.Sprintf("mm: signal %d, code %d at %#x", e.Signal, e.Code, e.Addr)
}

// Codes of SIGSEGV and SIGBUS: sigaction(2).
const (
	segvMapErr = 1 // nothing is mapped there
	segvAccErr = 2 // it may not be used so
	segvPKUErr = 4 // its protection key forbids it
	busAdrErr  = 2 // it is behind the end of the object
)

// errUnmapped is what resolve answers if no VMA contains the address.
var errUnmapped = errors.New("mm: no VMA")

// memoryTries is how often memory is asked for before a fault fails; each may
// kill a process and wait for its end for a while.
const memoryTries = 20

// Fault resolves a page fault at addr: a write, an instruction fetch, or else
// a read; present tells that there was a page, with lesser rights. Nil means
// that the access is to be tried again. Otherwise the error is a FaultError,
// or ENOMEM if there was no memory even after the out-of-memory handler did
// what it can: then the access may be tried again unless the task is to die.
func (as *AddressSpace) Fault(addr uintptr, write, exec, present bool) error {
	grown := false
	for tries := 0; ; {
		err := as.resolve(addr, write, exec)
		switch {
		case err == nil:
			return nil
		case err == errUnmapped:
			if grown || addr >= UserTop || !as.growStack(addr) {
				return FaultError{abi.SIGSEGV, segvMapErr, addr}
			}
			grown = true
		case err == abi.ENOMEM:
			if tries == memoryTries || as.doomed.Load() {
				return err
			}
			tries++
			outOfMemory()
		default:
			pending, ok := err.(Pending)
			if !ok {
				return err
			}
			if as.doomed.Load() {
				return abi.ENOMEM
			}
			pending.Wait()
		}
	}
}

// resolve is Fault without stacks that grow, memory that runs out, and pages
// that have to be read first.
func (as *AddressSpace) resolve(addr uintptr, write, exec bool) error {
	as.mu.RLock()
	defer as.mu.RUnlock()
	v := as.vmas.at(addr)
	if v == nil {
		return errUnmapped
	}
	if !v.allows(write, exec) {
		if v.executeOnly() {
			return FaultError{abi.SIGSEGV, segvPKUErr, addr}
		}
		return FaultError{abi.SIGSEGV, segvAccErr, addr}
	}
	page := pageDown(addr)
	var err error
	f, p, ok := as.table.Lookup(page)
	switch {
	case !ok && v.m == nil:
		err = as.faultAnon(v, page, write)
	case !ok && v.shared():
		err = as.faultShared(v, page, write)
	case !ok:
		err = as.faultPrivate(v, page, write)
	case write && p&pagetable.Write == 0 && v.shared():
		err = as.dirtyShared(v, page, f)
	case write && p&pagetable.Write == 0:
		err = as.copyOnWrite(v, page, f, p)
	}
	if err == nil || err == abi.ENOMEM {
		return err
	}
	if _, ok := err.(Pending); ok {
		return err
	}
	return FaultError{abi.SIGBUS, busAdrErr, addr}
}

// faultAnon fills an empty page of private anonymous memory.
func (as *AddressSpace) faultAnon(v *vma, page uintptr, write bool) error {
	if !write {
		zero, _ := zeroFrame()
		err := as.table.Map(page, zero, v.rights()&^pagetable.Write|pagetable.Unowned)
		return unlessThere(err)
	}
	f, err := frame.AllocZero()
	if err != nil {
		return err
	}
	return as.mapAnon(v, page, f)
}

// mapAnon maps f, whose reference it takes over, as v's own at page, which was
// empty.
func (as *AddressSpace) mapAnon(v *vma, page uintptr, f frame.Frame) error {
	if err := as.table.Map(page, f, v.rights()|pagetable.Anon); err != nil {
		f.Put()
		return unlessThere(err)
	}
	as.rssAnon.Add(1)
	anonPages.Add(1)
	return nil
}

// unlessThere turns the error of pagetable's Map into Fault's: if another
// thread was faster, all is well.
func unlessThere(err error) error {
	if err == abi.EEXIST {
		return nil
	}
	return err
}

// faultShared fills an empty page of a shared mapping. A page that is only read
// does not become writable, if the object is to notice when it is written.
func (as *AddressSpace) faultShared(v *vma, page uintptr, write bool) error {
	writable := v.prot&abi.PROT_WRITE != 0 && (write || v.m.unnoticed)
	if !writable && v.m.presenter != nil {
		return as.faultAround(v, page)
	}
	f, err := v.m.object.Page(v.index(page), writable)
	if err != nil {
		return err
	}
	p := v.rights()
	if !writable {
		p &^= pagetable.Write
	}
	return as.mapObject(v, page, f, p)
}

// mapObject maps f, a frame of v's object whose reference it takes over, at
// page, which was empty.
func (as *AddressSpace) mapObject(v *vma, page uintptr, f frame.Frame, p pagetable.Prot) error {
	if err := as.table.Map(page, f, p); err != nil {
		f.Put()
		return unlessThere(err)
	}
	as.rssOf(v).Add(1)
	return nil
}

// dirtyShared makes page of a shared mapping writable, where f is.
func (as *AddressSpace) dirtyShared(v *vma, page uintptr, f frame.Frame) error {
	g, err := v.m.object.Page(v.index(page), true)
	if err != nil {
		return err
	}
	if g == f {
		as.table.Upgrade(page, f, v.rights())
		g.Put() // the table has its own
		return nil
	}
	if ok, _ := as.table.Replace(page, f, g, v.rights()); !ok {
		g.Put()
	}
	return nil
}

// faultPrivate fills an empty page of a private mapping of an object.
func (as *AddressSpace) faultPrivate(v *vma, page uintptr, write bool) error {
	if !write && v.m.presenter != nil {
		return as.faultAround(v, page)
	}
	f, err := v.m.object.Page(v.index(page), false)
	if err != nil {
		return err
	}
	if !write {
		return as.mapObject(v, page, f, v.rights()&^pagetable.Write)
	}
	copied, err := frame.Alloc()
	if err == nil {
		copied.CopyFrom(f)
	}
	f.Put()
	if err != nil {
		return err
	}
	return as.mapAnon(v, page, copied)
}

// copyOnWrite makes page of a private mapping writable, where f is with the
// rights p.
func (as *AddressSpace) copyOnWrite(v *vma, page uintptr, f frame.Frame, p pagetable.Prot) error {
	rights := v.rights() | pagetable.Anon
	if p&pagetable.Anon != 0 && f.Refs() == 1 {
		as.table.Upgrade(page, f, rights)
		return nil
	}
	g, err := frame.Alloc()
	if err != nil {
		return err
	}
	if p&pagetable.Unowned != 0 {
		g.Zero()
	} else {
		// If another thread replaces f meanwhile, f may change; then so
		// has the entry, and the copy is given up.
		g.CopyFrom(f)
	}
	ok, freed := as.table.Replace(page, f, g, rights)
	if !ok {
		g.Put()
		return nil
	}
	anonPages.Add(1)
	if freed {
		anonPages.Add(-1)
	}
	if p&pagetable.Anon == 0 {
		as.rssAnon.Add(1)
		if p&pagetable.Unowned == 0 {
			as.rssOf(v).Add(-1)
		}
	}
	return nil
}

// aroundPages is how many pages a read fault maps if they are in memory: the
// aligned group that the faulting page is in.
const aroundPages = 16

// windows keeps the scratch memory of faultAround.
var windows = sync.Pool{New: func() any { return new([aroundPages]frame.Frame) }}

// faultAround fills an empty page, and those of its group that v's object has
// in memory, without the right to write.
func (as *AddressSpace) faultAround(v *vma, page uintptr) error {
	const span = aroundPages * pageSize
	start := max(v.start, page&^(span-1))
	end := min(v.end, page&^(span-1)+span)
	window := windows.Get().(*[aroundPages]frame.Frame)
	defer windows.Put(window)
	fs := window[:(end-start)>>pageShift]

	v.m.presenter.Present(v.index(start), fs)
	at := &fs[(page-start)>>pageShift]
	if *at == 0 {
		if err := v.fill(at, page, fs); err != nil {
			return err
		}
	}
	n, err := as.table.MapRange(start, fs, v.rights()&^pagetable.Write)
	as.rssOf(v).Add(int64(n))
	return err
}

// fill gets the frame of page, which is one of fs. Without it, whatever the
// reason, the references on the others are dropped.
func (v *vma) fill(at *frame.Frame, page uintptr, fs []frame.Frame) (err error) {
	defer func() {
		if *at != 0 {
			return
		}
		for _, f := range fs {
			if f != 0 {
				f.Put()
			}
		}
	}()
	*at, err = v.m.object.Page(v.index(page), false)
	return err
}
