// Package klog is the kernel log: a ring of lines that /dev/kmsg and
// syslog(2) read, and that the machine sends to its debug console.
package klog

import (
	"fmt"
	"sync"

	"kevlar/kernel/ktime"
	"kevlar/kernel/wait"
)

// ringLines is how many lines the ring keeps.
const ringLines = 1024

// A Record is one line of the log.
type Record struct {
	Seq   uint64 // counts from 0
	Mono  int64  // nanoseconds since boot
	Level int    // 0 (emergency) to 7 (debug), plus 8 times the facility: syslog(3)
	Text  string // without a newline
}

// Levels of syslog(2).
const (
	Emerg = iota
	Alert
	Crit
	Error
	Warning
	Notice
	Info
	Debug
)

var (
	mu   sync.Mutex
	ring [ringLines]Record // guarded by mu; record n stands at n % ringLines
	next uint64            // sequence number of the next record; guarded by mu
	sink func(Record)      // guarded by mu
)

// Arrivals is notified of each new record with wait.In.
var Arrivals wait.Queue

// SetSink sets where every later record goes besides the ring. The function
// runs with the log's lock held: it must not log.
func SetSink(f func(Record)) {
	mu.Lock()
	defer mu.Unlock()
	sink = f
}

// DefaultConsoleLevel is the console level of a machine that says nothing else:
// all but debug messages.
const DefaultConsoleLevel = Debug

// console holds what syslog(2) sets.
var console struct {
	mu    sync.Mutex
	level int // guarded by mu
	saved int // the level while the console is off, else 0; guarded by mu
}

func init() { console.level = DefaultConsoleLevel }

// SetConsoleLevel sets the console level, 1 to 8: only records of a lower level
// than that are for people to see at once. It switches the console on.
func SetConsoleLevel(level int) {
	console.mu.Lock()
	defer console.mu.Unlock()
	console.level, console.saved = level, 0
}

// ConsoleOff shows people nothing but emergencies, until ConsoleOn.
func ConsoleOff() {
	console.mu.Lock()
	defer console.mu.Unlock()
	if console.saved == 0 {
		console.saved, console.level = console.level, Emerg+1
	}
}

// ConsoleOn undoes ConsoleOff.
func ConsoleOn() {
	console.mu.Lock()
	defer console.mu.Unlock()
	if console.saved != 0 {
		console.level, console.saved = console.saved, 0
	}
}

// ForConsole reports whether people are to see r at once.
func (r *Record) ForConsole() bool {
	const levels = 7
	console.mu.Lock()
	defer console.mu.Unlock()
	return r.Level&levels < console.level
}

// Printf logs one line at level Info.
func Printf(format string, args ...any) { Print(Info, fmt.Sprintf(format, args...)) }

// Print logs one line.
func Print(level int, text string) {
	add(level, text)
	Arrivals.Notify(wait.In)
}

func add(level int, text string) {
	mu.Lock()
	defer mu.Unlock()
	r := Record{Seq: next, Mono: ktime.Mono(), Level: level, Text: text}
	ring[next%ringLines] = r
	next++
	if sink != nil {
		sink(r)
	}
}

// Read returns the first record with a sequence number of at least seq, and
// false if there is none yet. Records that fell out of the ring are skipped.
func Read(seq uint64) (Record, bool) {
	mu.Lock()
	defer mu.Unlock()
	if next > ringLines && seq < next-ringLines {
		seq = next - ringLines
	}
	if seq >= next {
		return Record{}, false
	}
	return ring[seq%ringLines], true
}

// Next returns the sequence number of the next record.
func Next() uint64 {
	mu.Lock()
	defer mu.Unlock()
	return next
}
