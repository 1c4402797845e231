package mm

import (
	"kevlar/kernel/machine/pagetable"
)

// Stats tells how much memory an address space has: /proc/PID/status. All
// figures but PageTables and Kernel, which are in bytes, are in pages.
type Stats struct {
	Size, PeakSize int64 // address space
	RSS, PeakRSS   int64 // pages present
	RSSAnon        int64
	RSSFile        int64
	RSSShmem       int64
	Data           int64 // private and writable
	Stack          int64
	Text           int64
	Locked         int64
	PageTables     int64
	Kernel         int64 // other memory of the kernel
}

// Stats returns the figures for as.
func (as *AddressSpace) Stats() Stats {
	as.mu.RLock()
	defer as.mu.RUnlock()
	as.notePeak()
	s := Stats{
		Size:       as.usage.total,
		PeakSize:   as.usage.peak,
		PeakRSS:    as.rssPeak.Load(),
		RSSAnon:    as.rssAnon.Load(),
		RSSFile:    as.rssObject.Load(),
		RSSShmem:   as.rssShmem.Load(),
		Data:       as.usage.data,
		Stack:      as.usage.stack,
		Text:       as.usage.text,
		Locked:     as.usage.locked,
		PageTables: as.table.Pages() * int64(pageSize),
		Kernel:     spaceCost + as.charged.kernel,
	}
	s.RSS = s.RSSAnon + s.RSSFile + s.RSSShmem
	return s
}

// RSS returns the number of pages present.
func (as *AddressSpace) RSS() int64 {
	return as.rssAnon.Load() + as.rssObject.Load() + as.rssShmem.Load()
}

// PeakRSS returns the largest number of pages that were present at once.
func (as *AddressSpace) PeakRSS() int64 {
	as.notePeak()
	return as.rssPeak.Load()
}

// notePeak remembers the number of pages present if it was never higher. It is
// called before pages go, and when somebody asks.
func (as *AddressSpace) notePeak() {
	now := as.RSS()
	for {
		peak := as.rssPeak.Load()
		if now <= peak || as.rssPeak.CompareAndSwap(peak, now) {
			return
		}
	}
}

// Totals tells how much memory all address spaces have: /proc/meminfo. All
// figures are in pages.
type Totals struct {
	Anon       int64 // private to address spaces
	Shmem      int64 // shared anonymous memory; file systems not included
	PageTables int64
	Committed  int64 // private memory promised
	VMAs       int64 // a number of areas, not of pages
}

// Total returns the figures for all address spaces.
func Total() Totals {
	return Totals{
		Anon:       anonPages.Load(),
		Shmem:      shmemPages.Load(),
		PageTables: pagetable.TotalPages(),
		Committed:  committedTotal.Load(),
		VMAs:       vmaTotal.Load(),
	}
}
