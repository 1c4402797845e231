// Package pagetable keeps the page tables of user address spaces: four levels
// of 512 entries, in page frames of their own.
//
// The lower half of a Table is the user's; the upper half is the kernel's and
// is copied from KernelRoot when the table is made, so that the same kernel is
// mapped everywhere.
//
// Map, MapRange, Replace, Upgrade and Lookup may run at the same time as each
// other: entries change by compare and swap, and levels below the root are
// only ever added by them. All other methods need the table to themselves,
// which the owner's lock provides. User programs, and usercopy on their
// behalf, may go on using the table all the while: frames are given up only
// after the entries are clear and every CPU that could know them was flushed,
// and that order is kept in one place, gather.
package pagetable
