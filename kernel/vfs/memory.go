package vfs

// A MemoryUser is a FileOps that holds memory of its own, on the heap or in
// page frames, that goes when its last File does. It is asked when memory is
// short: KernelMemory returns how many bytes there are, or about, without
// waiting for anything that may wait for memory; it may be called when the file
// has been released. What several files hold together, such as the ends of a
// pipe, only one of them counts.
type MemoryUser interface {
	KernelMemory() int64
}

// A MemoryHolder is a Caller that counts what its system call holds of the
// kernel's memory while it runs, such as the table of poll(2) or the arguments
// of execve(2): it is charged to its account, and who looks for the process
// that costs most sees it.
type MemoryHolder interface {
	HoldMemory(n int64) error
	DropMemory(n int64)
}

// HoldMemory charges n bytes to c until DropMemory: ENOMEM. It is for what a
// system call needs more of than a few KiB.
func HoldMemory(c Caller, n int64) error {
	if h, ok := c.(MemoryHolder); ok {
		return h.HoldMemory(n)
	}
	return c.Cred().Account.Charge(n)
}

// DropMemory ends HoldMemory.
func DropMemory(c Caller, n int64) {
	if h, ok := c.(MemoryHolder); ok {
		h.DropMemory(n)
		return
	}
	c.Cred().Account.Uncharge(n)
}

// CachedMemory returns how many bytes of the heap names take that may be
// forgotten when memory is short.
func CachedMemory() int64 { return int64(dcache.count()) * dentryCost }

// What is charged, in bytes of the heap, rounded up.
const (
	// fileMemory is a File with what its FileOps has for it alone.
	fileMemory = 512
	// anonFileMemory is a File with a dentry, and with what stands behind it if
	// that is small: a counter, a timer, an epoll instance without items.
	anonFileMemory = 1024
	// tableMemory is an empty FDTable, slotMemory each slot, with its bits.
	tableMemory = 256
	slotMemory  = 9
)

// KernelMemory returns about how many bytes of the kernel's memory would come
// back with the table: its own, and its share of that of its files. Descriptors
// may come and go meanwhile; nothing is locked or kept.
func (t *FDTable) KernelMemory() int64 {
	slots := *t.slots.Load()
	n := tableMemory + int64(len(slots))*slotMemory
	var last *File
	var share int64 // of last
	for i := range slots {
		f := slots[i].file.Load()
		if f == nil {
			continue
		}
		if f != last {
			last, share = f, f.kernelMemory()
		}
		n += share
	}
	return n
}

// kernelMemory returns one reference's share of what f holds.
func (f *File) kernelMemory() int64 {
	n := int64(f.memory)
	if m, ok := f.ops.(MemoryUser); ok {
		n += m.KernelMemory()
	}
	return n / max(f.refs.Load(), 1)
}
