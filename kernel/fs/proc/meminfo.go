package proc

import "bytes"

// showMemory shows the use of memory. Lines of what the kernel does not have,
// such as swap, are zero where programs look for them and left out elsewhere.
func (fs *FS) showMemory(w *bytes.Buffer) error {
	m := fs.system.Memory()
	for _, l := range []struct {
		name  string
		bytes uint64
	}{
		{"MemTotal", m.Total},
		{"MemFree", m.Free},
		{"MemAvailable", m.Available},
		{"Buffers", 0},
		{"Cached", m.Cached},
		{"SwapCached", 0},
		{"SwapTotal", 0},
		{"SwapFree", 0},
		{"Dirty", 0},
		{"Writeback", 0},
		{"AnonPages", m.Anon},
		{"Shmem", m.Shmem},
		{"KReclaimable", m.Caches},
		{"Slab", m.Heap},
		{"SReclaimable", m.Caches},
		{"SUnreclaim", m.Heap - m.Caches},
		{"KernelStack", m.Stack},
		{"PageTables", m.PageTable},
		{"CommitLimit", m.CommitLimit},
		{"Committed_AS", m.Committed},
	} {
		showKilobytes(w, l.name, int64(l.bytes))
	}
	return nil
}
