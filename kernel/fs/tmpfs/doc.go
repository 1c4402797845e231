// Package tmpfs is the file system in memory: tmpfs(5). The contents of files
// are page frames in a sparse tree, the same frames for read, write and mmap.
//
// # Locks
//
// In this order:
//
//	dir.namesMu: two of them are held by Rename only, which package vfs
//	    serialises
//	file.writeMu: held by whatever changes contents or size, also while user
//	    memory is copied
//	(page faults, which take locks of address spaces)
//	file.mu: size and tree of pages; held for short, never while copying
//	inode.mu: links and pins
package tmpfs
