package acpi

import "bytes"

// A Register is a generic address: an I/O port or a physical address.
type Register struct {
	Port    bool
	Address uint64
}

// Power is how the machine is turned off and reset: ACPI 4.8.3 and 4.8.3.6.
// Registers with address 0 are missing.
type Power struct {
	PM1aControl  uint16 // port; the value is SleepType<<10 | 1<<13
	SleepControl Register
	SleepType    byte // for S5
	Reset        Register
	ResetValue   byte
}

// Offsets in the fixed ACPI description table: 5.2.9.
const (
	fadtDSDT         = 40
	fadtPM1aControl  = 64
	fadtFlags        = 112
	fadtReset        = 116
	fadtResetValue   = 128
	fadtXDSDT        = 140
	fadtSleepControl = 244

	flagResetSupported  = 1 << 10
	flagHardwareReduced = 1 << 20
)

// ReadPower returns what the tables say; ok is false if they say nothing.
func ReadPower() (p Power, ok bool) {
	f := lookup("FACP")
	if len(f) < fadtFlags+4 {
		return p, false
	}
	flags := le.Uint32(f[fadtFlags:])
	if flags&flagResetSupported != 0 && len(f) > fadtResetValue { // the table of ACPI 1.0 ends before it
		p.Reset, p.ResetValue = register(f[fadtReset:]), f[fadtResetValue]
	}
	p.SleepType, ok = sleepType(definitionBlock())
	if !ok {
		return p, true
	}
	if flags&flagHardwareReduced == 0 {
		p.PM1aControl = uint16(le.Uint32(f[fadtPM1aControl:]))
	} else if len(f) >= fadtSleepControl+12 {
		p.SleepControl = register(f[fadtSleepControl:])
	}
	return p, true
}

// block is the definition block when it has been found and checked.
var block []byte

// definitionBlock returns the differentiated system description table, which
// the fixed table names; nil if there is none.
func definitionBlock() []byte {
	if block == nil {
		block = findBlock()
	}
	return block
}

func findBlock() []byte {
	f := lookup("FACP")
	if len(f) < fadtDSDT+4 {
		return nil
	}
	dsdt := uint64(le.Uint32(f[fadtDSDT:]))
	if len(f) >= fadtXDSDT+8 && le.Uint64(f[fadtXDSDT:]) != 0 {
		dsdt = le.Uint64(f[fadtXDSDT:])
	}
	if dsdt == 0 {
		return nil
	}
	return table(dsdt)
}

// register decodes a generic address structure: 5.2.3.2.
func register(b []byte) Register {
	const systemIO = 1
	return Register{Port: b[0] == systemIO, Address: le.Uint64(b[4:])}
}

// Encodings of small constants: 20.2.3.
const (
	zeroOp     = 0x00
	oneOp      = 0x01
	bytePrefix = 0x0a
)

// sleepType finds the first element of the package \_S5 in a definition block.
// Instead of interpreting AML it looks for the encoding of
//
//	Name (_S5, Package () { type, ... })
func sleepType(dsdt []byte) (byte, bool) {
	i := bytes.Index(dsdt, []byte("_S5_\x12"))
	if i < 0 {
		return 0, false
	}
	p := dsdt[i+5:] // after packageOp: the package's length, then its count
	if len(p) == 0 {
		return 0, false
	}
	skip := 1 + int(p[0]>>6) + 1
	if len(p) < skip+2 {
		return 0, false
	}
	switch p = p[skip:]; p[0] {
	case zeroOp, oneOp:
		return p[0], true
	case bytePrefix:
		return p[1], true
	}
	return 0, false
}
