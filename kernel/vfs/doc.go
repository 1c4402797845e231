// Package vfs is the tree of files as programs see it: names, mounts, open
// files, permissions and locks, over the file systems that keep the contents.
//
// # Structure
//
// A file system (Super) has inodes. A Dentry is a name in a directory and the
// inode it stands for; dentries form a tree, which the file systems fill on
// demand and of which unused parts are forgotten when there are too many. A
// Mount attaches the root of a file system, or a directory of one, to a place
// in the tree of another; a Path is a dentry as seen through a mount. A File is
// an open file description, and an FDTable the descriptors of a process.
//
// Every call that takes a name begins with a walk from a directory. The last
// component is looked up by the call itself, under the lock of its directory if
// it means to change it. A component that is known is found without waiting for
// anyone and without allocating memory.
//
// # Lifetimes
//
// Dentries, mounts and inodes are garbage-collected. What is counted is use that
// matters to others:
//
//   - an open File pins its inode, so that the contents outlive the last name;
//   - open files and the directories of an FSContext keep their mount busy;
//   - these, mounts, and every Path that a walk or a call is at keep their file
//     system: it ends (Super.Shutdown) after the last of them, and never during
//     an operation.
//
// A Path by itself holds nothing: what it stands for may be gone by the time it is
// used (ENOENT), but never becomes something else. Who writes holds a write intent
// on the mount, against its becoming read-only; see mount_write.go.
//
// # Memory
//
// Inodes and names of a tmpfs are charged to who makes them; mounts, open files,
// descriptor tables and locks likewise; and cached dentries to the machine, which
// drops them when memory is short. Memory that a file has behind it, such as the
// buffer of a pipe, it tells as a MemoryUser.
//
// # Locks
//
// In this order:
//
//	File.posMu
//	Super.renameMu: a directory's ancestors change with it only
//	children.op, the directory locks: an ancestor before its descendants,
//	    unrelated ones in the order of their ids, under renameMu
//	locks of file systems for names and contents
//	State.pipeMu, then a pipe's
//	lockState.mu, deadlocks.mu
//	Super.remountMu
//	Namespace.mu
//	FSContext.mu
//	treeMu; children.mu, then Dentry.mu; dentryCache.mu; FDTable.mu: leaves
//
// File.posMu, directory locks held shared by ReadDir, and a file system's lock
// for writing to a file are held while user memory is copied, so a page fault
// may come under them. Faults take no lock of this package; what a file system
// does for a fault must not need the locks that it holds while it copies.
package vfs
