//go:build baremetal

package main

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/driver/serial"
	"kevlar/kernel/fs/dev"
	"kevlar/kernel/klog"
	"kevlar/kernel/machine/irq"
	"kevlar/kernel/machine/pio"
	"kevlar/kernel/tty"
	"kevlar/kernel/vfs"
)

// The first serial port of a PC, and its device number: ttyS(4).
const (
	com1      = 0x3f8
	com1IRQ   = 4
	ttySMajor = 4
	ttySMinor = 64
)

// com1Ports are the registers of the first serial port.
type com1Ports struct{}

func (com1Ports) In(reg int) byte     { return pio.In8(com1 + uint16(reg)) }
func (com1Ports) Out(reg int, v byte) { pio.Out8(com1+uint16(reg), v) }

// startConsole makes the first serial port the console.
func startConsole() {
	port := serial.Probe(com1Ports{})
	if port == nil {
		klog.Printf("no serial port, so no console")
		return
	}
	t := tty.New("ttyS0", abi.MakeDev(ttySMajor, ttySMinor), port)
	if err := irq.ConnectISA(com1IRQ, t.Name(), port.Interrupt); err != nil {
		klog.Printf("%s: %v", t.Name(), err)
		return
	}
	port.Attach(t)
	logPort.Store(port)
	if err := dev.RegisterTTY(t); err != nil {
		klog.Printf("%s: %v", t.Name(), err)
	}
	tty.SetConsole(t)
}

// openConsole opens the console as process 1 finds it on its descriptors; nil
// if there is none.
func openConsole() *vfs.File {
	if tty.Console() == nil {
		return nil
	}
	f, err := dev.OpenConsole()
	if err != nil {
		klog.Printf("console: %v", err)
		return nil
	}
	return f
}
