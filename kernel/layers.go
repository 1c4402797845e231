//go:build baremetal

package main

import (
	"kevlar/kernel/ipc/pipe"
	"kevlar/kernel/klog"
	"kevlar/kernel/kmem"
	"kevlar/kernel/ktime"
	"kevlar/kernel/machine/boot"
	"kevlar/kernel/machine/clock"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/goruntime"
	"kevlar/kernel/machine/ipi"
	"kevlar/kernel/machine/irq"
	"kevlar/kernel/machine/x86"
	"kevlar/kernel/mm"
	"kevlar/kernel/syscalls"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// What lower layers know of the layers above and beside them is set here and
// nowhere else, before the first program runs.

// connectMachine gives the layers below everything the machine's clock and
// console.
func connectMachine() {
	ktime.UseSource(clock.Nanotime)
	ktime.OnSet = clock.SetReal
	klog.SetSink(printRecord)
}

// connectLayers connects the rest, when there are interrupts.
func connectLayers() {
	irq.ConnectAlarm(ktime.Expire)
	ktime.UseAlarm(goruntime.SetAlarm)

	mm.OnOutOfMemory = task.OutOfMemory
	kmem.OnShortage = task.MemoryShort
	irq.ConnectShortage(task.MemoryShort)
	vfs.OpenFIFO = pipe.OpenFIFO

	task.OnInterrupt = irq.Drain
	task.MapVDSO = makeVDSO()
	_, _, _, edx := x86.CPUID(1, 0)
	task.HWCap = uint64(edx)
	task.OnInitExit = func(status int) {
		die("process 1 %s", howEnded(status))
	}

	syscalls.CPUs = cpu.Count
	syscalls.CurrentCPU = cpu.CurrentID
	syscalls.MemoryBarrier = ipi.Barrier
	syscalls.Reboot = endMachine
	syscalls.SetHandlers(&task.Handlers, hasWord(boot.CommandLine(), "strace"))
}
