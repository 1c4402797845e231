package image

import (
	"bytes"
	"encoding/binary"

	"kevlar/kernel/machine/layout"
)

// noRoom is what a machine says, on the first serial port and on the debug
// console, whose memory does not hold the kernel, or whose monitor has put the
// initramfs over it.
const noRoom = "kevlar: too little memory: Kevlar needs at least 24 MiB and twice the size of the initramfs\r\n"

// memoryCheck is 32-bit code that ends the machine if it lacks memory for the
// kernel below end, a physical address: what is behind this code has not been
// loaded then, or was overwritten. It does nothing else but to change EAX, EDX
// and ESI. message is the address of the text to print.
func memoryCheck(end, message uint32) []byte {
	var c bytes.Buffer
	code := func(b ...byte) { c.Write(b) }
	imm32 := func(v uint32) { binary.Write(&c, binary.LittleEndian, v) }
	// jump emits a short jump to a place that is not known yet; land makes
	// what follows that place.
	jump := func(opcode byte) int { code(opcode, 0); return c.Len() }
	land := func(jumps ...int) {
		for _, at := range jumps {
			c.Bytes()[at-1] = byte(c.Len() - at)
		}
	}
	back := func(opcode byte, to int) { code(opcode, byte(to-c.Len()-2)) }
	const jne, je, jae, jmp = 0x75, 0x74, 0x73, 0xeb

	// Memory changes when it is written to.
	code(0xbe) // mov esi, imm32
	imm32(end - 4)
	code(0x8b, 0x06)        // mov eax, [esi]
	code(0xf7, 0x16)        // not dword [esi]
	code(0xf7, 0xd0)        // not eax
	code(0x39, 0x06)        // cmp [esi], eax
	missing := jump(jne)    //
	code(0xf7, 0x16)        // not dword [esi]
	code(0x83, 0x7b, 12, 0) // cmp dword [ebx+12], 0: the number of modules
	none := jump(je)        //
	code(0x8b, 0x73, 16)    // mov esi, [ebx+16]: the list of modules
	code(0x81, 0x3e)        // cmp dword [esi], imm32
	imm32(end)
	above := jump(jae)

	land(missing)
	code(0xbe) // mov esi, imm32
	imm32(message)
	next := c.Len()
	code(0xac)                   // lodsb
	code(0x84, 0xc0)             // test al, al
	done := jump(je)             //
	code(0xe6, 0xe9)             // out 0xe9, al
	code(0x88, 0xc4)             // mov ah, al
	code(0x66, 0xba, 0xfd, 0x03) // mov dx, 0x3fd
	busy := c.Len()
	code(0xec)                   // in al, dx
	code(0xa8, 0x20)             // test al, 0x20: the UART takes a byte
	back(je, busy)               //
	code(0x88, 0xe0)             // mov al, ah
	code(0x66, 0xba, 0xf8, 0x03) // mov dx, 0x3f8
	code(0xee)                   // out dx, al
	back(jmp, next)
	land(done)
	code(0xb8) // mov eax, imm32
	imm32(0x7f)
	code(0xe7, 0xf4) // out 0xf4, eax: QEMU's isa-debug-exit
	stop := c.Len()
	code(0xfa, 0xf4) // cli; hlt
	back(jmp, stop)

	land(none, above)
	return c.Bytes()
}

// memoryEnd returns the physical address behind the last of the segments.
func memoryEnd(kernel []segment) uint32 {
	end := uint64(0)
	for _, k := range kernel {
		end = max(end, k.paddr+k.memSize)
	}
	return uint32((end + pageSize - 1) &^ (pageSize - 1))
}

// messageAddress is where in the stub noRoom stands.
const (
	messageOffset  = 0x940
	messageAddress = layout.Stub + messageOffset
)
