package mm

import (
	"runtime"
	"testing"

	"kevlar/kernel/abi"
)

// A lateFork is shared memory that is punched while a fork is about to add its
// mapping: Zap has seen the parent alone by then.
type lateFork struct {
	*anonObject
	parent *AddressSpace
	zapped chan struct{}
}

func (o *lateFork) MapAdded(m *Mapping) {
	if o.zapped != nil {
		go func() {
			defer close(o.zapped)
			o.Punch(0, 1)
		}()
		for o.parent.Refs() < 2 {
			runtime.Gosched()
		}
	}
	o.anonObject.MapAdded(m)
}

func TestZapDuringFork(t *testing.T) {
	as, _ := New(nil)
	defer as.Put()
	o := &lateFork{anonObject: newAnonObject(1, nil), parent: as}
	addr, err := as.Mmap(&MmapArgs{Length: pageSize, Prot: abi.PROT_READ | abi.PROT_WRITE, Flags: abi.MAP_SHARED, Object: o})
	if err != nil {
		t.Fatal(err)
	}
	if err := as.WriteUint32(addr, 1); err != nil {
		t.Fatal(err)
	}
	o.zapped = make(chan struct{})
	child, err := as.Fork(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer child.Put()
	<-o.zapped
	if err := as.WriteUint32(addr, 2); err != nil {
		t.Fatal(err)
	}
	if v, err := child.ReadUint32(addr); v != 2 || err != nil {
		t.Errorf("the child reads %d, %v: it has kept the page that was punched out", v, err)
	}
}
