package ipi

import "sync/atomic"

// An Op is what the called CPU does.
type Op uint32

// Operations and their arguments.
const (
	FlushUser   Op = iota // root, start, end: drop user translations of a table
	FlushKernel           // -, start, end: drop kernel translations
	Evict                 // root: leave this table for the kernel's own
	Nothing               // an interrupt is a memory barrier
	SaveFPU               // ctx: store the extended state of this context
)

// A mailbox holds one call at a time. Who wants to call claims it, posts the
// call, and releases it when all have served it.
type mailbox struct {
	busy    atomic.Uint32 // 1 while a call is in progress
	pending atomic.Uint64 // CPUs that have yet to serve it

	// The call, owned by whoever claimed the mailbox; read by the CPUs in
	// pending.
	op      Op
	a, b, c uint64
}

// claim makes the mailbox the caller's, if it is free.
//
//go:nosplit
func (m *mailbox) claim() bool { return m.busy.CompareAndSwap(0, 1) }

// post asks cpus to do op.
//
//go:nosplit
func (m *mailbox) post(cpus uint64, op Op, a, b, c uint64) {
	m.op, m.a, m.b, m.c = op, a, b, c
	m.pending.Store(cpus)
}

// served reports whether all have done what was posted.
//
//go:nosplit
func (m *mailbox) served() bool { return m.pending.Load() == 0 }

// release lets others claim the mailbox. The call must be served.
//
//go:nosplit
func (m *mailbox) release() { m.busy.Store(0) }

// asks reports whether the CPU that is alone in self has a call to serve.
//
//go:nosplit
func (m *mailbox) asks(self uint64) bool { return m.pending.Load()&self != 0 }

// answer says that the CPU has served it, after it has.
//
//go:nosplit
func (m *mailbox) answer(self uint64) { m.pending.And(^self) }
