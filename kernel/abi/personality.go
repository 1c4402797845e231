package abi

// Flags of personality(2).
const (
	ADDR_NO_RANDOMIZE  = 0x0040000
	MMAP_PAGE_ZERO     = 0x0100000
	ADDR_COMPAT_LAYOUT = 0x0200000
	READ_IMPLIES_EXEC  = 0x0400000

	// PER_CLEAR_ON_SETID are those that a program with new privileges does
	// not begin with.
	PER_CLEAR_ON_SETID = READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | MMAP_PAGE_ZERO
)
