package abi

import "encoding/binary"

// SizeofCloneArgs is the size of the struct clone_args that this kernel
// knows.
const SizeofCloneArgs = CLONE_ARGS_SIZE_VER2

// CloneArgs is struct clone_args: clone3(2).
type CloneArgs struct {
	Flags, PidFD, ChildTID, ParentTID uint64
	ExitSignal, Stack, StackSize, TLS uint64
	SetTID, SetTIDSize, Cgroup        uint64
}

// Unmarshal reads a struct clone_args from b, which holds SizeofCloneArgs
// bytes.
func (c *CloneArgs) Unmarshal(b []byte) {
	b = b[:SizeofCloneArgs]
	for i, p := range [...]*uint64{&c.Flags, &c.PidFD, &c.ChildTID, &c.ParentTID, &c.ExitSignal,
		&c.Stack, &c.StackSize, &c.TLS, &c.SetTID, &c.SetTIDSize, &c.Cgroup} {
		*p = binary.LittleEndian.Uint64(b[8*i:])
	}
}
