package dev

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// kmsg is an open /dev/kmsg. A read returns one record,
// "priority,sequence,microseconds,-;text\n"; a write adds one.
type kmsg struct {
	vfs.NoFile

	mu  sync.Mutex
	seq uint64 // of the record to read next; guarded by mu
}

// maxRecord is the most bytes that a record can be written with.
const maxRecord = 1024

func openKmsg(c vfs.Caller, f *vfs.File, _ uint64) (vfs.FileOps, error) {
	if f.Flags()&abi.O_ACCMODE != abi.O_WRONLY && klog.Restricted() &&
		!c.Cred().HasCap(abi.CAP_SYSLOG) && !c.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return nil, abi.EPERM
	}
	k := new(kmsg)
	k.seq = oldest()
	return k, nil
}

// oldest returns the sequence number of the oldest record that is kept.
func oldest() uint64 {
	if r, ok := klog.Read(0); ok {
		return r.Seq
	}
	return 0
}

// Read returns the next record: EINVAL if it does not fit, EPIPE if records
// have been overwritten before they were read.
func (k *kmsg) Read(_ vfs.Caller, dst vfs.Dest, _ int64) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := klog.Read(k.seq)
	if !ok {
		return 0, abi.EAGAIN
	}
	if r.Seq != k.seq {
		k.seq = r.Seq
		return 0, abi.EPIPE
	}
	line := format(r)
	if dst.Len() < len(line) {
		return 0, abi.EINVAL
	}
	k.seq++
	return dst.Write([]byte(line))
}

// format writes a record as a read returns it, with what is not printable
// ASCII as \xNN.
func format(r klog.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d,%d,%d,-;", r.Level, r.Seq, r.Mono/1000)
	for i := range len(r.Text) {
		if c := r.Text[i]; c < ' ' || c >= 0x7f || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// Write adds a record, whose text may begin with its priority: "<N>".
func (k *kmsg) Write(_ vfs.Caller, src vfs.Source, _ int64) (int, error) {
	n := src.Len()
	if n > maxRecord {
		return 0, abi.EINVAL
	}
	b := make([]byte, n)
	if _, err := src.Read(b); err != nil {
		return 0, err
	}
	level, text := parse(string(b))
	klog.Print(level, strings.TrimSuffix(text, "\n"))
	return n, nil
}

// parse takes the priority from the front of a text. Users have facility 1,
// and level 4 unless they say otherwise.
func parse(s string) (priority int, text string) {
	const user = 1 << 3
	if rest, ok := strings.CutPrefix(s, "<"); ok {
		if digits, text, ok := strings.Cut(rest, ">"); ok {
			if p, err := strconv.ParseUint(digits, 10, 32); err == nil {
				level, facility := int(p&7), int(p&0x7f8)
				if facility == 0 {
					facility = user
				}
				return facility | level, text
			}
		}
	}
	return user | klog.Warning, s
}

// Seek goes to the first record (SEEK_SET, SEEK_DATA) or behind the last one
// (SEEK_END).
func (k *kmsg) Seek(_ *vfs.File, off int64, whence int) (int64, error) {
	if off != 0 {
		return 0, abi.ESPIPE
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch whence {
	case abi.SEEK_SET, abi.SEEK_DATA:
		k.seq = oldest()
	case abi.SEEK_END:
		k.seq = klog.Next()
	default:
		return 0, abi.EINVAL
	}
	return 0, nil
}

// Ready reports a record to read; Err and Pri tell that some are lost.
func (k *kmsg) Ready(mask wait.Events) wait.Events {
	k.mu.Lock()
	defer k.mu.Unlock()
	var ev wait.Events
	if r, ok := klog.Read(k.seq); ok {
		ev |= wait.Readable
		if r.Seq != k.seq {
			ev |= wait.Err | wait.Pri
		}
	}
	return ev & (mask | wait.Always)
}

// WaitQueue is notified of new records.
func (k *kmsg) WaitQueue() *wait.Queue { return &klog.Arrivals }
