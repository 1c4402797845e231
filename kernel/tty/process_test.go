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
	sent      []pendingSignal
}

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

func (p *process) PGID() int             { return p.pgid }
func (p *process) SID() int              { return p.sid }
func (p *process) IsSessionLeader() bool { return p.pgid == p.sid }
func (p *process) CTTY() *TTY            { return p.ctty }
func (p *process) SetCTTY(t *TTY)        { p.ctty = t }
func (p *process) OrphanedPGrp() bool    { return p.orphaned }

func (p *process) SignalBlockedOrIgnored(sig int) bool { return sig == p.ignored }

func (p *process) SignalGroup(pgid, sig int) error {
	p.sent = append(p.sent, pendingSignal{pgid, sig})
	return nil
}

func (p *process) GroupSession(pgid int) (int, bool) {
	sid, ok := p.groups[pgid]
	return sid, ok
}

func (p *process) ioctl(t *testing.T, f *vfs.File, cmd uint32, arg uintptr, want error) {
	t.Helper()
	if _, err := f.Ioctl(p, cmd, arg); err != want {
		t.Errorf("ioctl %#x: %v, want %v", cmd, err, want)
	}
}

func (p *process) word() int     { return int(int32(binary.LittleEndian.Uint32(p.mem[:]))) }
func (p *process) setWord(v int) { binary.LittleEndian.PutUint32(p.mem[:], uint32(v)) }

// recorder is a Signaller that remembers.
type recorder struct {
	mu     sync.Mutex
	events []string
	sigs   []pendingSignal
}

func record(t *testing.T) *recorder {
	r := new(recorder)
	SetSignaller(r)
	t.Cleanup(func() { SetSignaller(noSignaller{}) })
	return r
}

func (r *recorder) SignalGroup(pgid, sig int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sigs = append(r.sigs, pendingSignal{pgid, sig})
}

func (r *recorder) HangUp(t *TTY, sid, foreground int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, "hangup")
	r.sigs = append(r.sigs, pendingSignal{sid, foreground})
}

func (r *recorder) Disown(*TTY, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, "disown")
}

func (r *recorder) want(t *testing.T, sigs ...pendingSignal) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.sigs, sigs) {
		t.Errorf("signals %v, want %v", r.sigs, sigs)
	}
	r.sigs = nil
}
