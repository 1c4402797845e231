// Package tlb keeps translation look-aside buffers true: whoever changes a
// page table calls it before reusing the frames that the old entries named.
//
// cpus is a set of CPUs, bit i for CPU i, that may have root loaded; root is
// the physical address of the top-level table. A flush returns when every CPU
// in the set has done it.
package tlb
