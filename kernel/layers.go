//go:build baremetal

package main

import (
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/boot"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/ipi"
	"kevlar/kernel/machine/irq"
	"kevlar/kernel/machine/power"
	"kevlar/kernel/machine/ring3"
	"kevlar/kernel/machine/x86"
	"kevlar/kernel/random"
	"kevlar/kernel/syscalls"
	"kevlar/kernel/task"
)

// connectLayers gives the lower layers what they know only by a hook.
func connectLayers() {
	task.OnInterrupt = irq.Drain
	task.Entropy = random.Read
	task.Kick = ring3.Kick
	task.MapVDSO = makeVDSO()
	_, _, _, edx := x86.CPUID(1, 0)
	task.HWCap = uint64(edx)
	task.OnInitExit = func(status int) {
		die("process 1 ended with wait status %#x", status)
	}

	syscalls.CPUs = cpu.Count
	syscalls.CurrentCPU = cpu.CurrentID
	syscalls.MemoryBarrier = ipi.Barrier
	syscalls.Reboot = endMachine
	syscalls.SetStrace(hasWord(boot.CommandLine(), "strace"))
	syscalls.Connect()
}

// endMachine is reboot(2).
func endMachine(how syscalls.RebootAction) {
	drainConsoles()
	switch how {
	case syscalls.Restart:
		klog.Printf("restarting")
		power.Reboot()
	default:
		klog.Printf("power off")
		power.Off()
	}
}
