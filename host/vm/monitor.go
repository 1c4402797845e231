package vm

import (
	"encoding/json"
	"io"
)

// monitor listens to QEMU's machine protocol (QMP) for the reason of a shutdown, which QEMU's exit
// status does not tell: a machine that powers off and one whose processor triple-faults both end
// with status 0.
type monitor struct {
	reason string // of the first SHUTDOWN event, as in QMP's ShutdownCause
}

// watch enables events and reads them until QEMU closes the channel.
func (m *monitor) watch(channel io.ReadWriter) {
	if _, err := io.WriteString(channel, `{"execute": "qmp_capabilities"}`+"\n"); err != nil {
		return
	}
	for d := json.NewDecoder(channel); ; {
		var event struct {
			Event string
			Data  struct{ Reason string }
		}
		if d.Decode(&event) != nil {
			return
		}
		if event.Event == "SHUTDOWN" && m.reason == "" {
			m.reason = event.Data.Reason
		}
	}
}
