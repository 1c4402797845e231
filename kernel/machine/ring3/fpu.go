package ring3

import (
	"encoding/binary"
	"unsafe"

	"kevlar/kernel/abi"
)

// Layout of an XSAVE image: Intel SDM volume 1, section 13.4.
const (
	offMXCSR     = 24
	offMXCSRMask = 28
	offHeader    = 512 // XSTATE_BV, XCOMP_BV, 48 reserved bytes
	headerEnd    = 576

	// Components in XSTATE_BV. A Context's own image never has stateSSE: the
	// entry code moves XMM and MXCSR, and XRSTOR leaves them alone.
	stateX87 = 1 << 0
	stateSSE = 1 << 1
	stateAVX = 1 << 2

	initFCW   = 0x37f
	initMXCSR = 0x1f80
)

// FPUSize returns the size in bytes of an extended-state image, which is what
// CPUID leaf 0xD gives for the features in use.
func FPUSize() int { return fpuSize }

// FPUFeatures returns the set of state components in an image: XCR0.
func FPUFeatures() uint64 { return fpuFeatures }

func (c *Context) allocFPU() {
	c.fpuMemory = make([]byte, fpuSize+63)
	c.fpu = (uintptr(unsafe.Pointer(&c.fpuMemory[0])) + 63) &^ 63
}

// fpuImage returns the image that c.fpu points to.
func (c *Context) fpuImage() []byte {
	off := c.fpu - uintptr(unsafe.Pointer(&c.fpuMemory[0]))
	return c.fpuMemory[off : off+uintptr(fpuSize)]
}

// ResetFPU gives c the floating-point state of a new program.
func (c *Context) ResetFPU() {
	c.dropFPU()
	img := c.fpuImage()
	clear(img)
	binary.LittleEndian.PutUint16(img, initFCW)
	binary.LittleEndian.PutUint32(img[offMXCSR:], initMXCSR)
}

// SaveFPU stores the extended state in dst, which must be FPUSize bytes long.
func (c *Context) SaveFPU(dst []byte) int {
	c.syncFPU()
	n := copy(dst, c.fpuImage())
	le := binary.LittleEndian
	le.PutUint64(dst[offHeader:], le.Uint64(dst[offHeader:])|stateX87|stateSSE)
	le.PutUint32(dst[offMXCSRMask:], mxcsrMask)
	return n
}

// LoadFPU replaces the extended state by the image in src, which comes from
// user memory. A short image (512 bytes of FXSAVE) loads x87 and SSE state
// and resets the rest. It returns EINVAL for an image that the processor
// would refuse.
func (c *Context) LoadFPU(src []byte) error {
	le := binary.LittleEndian
	if len(src) < 512 || le.Uint32(src[offMXCSR:])&^mxcsrMask != 0 {
		return abi.EINVAL
	}
	full := len(src) >= fpuSize
	if full {
		if le.Uint64(src[offHeader:])&^fpuFeatures != 0 {
			return abi.EINVAL
		}
		for reserved := src[offHeader+8 : headerEnd]; len(reserved) >= 8; reserved = reserved[8:] {
			if le.Uint64(reserved) != 0 {
				return abi.EINVAL
			}
		}
	}
	c.dropFPU()
	img := c.fpuImage()
	if full {
		present := le.Uint64(src[offHeader:])
		copy(img, src)
		le.PutUint64(img[offHeader:], present&^stateSSE)
		if present&stateX87 == 0 { // x87 in its initial state
			clear(img[:offMXCSR])
			clear(img[32:160])
			le.PutUint16(img, initFCW)
		}
		if present&stateSSE == 0 {
			clear(img[160:416])
		}
		if present&(stateSSE|stateAVX) == 0 {
			le.PutUint32(img[offMXCSR:], initMXCSR)
		}
		return nil
	}
	clear(img)
	copy(img, src[:512])
	le.PutUint64(img[offHeader:], stateX87)
	return nil
}
