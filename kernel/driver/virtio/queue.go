package virtio

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/direct"
	"kevlar/kernel/machine/frame"
)

// A Segment is one piece of physically contiguous memory of a buffer.
type Segment struct {
	Addr uint64 // physical address
	Len  uint32 // bytes
	// DeviceWrites says that the device fills the memory. In a buffer, what
	// the device reads stands before what it fills.
	DeviceWrites bool
}

// A Queue is a split virtqueue (section 2.7), driver's side. It has no lock:
// its owner calls one method at a time. It allocates nothing after creation.
//
// A buffer is a chain of descriptors known by the index of the first, its
// head. The owner keeps what it must remember about a buffer in a table of
// its own with Size entries, indexed by the head.
type Queue struct {
	transport Transport
	index     int
	layout    Layout

	table []byte // descriptor table
	avail []byte // available ring: flags, idx, entries
	used  []byte // used ring: flags, idx, elements

	availWord *uint32 // flags and idx of avail, read by the device
	usedWord  *uint32 // flags and idx of used, written by the device

	first     uint16   // first free descriptor, if any is free
	free      int      // number of free descriptors
	next      []uint16 // the descriptor after each: of a chain or the free list
	chain     []uint16 // by head: descriptors of a buffer that the device has; 0: none
	available uint16   // idx of avail, counts modulo 65536
	quiet     bool     // the device was asked not to interrupt
	taken     uint16   // idx of used up to which buffers were taken
	broken    bool     // the device broke the protocol; nothing is taken any more
}

// Formats of section 2.7; all numbers little-endian.
const (
	descriptorSize  = 16 // addr 64, len 32, flags 16, next 16
	ringHeader      = 4  // flags 16, idx 16
	usedElementSize = 8  // id 32, len 32

	descriptorNext  = 1
	descriptorWrite = 2

	availNoInterrupt = 1
	usedNoNotify     = 1
)

// newQueue makes a queue of size descriptors, rounded down to a power of two.
// The three parts lie in one block. A legacy device finds them by their
// order, with the used ring on the next page boundary.
func newQueue(t Transport, index, size int) (*Queue, error) {
	if size < 1 || size > 1<<15 {
		return nil, abi.EINVAL
	}
	size = 1 << (bits.Len(uint(size)) - 1)
	availAt := descriptorSize * size
	availSize := ringHeader + 2*size + 2
	align := 4
	if t.Legacy() {
		align = frame.Size
	}
	usedAt := (availAt + availSize + align - 1) &^ (align - 1)
	usedSize := ringHeader + usedElementSize*size + 2
	block, err := frame.AllocContig((usedAt+usedSize+frame.Size-1)/frame.Size, 1)
	if err != nil {
		return nil, err
	}
	base := uint64(block)
	q := &Queue{
		transport: t,
		index:     index,
		layout: Layout{
			Size:        size,
			Descriptors: base,
			Available:   base + uint64(availAt),
			Used:        base + uint64(usedAt),
		},
		table:     direct.Bytes(base, availAt),
		avail:     direct.Bytes(base+uint64(availAt), availSize),
		used:      direct.Bytes(base+uint64(usedAt), usedSize),
		availWord: direct.U32(base + uint64(availAt)),
		usedWord:  direct.U32(base + uint64(usedAt)),
		free:      size,
		next:      make([]uint16, size),
		chain:     make([]uint16, size),
	}
	for i := range q.next {
		q.next[i] = uint16(i + 1)
	}
	return q, nil
}

// release frees the memory of a queue that the device was never told of.
func (q *Queue) release() {
	end := q.layout.Used + uint64(len(q.used))
	for pa := q.layout.Descriptors; pa < end; pa += frame.Size {
		frame.Frame(pa).Put()
	}
}

// Size returns the number of descriptors.
func (q *Queue) Size() int { return q.layout.Size }

// Free returns the number of descriptors not in use: the segments that can be
// added.
func (q *Queue) Free() int { return q.free }

// Broken reports whether the device broke the protocol. A broken queue takes
// and gives no more buffers.
func (q *Queue) Broken() bool { return q.broken }

// Add gives a buffer to the device and returns its head. It fails if there
// are fewer free descriptors than segments. The device learns of it at the
// next Kick, or before.
func (q *Queue) Add(segments ...Segment) (head uint16, ok bool) {
	if len(segments) == 0 || len(segments) > q.free || q.broken {
		return 0, false
	}
	head = q.first
	at := head
	for i, s := range segments {
		d := q.table[int(at)*descriptorSize:][:descriptorSize]
		flags := uint16(0)
		if s.DeviceWrites {
			flags |= descriptorWrite
		}
		following := q.next[at]
		if i+1 < len(segments) {
			flags |= descriptorNext
		} else {
			q.first = following
		}
		binary.LittleEndian.PutUint64(d[0:], s.Addr)
		binary.LittleEndian.PutUint32(d[8:], s.Len)
		binary.LittleEndian.PutUint16(d[12:], flags)
		binary.LittleEndian.PutUint16(d[14:], following)
		at = following
	}
	q.free -= len(segments)
	q.chain[head] = uint16(len(segments))

	slot := int(q.available) & (q.layout.Size - 1)
	binary.LittleEndian.PutUint16(q.avail[ringHeader+2*slot:], head)
	q.available++
	q.publish()
	return head, true
}

// publish stores flags and idx of the available ring. The atomic store orders
// it after the descriptors and before the look at the used ring's flags.
func (q *Queue) publish() {
	word := uint32(q.available) << 16
	if q.quiet {
		word |= availNoInterrupt
	}
	atomic.StoreUint32(q.availWord, word)
}

// Kick notifies the device of what was added, unless it asked not to be.
func (q *Queue) Kick() {
	if !q.broken && atomic.LoadUint32(q.usedWord)&usedNoNotify == 0 {
		q.transport.Notify(q.index)
	}
}

// Quiet asks the device not to interrupt when it uses a buffer, or to do so
// again. It is a hint. After Quiet(false) the owner looks for used buffers
// once more: some may have come without an interrupt.
func (q *Queue) Quiet(quiet bool) {
	if q.quiet != quiet {
		q.quiet = quiet
		q.publish()
	}
}

// Used reports whether Take would return a buffer.
func (q *Queue) Used() bool {
	return !q.broken && uint16(atomic.LoadUint32(q.usedWord)>>16) != q.taken
}

// Take returns the head of a buffer that the device is done with and the
// number of bytes it wrote there, which may be more than the buffer's length
// if the device is at fault.
func (q *Queue) Take() (head uint16, written uint32, ok bool) {
	if !q.Used() {
		return 0, 0, false
	}
	slot := int(q.taken) & (q.layout.Size - 1)
	e := q.used[ringHeader+usedElementSize*slot:][:usedElementSize]
	id := binary.LittleEndian.Uint32(e)
	written = binary.LittleEndian.Uint32(e[4:])
	if id >= uint32(q.layout.Size) || q.chain[id] == 0 {
		q.broken = true
		return 0, 0, false
	}
	q.taken++
	head = uint16(id)
	last := head
	for n := q.chain[head]; n > 1; n-- {
		last = q.next[last]
	}
	q.next[last], q.first = q.first, head
	q.free += int(q.chain[head])
	q.chain[head] = 0
	return head, written, true
}
