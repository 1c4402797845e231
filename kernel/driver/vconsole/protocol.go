package vconsole

import "encoding/binary"

// Feature bits of a console device (section 5.3.3).
const (
	featureSize      = 1 << 0 // the configuration holds columns and rows
	featureMultiport = 1 << 1 // several ports and the control queues
)

// Offsets in the configuration (section 5.3.4).
const (
	configColumns  = 0 // 16 bits
	configRows     = 2 // 16 bits
	configMaxPorts = 4 // 32 bits
)

// Events of control messages (section 5.3.6.2).
const (
	deviceReady = 0
	portAdd     = 1
	portRemove  = 2
	portReady   = 3
	consolePort = 4
	consoleSize = 5
	portOpen    = 6
	portName    = 7
)

// A message is a control message. Some carry more bytes after it: the name of
// a port, or the size of a console.
type message struct {
	port  uint32
	event uint16
	value uint16
}

const messageSize = 8

func (m message) put(b []byte) {
	binary.LittleEndian.PutUint32(b[0:], m.port)
	binary.LittleEndian.PutUint16(b[4:], m.event)
	binary.LittleEndian.PutUint16(b[6:], m.value)
}

// parseMessage splits what the host sent into the message and the bytes
// behind it. It reports false if b is too short.
func parseMessage(b []byte) (message, []byte, bool) {
	if len(b) < messageSize {
		return message{}, nil, false
	}
	return message{
		port:  binary.LittleEndian.Uint32(b[0:]),
		event: binary.LittleEndian.Uint16(b[4:]),
		value: binary.LittleEndian.Uint16(b[6:]),
	}, b[messageSize:], true
}

// inQueue and outQueue return the virtqueues of a port (section 5.3.2): the
// first port has the queues 0 and 1, the control queues follow, then the
// other ports.
func inQueue(port uint32) int {
	if port == 0 {
		return 0
	}
	return int(port)*2 + 2
}

func outQueue(port uint32) int { return inQueue(port) + 1 }

const (
	controlInQueue  = 2
	controlOutQueue = 3
)
