package abi

import "encoding/binary"

// Flags of UContext: what the kernel that wrote it promises.
const (
	UC_FP_XSTATE         = 0x1 // the FP state has an XSAVE image
	UC_SIGCONTEXT_SS     = 0x2 // SS is saved
	UC_STRICT_RESTORE_SS = 0x4 // and restored
)

// SigContext is struct sigcontext: the registers at the moment a signal
// handler was entered, and those that sigreturn(2) loads.
type SigContext struct {
	R8, R9, R10, R11, R12, R13, R14, R15   uint64
	RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP uint64
	RIP, RFLAGS                            uint64
	CS, SS                                 uint16
	Err, Trap                              uint64
	OldMask                                uint64 // the low word of the signal mask
	CR2                                    uint64
	FPState                                uint64 // address of the FP state, or 0
}

// UContext is struct ucontext, the third argument of a signal handler.
type UContext struct {
	Flags  uint64
	Link   uint64
	Stack  SigAltStack
	Regs   SigContext
	Sigset Sigset // the mask that sigreturn(2) restores
}

// Sizes and offsets of the frame that is on the user's stack while a signal
// handler runs: the handler's return address, a UContext and a Siginfo.
const (
	SizeofSigContext = 256
	SizeofUContext   = 40 + SizeofSigContext + SizeofSigset

	SigFrameUContext = 8
	SigFrameSiginfo  = SigFrameUContext + SizeofUContext
	SizeofSigFrame   = SigFrameSiginfo + SizeofSiginfo
)

// MarshalTo stores u in the first SizeofUContext bytes of b.
func (u *UContext) MarshalTo(b []byte) {
	le := binary.LittleEndian
	b = b[:SizeofUContext]
	clear(b)
	le.PutUint64(b[0:], u.Flags)
	le.PutUint64(b[8:], u.Link)
	u.Stack.MarshalTo(b[16:])
	u.Regs.marshalTo(b[40:])
	le.PutUint64(b[40+SizeofSigContext:], uint64(u.Sigset))
}

// Unmarshal loads u from the first SizeofUContext bytes of b.
func (u *UContext) Unmarshal(b []byte) {
	le := binary.LittleEndian
	b = b[:SizeofUContext]
	u.Flags = le.Uint64(b[0:])
	u.Link = le.Uint64(b[8:])
	u.Stack.Unmarshal(b[16:])
	u.Regs.unmarshal(b[40:])
	u.Sigset = Sigset(le.Uint64(b[40+SizeofSigContext:]))
}

func (c *SigContext) marshalTo(b []byte) {
	le := binary.LittleEndian
	b = b[:SizeofSigContext]
	le.PutUint64(b[0:], c.R8)
	le.PutUint64(b[8:], c.R9)
	le.PutUint64(b[16:], c.R10)
	le.PutUint64(b[24:], c.R11)
	le.PutUint64(b[32:], c.R12)
	le.PutUint64(b[40:], c.R13)
	le.PutUint64(b[48:], c.R14)
	le.PutUint64(b[56:], c.R15)
	le.PutUint64(b[64:], c.RDI)
	le.PutUint64(b[72:], c.RSI)
	le.PutUint64(b[80:], c.RBP)
	le.PutUint64(b[88:], c.RBX)
	le.PutUint64(b[96:], c.RDX)
	le.PutUint64(b[104:], c.RAX)
	le.PutUint64(b[112:], c.RCX)
	le.PutUint64(b[120:], c.RSP)
	le.PutUint64(b[128:], c.RIP)
	le.PutUint64(b[136:], c.RFLAGS)
	le.PutUint16(b[144:], c.CS) // gs and fs at 146 and 148 are unused
	le.PutUint16(b[150:], c.SS)
	le.PutUint64(b[152:], c.Err)
	le.PutUint64(b[160:], c.Trap)
	le.PutUint64(b[168:], c.OldMask)
	le.PutUint64(b[176:], c.CR2)
	le.PutUint64(b[184:], c.FPState)
}

func (c *SigContext) unmarshal(b []byte) {
	le := binary.LittleEndian
	b = b[:SizeofSigContext]
	c.R8 = le.Uint64(b[0:])
	c.R9 = le.Uint64(b[8:])
	c.R10 = le.Uint64(b[16:])
	c.R11 = le.Uint64(b[24:])
	c.R12 = le.Uint64(b[32:])
	c.R13 = le.Uint64(b[40:])
	c.R14 = le.Uint64(b[48:])
	c.R15 = le.Uint64(b[56:])
	c.RDI = le.Uint64(b[64:])
	c.RSI = le.Uint64(b[72:])
	c.RBP = le.Uint64(b[80:])
	c.RBX = le.Uint64(b[88:])
	c.RDX = le.Uint64(b[96:])
	c.RAX = le.Uint64(b[104:])
	c.RCX = le.Uint64(b[112:])
	c.RSP = le.Uint64(b[120:])
	c.RIP = le.Uint64(b[128:])
	c.RFLAGS = le.Uint64(b[136:])
	c.CS = le.Uint16(b[144:])
	c.SS = le.Uint16(b[150:])
	c.Err = le.Uint64(b[152:])
	c.Trap = le.Uint64(b[160:])
	c.OldMask = le.Uint64(b[168:])
	c.CR2 = le.Uint64(b[176:])
	c.FPState = le.Uint64(b[184:])
}

// The FP state of a signal frame is an XSAVE image whose legacy area tells,
// in bytes that the processor leaves to software, that the rest is there.
const (
	FP_XSTATE_MAGIC1      = 0x46505853
	FP_XSTATE_MAGIC2      = 0x46505845 // the word after the image
	FP_XSTATE_MAGIC2_SIZE = 4

	offSWReserved = 464
)

// FPSWBytes is struct _fpx_sw_bytes: the software bytes of an FP state.
type FPSWBytes struct {
	Magic1       uint32
	ExtendedSize uint32 // the image and the final magic number
	Features     uint64 // the state components in the image
	XStateSize   uint32 // the image alone
}

// MarshalTo stores s in its place in the FP state img.
func (s *FPSWBytes) MarshalTo(img []byte) {
	le := binary.LittleEndian
	b := img[offSWReserved : offSWReserved+48]
	clear(b)
	le.PutUint32(b[0:], s.Magic1)
	le.PutUint32(b[4:], s.ExtendedSize)
	le.PutUint64(b[8:], s.Features)
	le.PutUint32(b[16:], s.XStateSize)
}

// Unmarshal loads s from its place in the FP state img.
func (s *FPSWBytes) Unmarshal(img []byte) {
	le := binary.LittleEndian
	b := img[offSWReserved : offSWReserved+48]
	s.Magic1 = le.Uint32(b[0:])
	s.ExtendedSize = le.Uint32(b[4:])
	s.Features = le.Uint64(b[8:])
	s.XStateSize = le.Uint32(b[16:])
}
