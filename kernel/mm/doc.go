// Package mm manages the memory of user programs: address spaces made of
// virtual memory areas (VMAs), demand paging, copy-on-write, and the mapping
// of memory objects.
//
// # Structure
//
// An AddressSpace has a page table and a vmaSet, the ordered set of VMAs that
// refuses overlap. Every way to get memory (mmap, brk, the stack, mremap, exec)
// goes through that set. A page fault finds the VMA, decides what page belongs
// there, and puts it into the page table; nothing is paged in otherwise, but
// for pages around a fault that an object has in memory anyway.
//
// Pages are frames with a reference for each place that knows them: page-table
// entries, page caches, transient holders. A frame in a private mapping that
// is not the object's own is marked pagetable.Anon; when such a frame has a
// single reference, its page-table entry is the only one there is, and it can
// be written in place.
//
// # Copy-on-write
//
// What a write does to a page of a private mapping, by what is there:
//
//	nothing, anonymous             a zeroed frame, writable
//	nothing, of an object          a copy of the object's frame, writable
//	the zero page                  a zeroed frame, writable
//	an object's frame              a copy, writable
//	Anon frame, other references   a copy, writable; the old reference dropped
//	Anon frame, no other           the same frame, made writable
//	a writable page                nothing: another thread was faster
//
// And a read: nothing, anonymous: the zero page, read-only; nothing, of an
// object: the object's frame, read-only, and with it those around it that the
// object has in memory. Fork makes the pages of private mappings read-only in
// both address spaces and shares them, but for an object's frames that faults
// bring in by the dozen: most children exec before they miss them. A shared
// mapping has the object's own frames always; pages of it that were only read
// become writable by a fault of their own, unless the object is Unnoticed.
//
// # Locks
//
// In this order:
//
//	locks of a file's contents that are held while user memory is copied
//	AddressSpace.mu (fork: the parent's, then the child's)
//	Mappings.mu, and the locks of Object.Page and Present
//	frames and page tables, which have no locks that anybody else sees
//
// Faults take AddressSpace.mu for reading and may run in parallel; whatever
// changes VMAs or removes pages takes it for writing. Files are released
// with no lock held, and the out-of-memory handler is called with none but those
// of a file's contents; pages that have to be
// read first (Pending) are waited for with none of mm's. Mappings.Zap takes
// Mappings.mu and gives it up before it takes an AddressSpace.mu.
package mm
