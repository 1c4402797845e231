package syscalls

import (
	"fmt"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/task"
	"kevlar/kernel/wait"
)

// Actions of syslog(2).
const (
	syslogClose = iota
	syslogOpen
	syslogRead
	syslogReadAll
	syslogReadClear
	syslogClear
	syslogConsoleOff
	syslogConsoleOn
	syslogConsoleLevel
	syslogSizeUnread
	syslogSizeBuffer
)

// logBufferSize is what syslog(2) says is the size of the ring in bytes.
const logBufferSize = 1 << 17

var (
	// logRead is the sequence number up to which syslogRead has read.
	logRead atomic.Uint64
	// logClear is where syslogReadAll begins.
	logClear atomic.Uint64
)

func sysSyslog(t *task.Task, a *Args) (uintptr, error) {
	action := int(int32(a[0]))
	free := !klog.Restricted() && (action == syslogReadAll || action == syslogSizeBuffer)
	if !free && !t.Cred().HasCap(abi.CAP_SYSLOG) && !t.Cred().HasCap(abi.CAP_SYS_ADMIN) {
		return 0, abi.EPERM
	}
	switch action {
	case syslogClose, syslogOpen:
		return 0, nil
	case syslogRead, syslogReadAll, syslogReadClear:
		n := int(int32(a[2]))
		if a[1] == 0 || n < 0 {
			return 0, abi.EINVAL
		}
		if n == 0 {
			return 0, nil
		}
		if action == syslogRead {
			return readLog(t, a[1], n)
		}
		next := klog.Next()
		done, err := readLastLog(t, a[1], n, next)
		if err == nil && action == syslogReadClear {
			logClear.Store(next)
		}
		return done, err
	case syslogClear:
		logClear.Store(klog.Next())
		return 0, nil
	case syslogConsoleOff:
		klog.ConsoleOff()
		return 0, nil
	case syslogConsoleOn:
		klog.ConsoleOn()
		return 0, nil
	case syslogConsoleLevel:
		level := int(int32(a[2]))
		if level < 1 || level > 8 {
			return 0, abi.EINVAL
		}
		klog.SetConsoleLevel(level)
		return 0, nil
	case syslogSizeUnread:
		return uintptr(logSize(logRead.Load(), klog.Next())), nil
	case syslogSizeBuffer:
		return logBufferSize, nil
	}
	return 0, abi.EINVAL
}

// formatRecord shows a record as syslog(2) does.
func formatRecord(r klog.Record) string {
	return fmt.Sprintf("<%d>[%5d.%06d] %s\n", r.Level, r.Mono/1e9, r.Mono/1e3%1e6, r.Text)
}

// logSize returns the size of the records from seq to end.
func logSize(seq, end uint64) int {
	n := 0
	for seq < end {
		r, ok := klog.Read(seq)
		if !ok {
			break
		}
		n += len(formatRecord(r))
		seq = r.Seq + 1
	}
	return n
}

// readLog waits for records that nobody has read and takes those that fit. A
// record that does not fit by itself is cut.
func readLog(t *task.Task, addr uintptr, n int) (uintptr, error) {
	done := 0
	for {
		seq := logRead.Load()
		r, ok := klog.Read(seq)
		if !ok {
			if done > 0 {
				return uintptr(done), nil
			}
			if err := waitLog(t, seq); err != nil {
				return 0, err
			}
			continue
		}
		s := formatRecord(r)
		if len(s) > n-done {
			if done > 0 {
				return uintptr(done), nil
			}
			s = s[:n]
		}
		if !logRead.CompareAndSwap(seq, r.Seq+1) {
			continue
		}
		if err := copyOut(t, addr+uintptr(done), []byte(s)); err != nil {
			return 0, err
		}
		done += len(s)
	}
}

// waitLog waits until there is a record with number seq.
func waitLog(t *task.Task, seq uint64) error {
	return t.Sleeper().Await(&klog.Arrivals, wait.In, wait.Forever, func() error {
		if klog.Next() <= seq {
			return abi.EAGAIN
		}
		return nil
	})
}

// readLastLog copies out the last whole records before end that fit into n
// bytes.
func readLastLog(t *task.Task, addr uintptr, n int, end uint64) (uintptr, error) {
	seq := logClear.Load()
	for size := logSize(seq, end); size > n; {
		r, ok := klog.Read(seq)
		if !ok {
			break
		}
		size -= len(formatRecord(r))
		seq = r.Seq + 1
	}
	done := 0
	for seq < end {
		r, ok := klog.Read(seq)
		if !ok {
			break
		}
		s := formatRecord(r)
		if done+len(s) > n {
			break
		}
		if err := copyOut(t, addr+uintptr(done), []byte(s)); err != nil {
			return 0, err
		}
		done += len(s)
		seq = r.Seq + 1
	}
	return uintptr(done), nil
}
