package abi

// Flags of personality(2).
const (
	ADDR_NO_RANDOMIZE = 0x0040000
)
