// Package layout says where the kernel's parts are: the fixed addresses that
// the image builder on the host and the boot code in the guest agree on, and
// the places that differ from boot to boot.
//
// The lower half of the address space is the program's. The upper half is cut
// into 256 slots of 512 GiB, one for each entry of the top-level page table.
// Every boot chooses at random which slots the parts get, and where in its
// slot a part begins:
//
//	part         slots  begins at a multiple of      bits of chance
//	direct map       2  1 GiB                        8 + 9
//	Go arenas        1  64 MiB, the runtime's unit   8 + 12
//	Go's others      1  4 KiB                        8 + 26
//	trap stacks      1  4 KiB                        8 + 26
//	image            1  4 KiB                        8 + 26
//
// Between the parts nothing is mapped. In the last slot, which is not chosen, are
// the processors' descriptor tables, read-only. The direct map shows all physical
// memory, up to 512 GiB of it; readable and writable, but for the frames of
// the image, whose text and constants are read-only there too. Within the
// image text is readable and executable, constants and what relocation has
// settled are readable, data is readable and writable. Nothing else in the
// upper half can be executed.
//
// The place of the image's data in physical memory is chosen too, by the page,
// from all free memory below 4 GiB. Text, and constants that hold no addresses,
// stay where they were loaded: there is nothing secret in them, and nothing may
// write to them.
//
// With nokaslr on the command line every part is where Fixed says, and the
// image at the lowest free place. The image is linked for Fixed.Image, so a
// debugger finds its symbols there.
package layout

// UserEnd is the first address that no program may use.
const UserEnd = 0x7ffffffff000

// DirectMap is where the boot page tables map physical address 0.
const DirectMap = 0xffff888000000000

// Addresses of the image as it is linked and loaded.
const (
	// KernelBase is the difference between the addresses for which the image
	// is linked and those at which the monitor loads it.
	KernelBase = 0xffffffff80000000
	// KernelImage is the first byte of the image, for which it is linked;
	// headers stand before the text.
	KernelImage = KernelBase + 0x200000
	// KernelText is the first byte of its text.
	KernelText = KernelImage + 0x1000
)

// Descriptors is where the descriptor tables of the processors can be read, the
// same in every boot: on processors without UMIP any program may ask for their
// addresses. Two pages are for the table of interrupts, then two for each
// processor.
const Descriptors = 0xffffffffc0000000

// Physical addresses.
const (
	// Stub is where the image's 32-bit entry, its GDT and the boot page
	// tables are loaded, in no more than StubSize bytes. The memory is free
	// once the image has moved to its place.
	Stub     = 0x100000
	StubSize = 0x40000
	// Trampoline is the page from which other CPUs start in real mode.
	Trampoline = 0x8000
	// LowMemory is the end of what the firmware and the trampoline use.
	LowMemory = 0x100000
	// Uncached is where devices and the local APIC begin; there is no memory
	// from here to 4 GiB.
	Uncached = 0xfe000000
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
