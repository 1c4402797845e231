// Package tlb keeps translation look-aside buffers true: whoever changes a
// page table calls it before reusing the frames that the old entries named.
//
// An address space goes by root, the physical address of its top-level table.
// A CPU knows translations of the one whose root it has loaded and of no other.
// A flush returns when every CPU that has root loaded has done it.
package tlb
