// Package symbol names the functions of the running program by their addresses.
//
// It reads the tables that the linker leaves for Go's runtime, as debug/gosym
// does, but allocates nothing, takes no lock and needs no goroutine: it works in
// trap context, where the runtime's own functions do not.
package symbol

import "unsafe"

// header is how the table of functions, runtime.pclntab, begins since Go 1.20.
// Offsets are from its start.
type header struct {
	magic       uint32
	_           [2]uint8
	minLC       uint8
	ptrSize     uint8
	functions   uint64
	files       uint64
	_           uint64
	nameOffset  uint64
	_, _, _     uint64
	tableOffset uint64
}

const magic = 0xfffffff1

// entry is one row of the table, in ascending order of code. Both words are
// offsets: of the code from the start of the text, and of the function's
// description from the start of the table.
type entry struct{ code, description uint32 }

// description is the first part of what is known of a function.
type description struct {
	code uint32
	name int32 // offset of the name from the start of the names
}

// bounds returns the addresses of the program's code and of its table.
func bounds() (text, end, table uintptr)

// Find returns the name of the function in whose code pc lies, and how far into
// it that is. Code of functions that were inlined belongs to the one that they
// are in. ok is false if there is no such function.
func Find(pc uintptr) (name string, offset uintptr, ok bool) {
	text, end, table := bounds()
	h := (*header)(at(table))
	if pc < text || pc >= end || h.magic != magic || h.ptrSize != 8 || h.functions == 0 {
		return "", 0, false
	}
	rows := table + uintptr(h.tableOffset)
	want := uint32(pc - text)
	low, high := uintptr(0), uintptr(h.functions) // row low is at or before pc, high behind it
	for high-low > 1 {
		if middle := low + (high-low)/2; row(rows, middle).code <= want {
			low = middle
		} else {
			high = middle
		}
	}
	r := row(rows, low)
	if r.code > want {
		return "", 0, false
	}
	d := (*description)(at(rows + uintptr(r.description)))
	return text0(table + uintptr(h.nameOffset) + uintptr(d.name)), uintptr(want - r.code), true
}

func row(rows, i uintptr) *entry { return (*entry)(at(rows + i*unsafe.Sizeof(entry{}))) }

// text0 returns the string at p that ends with a zero byte.
func text0(p uintptr) string {
	n := 0
	for *(*byte)(at(p + uintptr(n))) != 0 {
		n++
	}
	return unsafe.String((*byte)(at(p)), n)
}

// at makes a pointer of an address in the program's read-only data, which is
// none of the collector's business.
func at(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }
