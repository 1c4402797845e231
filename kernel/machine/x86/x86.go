// Package x86 names the privileged instructions that the machine layer uses.
// Each function is one instruction; the Intel SDM volume 2 describes it.
package x86

// Model-specific registers.
const (
	MSREFER         = 0xc0000080
	MSRStar         = 0xc0000081
	MSRLStar        = 0xc0000082
	MSRCStar        = 0xc0000083
	MSRSFMask       = 0xc0000084
	MSRKernelGSBase = 0xc0000102
	MSRAPICBase     = 0x1b
	MSRSysenterCS   = 0x174
	MSRSysenterESP  = 0x175
	MSRSysenterEIP  = 0x176
	MSRTSCDeadline  = 0x6e0
)

// Bits of CR4.
const (
	CR4PAE        = 1 << 5
	CR4MCE        = 1 << 6
	CR4PGE        = 1 << 7
	CR4OSFXSR     = 1 << 9
	CR4OSXMMEXCPT = 1 << 10
	CR4UMIP       = 1 << 11
	CR4FSGSBASE   = 1 << 16
	CR4OSXSAVE    = 1 << 18
	CR4SMEP       = 1 << 20
	CR4SMAP       = 1 << 21
	CR4PKE        = 1 << 22
)

// RDMSR reads a model-specific register.
func RDMSR(msr uint32) uint64

// WRMSR writes a model-specific register.
func WRMSR(msr uint32, v uint64)

// CPUID returns the processor's answer for a leaf and subleaf.
func CPUID(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// RDTSC reads the time-stamp counter.
func RDTSC() uint64

// ReadCR2 returns the address of the last page fault on this CPU.
func ReadCR2() uintptr

// ReadCR3 returns the root of the page tables in use on this CPU.
func ReadCR3() uint64

// WriteCR3 loads a root of page tables and drops all translations that are
// not global.
func WriteCR3(v uint64)

// ReadCR4 and WriteCR4 access the feature switches of this CPU.
func ReadCR4() uint64

// WriteCR4 sets the feature switches of this CPU.
func WriteCR4(v uint64)

// RDPKRU reads what this CPU allows user pages of each protection key. CR4.PKE
// must be set.
func RDPKRU() uint32

// WRPKRU sets what this CPU allows user pages of each protection key.
func WRPKRU(v uint32)

// WriteDR7 sets which of the debug registers are armed.
func WriteDR7(v uint64)

// XSETBV sets XCR0, the extended-state components in use on this CPU.
func XSETBV(v uint64)

// INVLPG drops this CPU's translation of one page, global or not.
func INVLPG(va uintptr)

// RDRAND returns a random number from the processor; ok is false if there was
// none. The CPU must have the instruction.
func RDRAND() (v uint64, ok bool)

// LGDT, LIDT and LTR load the descriptor tables; p is the address of the
// ten-byte pseudo-descriptor.
func LGDT(p uintptr)

// LIDT loads the interrupt descriptor table.
func LIDT(p uintptr)

// LTR loads the task register.
func LTR(selector uint16)

// ClearLDT makes every selector of a local descriptor table invalid. Out of reset the table lies at
// linear address 0, where a program could write descriptors of its own.
func ClearLDT()

// Halt stops this CPU for ever.
func Halt()

// Pause tells the CPU that it is in a spin loop.
func Pause()
