//go:build baremetal

// Command kernel is Kevlar itself: the program that the monitor boots. Its
// main function reads like the story of a boot; every step is a file here or
// a package below.
package main

import (
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/boot"
	"kevlar/kernel/machine/cpu"
	"kevlar/kernel/machine/irq"
	"kevlar/kernel/machine/power"
	"kevlar/kernel/task"
	"kevlar/kernel/uts"
)

func main() {
	growStack()
	connectMachine()
	startLog()
	seedRandom()
	setLimits()
	if err := boot.StartProcessors(); err != nil {
		die("processors: %v", err)
	}
	irq.Init()
	setWallClock()
	go boot.Refine()
	go trimHeap()
	go task.Killer()
	klog.Printf("Kevlar %s on %d CPUs, %d MiB: %s", uts.Release, cpu.Count(), memoryMiB(), boot.CommandLine())

	connectLayers()
	names := uts.New()
	registerViews(names)
	root := makeRoot()
	unpackInitramfs(root)
	startConsole()
	startDevices()
	startInit(root, names)
	select {} // the machine ends when process 1 does, or by reboot(2)
}

// growStack makes the stack as large as the boot comes to need, while there is
// little on it that has to be moved.
//
//go:noinline
func growStack() {
	var room [12 << 10]byte
	touch(room[:])
}

//go:noinline
func touch(b []byte) { b[0] = 1 }

// die ends the machine when it cannot go on: the last line of the log says
// why.
func die(format string, args ...any) {
	failLoudly(format, args...)
	power.Fail()
}
