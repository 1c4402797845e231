// Package rtc reads the time of day from the PC's real-time clock: Motorola's
// MC146818, as every PC and QEMU have it.
package rtc

import (
	"time"

	"kevlar/kernel/machine/pio"
)

const (
	portIndex = 0x70
	portData  = 0x71

	regSeconds = 0x00
	regMinutes = 0x02
	regHours   = 0x04
	regDay     = 0x07
	regMonth   = 0x08
	regYear    = 0x09
	regStatusA = 0x0a
	regStatusB = 0x0b
	regCentury = 0x32

	updating   = 0x80 // status A
	absent     = 0xff // what a port reads as behind which there is nothing
	binaryMode = 0x04 // status B
	hours24    = 0x02 // status B
)

// Read returns the nanoseconds since the Epoch; ok is false if there is no
// clock or it shows no time.
func Read() (ns int64, ok bool) { return read(cmos) }

func cmos(reg byte) byte {
	pio.Out8(portIndex, reg)
	return pio.In8(portData)
}

// read takes two equal samples, so that none was torn by an update.
func read(reg func(byte) byte) (int64, bool) {
	if reg(regStatusA) == absent {
		return 0, false
	}
	last := sample(reg)
	for range 100 {
		now := sample(reg)
		if now == last {
			return decode(now)
		}
		last = now
	}
	return 0, false
}

type fields struct{ sec, min, hour, day, month, year, century, status byte }

func sample(reg func(byte) byte) fields {
	for i := 0; i < 10000 && reg(regStatusA)&updating != 0; i++ {
	}
	return fields{
		reg(regSeconds), reg(regMinutes), reg(regHours), reg(regDay), reg(regMonth),
		reg(regYear), reg(regCentury), reg(regStatusB),
	}
}

func decode(f fields) (int64, bool) {
	const pm = 0x80
	afternoon := f.hour&pm != 0
	f.hour &^= pm
	num := func(b byte) int {
		if f.status&binaryMode != 0 {
			return int(b)
		}
		return int(b>>4)*10 + int(b&15)
	}
	hour := num(f.hour)
	if f.status&hours24 == 0 {
		hour %= 12
		if afternoon {
			hour += 12
		}
	}
	century := num(f.century)
	if century < 19 || century > 29 {
		century = 20
	}
	month, day := num(f.month), num(f.day)
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || num(f.min) > 59 || num(f.sec) > 60 {
		return 0, false
	}
	return time.Date(century*100+num(f.year), time.Month(month), day, hour, num(f.min), num(f.sec), 0, time.UTC).UnixNano(), true
}
