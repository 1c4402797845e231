package tty

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
	"kevlar/kernel/wait"
)

// A process is a caller with user memory of one page at address 0.
type process struct {
	pgid, sid int
	ctty      *TTY
	cred      *vfs.Cred
	ignored   int // a signal that is ignored
	orphaned  bool
	groups    map[int]int // session of each process group
	sleeper   *wait.Sleeper
	mem       [4096]byte
}

// testJob and testSession are process groups and sessions that remember, in
// recorded, what becomes of them.
type (
	testJob     struct{ pgid, sid int }
	testSession struct{ sid int }
)

func (j testJob) ID() int          { return j.pgid }
func (j testJob) Session() Session { return testSession{j.sid} }
func (j testJob) Signal(sig int)   { recorded.add("", sent{j.pgid, sig}) }

func (s testSession) ID() int                { return s.sid }
func (s testSession) Disown(*TTY)            { recorded.add("disown") }
func (s testSession) HangUp(_ *TTY, job Job) { recorded.add("hangup", sent{s.sid, job.ID()}) }

func newProcess(pgid, sid int) *process {
	return &process{pgid: pgid, sid: sid, cred: vfs.RootCred, sleeper: wait.NewSleeper(),
		groups: map[int]int{pgid: sid}}
}

func (p *process) Cred() *vfs.Cred        { return p.cred }
func (p *process) Sleeper() *wait.Sleeper { return p.sleeper }
func (p *process) Umask() uint32          { return 0 }
func (p *process) FileSizeLimit() uint64  { return abi.RLIM_INFINITY }

func (p *process) CopyIn(dst []byte, addr uintptr) (int, error) {
	if addr >= uintptr(len(p.mem)) {
		return 0, abi.EFAULT
	}
	return copy(dst, p.mem[addr:]), nil
}

func (p *process) CopyOut(addr uintptr, src []byte) (int, error) {
	if addr >= uintptr(len(p.mem)) {
		return 0, abi.EFAULT
	}
	return copy(p.mem[addr:], src), nil
}

func (p *process) Job() Job              { return testJob{p.pgid, p.sid} }
func (p *process) IsSessionLeader() bool { return p.pgid == p.sid }
func (p *process) CTTY() *TTY            { return p.ctty }
func (p *process) LeaveCTTY(*TTY)        { p.ctty = nil }
func (p *process) OrphanedPGrp() bool    { return p.orphaned }

func (p *process) AcquireCTTY(t *TTY) bool {
	if !p.IsSessionLeader() || p.ctty != nil {
		return false
	}
	p.ctty = t
	return true
}

func (p *process) SignalBlockedOrIgnored(sig int) bool { return sig == p.ignored }

func (p *process) FindJob(pgid int) Job {
	if sid, ok := p.groups[pgid]; ok {
		return testJob{pgid, sid}
	}
	return nil
}

func (p *process) ioctl(t *testing.T, f *vfs.File, cmd uint32, arg uintptr, want error) {
	t.Helper()
	if _, err := f.Ioctl(p, cmd, arg); err != want {
		t.Errorf("ioctl %#x: %v, want %v", cmd, err, want)
	}
}

func (p *process) word() int     { return int(int32(binary.LittleEndian.Uint32(p.mem[:]))) }
func (p *process) setWord(v int) { binary.LittleEndian.PutUint32(p.mem[:], uint32(v)) }

// sent is a signal that a process group, or a session's leader, has got.
type sent struct{ pgid, sig int }

// A recorder remembers what terminals do to process groups and sessions.
type recorder struct {
	mu     sync.Mutex
	events []string
	sigs   []sent
}

var recorded recorder

// record begins a new record.
func record() *recorder {
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	recorded.events, recorded.sigs = nil, nil
	return &recorded
}

func (r *recorder) add(event string, sigs ...sent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if event != "" {
		r.events = append(r.events, event)
	}
	r.sigs = append(r.sigs, sigs...)
}

// take returns the signals since the last call.
func (r *recorder) take() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	sigs := r.sigs
	r.sigs = nil
	return sigs
}

func (r *recorder) want(t *testing.T, sigs ...sent) {
	t.Helper()
	if got := r.take(); !slices.Equal(got, sigs) {
		t.Errorf("signals %v, want %v", got, sigs)
	}
}
