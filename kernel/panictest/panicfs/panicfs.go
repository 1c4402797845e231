//go:build panictest

package panicfs

import (
	"fmt"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/pseudo"
	"kevlar/kernel/vfs"
)

// An Op is an operation that can panic.
type Op uint32

// The operations. The numbers are known to the programs of the suite panics.
const (
	None    Op = iota
	Lookup     // of a name, with the directory locked
	Create     // of a file, with the directory locked
	Rename     // with both directories locked
	Unlink     // with the directory locked
	ReadDir    // with the directory and the position locked
	Open       // before there is an open file
	Read       // with the position and the file locked
	Write      // with the position and the file locked
	Page       // of a mapped file, with the address space and the file locked
	Release    // of an open file, with the file locked
	SetAttr    // with the file locked
	Ops        // how many there are
)

// armed is the operation that panics the next time.
var armed atomic.Uint32

// Arm makes the next operation op panic, wherever it happens. None takes that back.
func Arm(op Op) { armed.Store(uint32(op)) }

// pass panics if op is to.
func pass(op Op) {
	if armed.CompareAndSwap(uint32(op), uint32(None)) {
		panic(fmt.Sprintf("panicfs: operation %d was to panic", op))
	}
}

func init() { vfs.RegisterFS(fsType{}) }

type fsType struct{}

// Name implements vfs.FileSystemType.
func (fsType) Name() string { return "panicfs" }

// Mount implements vfs.FileSystemType.
func (fsType) Mount(_ vfs.Caller, source, _ string, _ int) (*vfs.Super, error) {
	s := &vfs.Super{
		Medium: vfs.Memory,
		Dev:    vfs.NewDev(), FSType: "panicfs", Source: source, NoCache: true,
		StatFS: func() abi.Statfs { return abi.Statfs{Bsize: 4096, Frsize: 4096, Namelen: abi.NAME_MAX} },
	}
	inodes := new(pseudo.Numberer)
	root := newDir(s, inodes)
	s.Root = root
	s.Shutdown = root.free
	return s, nil
}
