package guest

import (
	"fmt"
	"strings"

	"kevlar/host/accel"
	"kevlar/host/vm"
)

// Exit statuses that do not come from the guest.
const (
	StatusTimeout = 124
	StatusFailed  = 125
	StatusKilled  = 130 // the person at the terminal ended the run, as by SIGINT
)

// Failure is the reason why a run has no exit status of the guest's.
type Failure struct {
	Status int // one of those above
	Reason string
	Log    []string // the last lines of the kernel log
}

func (f *Failure) Error() string { return f.Reason }

// fatalStatus is QEMU's exit status after a fatal error of the Kevlar kernel.
var fatalStatus = vm.DebugExitStatus(0x7f)

// fatal says whether the Kevlar kernel has given up.
func fatal(x vm.Exit) bool { return x.End == vm.Exited && x.Status == fatalStatus }

// cause returns what the Kevlar kernel says in the last line of its log if it gives up, as words to add to
// the reason.
func cause(log []string) string {
	if len(log) > 0 {
		if _, text, ok := strings.Cut(log[len(log)-1], "] kevlar: "); ok {
			return ": " + text
		}
	}
	return ""
}

// ended explains a machine that ended when it should not have.
func ended(x vm.Exit, choice accel.Choice) string {
	switch {
	case fatal(x):
		return "the kernel ended with a fatal error"
	case x.End == vm.PowerOff:
		return "the machine was switched off before the command ended"
	case x.End == vm.Reset:
		return "the machine was reset: a reboot, a kernel panic or a triple fault"
	case choice.Mode == accel.KVM && x.Message != "" && (x.Status == -1 || strings.Contains(strings.ToLower(x.Message), "kvm")):
		first, _, _ := strings.Cut(x.Message, "\n")
		return "QEMU cannot work with this machine's KVM; --accel tcg does without it (QEMU: " + first + ")"
	case x.Message != "":
		return "QEMU: " + x.Message
	case x.Status == -1:
		return "QEMU was killed"
	}
	return fmt.Sprintf("QEMU ended with status %d", x.Status)
}
