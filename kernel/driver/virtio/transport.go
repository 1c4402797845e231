// Package virtio drives virtio devices: negotiation and split virtqueues,
// whatever the transport. The source of its rules is the OASIS standard
// "Virtual I/O Device (VIRTIO) Version 1.2", whose section numbers the
// comments give.
//
// A driver opens a device over a Transport, takes its queues and starts it:
//
//	d, err := virtio.Open(transport, wantedFeatures)
//	q, err := d.Queue(0, 64)
//	d.Handle(onInterrupt)
//	d.Start()
package virtio

// Device types (section 5).
const (
	DeviceNetwork = 1
	DeviceBlock   = 2
	DeviceConsole = 3
	DeviceEntropy = 4
)

// Bits of the device status (section 2.1).
const (
	StatusAcknowledge = 1
	StatusDriver      = 2
	StatusDriverOK    = 4
	StatusFeaturesOK  = 8
	StatusNeedsReset  = 64
	StatusFailed      = 128
)

// Feature bits of every device (section 6).
const (
	// FeatureVersion1 tells that the device follows the standard and not
	// the interface before it, which the standard calls legacy.
	FeatureVersion1 = 1 << 32
)

// A Cause says why a device interrupted; it is a set of bits.
type Cause uint8

// Causes of an interrupt.
const (
	CauseQueue  Cause = 1 // used buffers in some queue
	CauseConfig Cause = 2 // the configuration changed
)

// A Transport is the way to one device: its registers, wherever they are.
// Its methods are called by one goroutine at a time, except Notify, which may
// be called by several at once.
type Transport interface {
	// DeviceID returns the type of the device.
	DeviceID() uint32
	// Legacy reports whether the device has only the interface from before
	// the standard: no FeatureVersion1, no StatusFeaturesOK, and a queue is
	// one page-aligned block.
	Legacy() bool

	Status() uint8
	// SetStatus writes the status. Writing 0 resets the device; it returns
	// when the reset is done.
	SetStatus(status uint8)

	// Features returns what the device offers.
	Features() uint64
	// SetFeatures tells the device what the driver has chosen.
	SetFeatures(features uint64)

	// QueueMaxSize returns the most descriptors that queue index may have;
	// 0 means that there is no such queue.
	QueueMaxSize(index int) int
	// EnableQueue tells the device where queue index lies in memory.
	EnableQueue(index int, at Layout) error
	// Notify tells the device that queue index has new buffers.
	Notify(index int)

	// ReadConfig fills p from the device's configuration at offset off, as
	// of one moment.
	ReadConfig(off int, p []byte)
	// WriteConfig changes the device's configuration.
	WriteConfig(off int, p []byte)

	// HandleInterrupt sets what every interrupt of the device calls, in a
	// goroutine and with no lock held.
	HandleInterrupt(handler func(Cause)) error
}

// Layout is where a split virtqueue lies (section 2.7): physical addresses,
// and the number of descriptors.
type Layout struct {
	Size        int    // descriptors, a power of two
	Descriptors uint64 // descriptor table
	Available   uint64 // available ring, written by the driver
	Used        uint64 // used ring, written by the device
}
