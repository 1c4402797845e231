//go:build baremetal

package main

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/machine/vdso"
	"kevlar/kernel/mm"
)

// makeVDSO builds the vDSO and returns what maps it into an address space: the
// clock's page, and the image above it, close above the stack if there is room.
func makeVDSO() func(*mm.AddressSpace) (uintptr, error) {
	img, err := vdso.Image(vdso.Functions())
	if err != nil {
		die("%v", err)
	}
	f, err := frame.AllocReserved()
	if err != nil {
		die("vDSO: %v", err)
	}
	copy(f.Data()[:], img)
	code := mm.NewFixedObject([]frame.Frame{f})
	data := mm.NewFixedObject([]frame.Frame{frame.Frame(clock.Page())})

	return func(as *mm.AddressSpace) (uintptr, error) {
		base, err := as.Mmap(&mm.MmapArgs{
			Addr: as.AboveStack(2 * vdso.PageSize), Length: 2 * vdso.PageSize, Prot: abi.PROT_READ, Flags: abi.MAP_PRIVATE, Object: data,
			MaxProt: abi.PROT_READ, Name: "[vvar]",
		})
		if err != nil {
			return 0, err
		}
		const rx = abi.PROT_READ | abi.PROT_EXEC
		return as.Mmap(&mm.MmapArgs{
			Addr: base + vdso.PageSize, Length: vdso.PageSize, Prot: rx,
			Flags: abi.MAP_PRIVATE | abi.MAP_FIXED, Object: code, MaxProt: rx, Name: "[vdso]",
		})
	}
}
