//go:build !baremetal

package frame

import (
	"fmt"
	"sync"
	"syscall"
	"unsafe"

	"kevlar/kernel/machine/direct"
)

// softBase is the physical address at which the arena begins.
const softBase = 1 << 20

var softOnce sync.Once

// InitSoft makes an arena of nframes page frames of the host's memory. Tests
// call it before anything else; calls after the first do nothing.
func InitSoft(nframes int) {
	softOnce.Do(func() {
		frames := uint64(nframes)
		meta := (frames*5 + 64<<10) >> Shift // more than placeMetadata needs
		size := (frames + meta) << Shift
		arena, err := syscall.Mmap(-1, 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
		if err != nil {
			panic(fmt.Sprintf("frame: no arena of %d bytes: %v", size, err))
		}
		direct.Base = uintptr(unsafe.Pointer(&arena[0])) - softBase
		regions := [maxRegions]Region{{Start: softBase, End: softBase + size}}
		regions[0].Start = placeMetadata(softBase, (softBase+size)>>Shift)
		AddRegion(regions[0].Start, regions[0].Start+frames<<Shift)
	})
}
