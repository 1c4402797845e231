// Package layout holds the fixed addresses of the machine: what the image
// builder on the host and the boot code in the guest must agree on.
package layout

// Virtual addresses.
const (
	UserEnd    = 0x7ffffffff000     // first address that no program may use
	DirectMap  = 0xffff888000000000 // all physical memory; RW, NX
	GoArena    = 0xffffc00000000000 // the Go heap
	GoArenaEnd = GoArena + 512<<30
	GoOther    = 0xffffd00000000000 // the Go runtime's other mappings
	GoOtherEnd = GoOther + 512<<30
	Stacks     = 0xffffe00000000000 // trap stacks with guard pages
	StacksEnd  = Stacks + 512<<30
	KernelBase = 0xffffffff80000000 // virtual minus physical of the image
	KernelText = 0xffffffff81001000 // first byte of text; headers stand before it
)

// Physical addresses.
const (
	// Stub is where the image's 32-bit entry, its GDT and the boot page
	// tables are loaded; the kernel keeps StubSize bytes there for ever.
	Stub     = 0x100000
	StubSize = 0x40000
	// Trampoline is the page from which other CPUs start in real mode.
	Trampoline = 0x8000
)

// DirectMapBoot is how much physical memory the boot tables map; the kernel
// maps the rest itself.
const DirectMapBoot = 4 << 30

// EntrySymbol is the 64-bit entry point that the stub jumps to, with the
// physical address of the PVH start_info structure in EBX.
const EntrySymbol = "kevlar/kernel/machine/boot.entry"

// Bits of page-table entries: Intel SDM volume 3, section 4.5.
const (
	PTEPresent  = 1 << 0
	PTEWrite    = 1 << 1
	PTEUser     = 1 << 2
	PTEUncached = 1<<3 | 1<<4
	PTEAccessed = 1 << 5
	PTEDirty    = 1 << 6
	PTEHuge     = 1 << 7
	PTEGlobal   = 1 << 8
	PTENoExec   = 1 << 63
	PTEFrame    = 0x000ffffffffff000
)
