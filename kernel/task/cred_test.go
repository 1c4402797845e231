package task_test

import (
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

const keep = ^uint32(0)

// ids returns the user IDs of the task.
func ids(tk *task.Task) [4]uint32 {
	c := tk.Cred()
	return [4]uint32{c.UID, c.EUID, c.SUID, c.FSUID}
}

func TestSetUIDCalls(t *testing.T) {
	type step struct {
		name string
		do   func(*task.Task) error
		err  error
		want [4]uint32
	}
	for name, steps := range map[string][]step{
		"setuid drops for good": {
			{"setuid", func(tk *task.Task) error { return tk.SetUID(1000) }, nil, [4]uint32{1000, 1000, 1000, 1000}},
			{"back", func(tk *task.Task) error { return tk.SetUID(0) }, abi.EPERM, [4]uint32{1000, 1000, 1000, 1000}},
			{"fs", func(tk *task.Task) error { tk.SetFSUID(0); return nil }, nil, [4]uint32{1000, 1000, 1000, 1000}},
		},
		"seteuid goes and returns": {
			{"resuid", func(tk *task.Task) error { return tk.SetRESUID(keep, 1000, keep) }, nil, [4]uint32{0, 1000, 0, 1000}},
			{"setuid", func(tk *task.Task) error { return tk.SetUID(0) }, nil, [4]uint32{0, 0, 0, 0}},
		},
		"setreuid": {
			{"swap", func(tk *task.Task) error { return tk.SetREUID(1000, 1001) }, nil, [4]uint32{1000, 1001, 1001, 1001}},
			{"back", func(tk *task.Task) error { return tk.SetREUID(1001, 1000) }, nil, [4]uint32{1001, 1000, 1000, 1000}},
			{"other", func(tk *task.Task) error { return tk.SetREUID(1002, keep) }, abi.EPERM, [4]uint32{1001, 1000, 1000, 1000}},
			{"same", func(tk *task.Task) error { return tk.SetREUID(keep, 1001) }, nil, [4]uint32{1001, 1001, 1000, 1001}},
		},
		"setfsuid": {
			{"away", func(tk *task.Task) error { tk.SetFSUID(5); return nil }, nil, [4]uint32{0, 0, 0, 5}},
			{"query", func(tk *task.Task) error {
				if old := tk.SetFSUID(keep); old != 5 {
					t.Errorf("setfsuid(-1) = %d", old)
				}
				return nil
			}, nil, [4]uint32{0, 0, 0, 5}},
		},
		"invalid": {
			{"setuid", func(tk *task.Task) error { return tk.SetUID(keep) }, abi.EINVAL, [4]uint32{}},
		},
	} {
		run(t, func(u *User) int {
			u.Do(func(tk *task.Task) {
				for _, s := range steps {
					if err := s.do(tk); err != s.err || ids(tk) != s.want {
						t.Errorf("%s, %s: %v %v, want %v %v", name, s.name, err, ids(tk), s.err, s.want)
					}
				}
			})
			return 0
		})
	}
}

func TestCapabilitiesFollowUsers(t *testing.T) {
	run(t, func(u *User) int {
		u.Do(func(tk *task.Task) {
			tk.SetRESUID(keep, 1000, keep)
			if c := tk.Cred(); c.CapEffective != 0 || c.CapPermitted != vfs.AllCaps {
				t.Errorf("effective user changed: %#x %#x", c.CapEffective, c.CapPermitted)
			}
			tk.SetRESUID(keep, 0, keep)
			if c := tk.Cred(); c.CapEffective != vfs.AllCaps {
				t.Errorf("and back: %#x", c.CapEffective)
			}
			tk.SetFSUID(1000)
			if c := tk.Cred(); c.HasCap(abi.CAP_DAC_OVERRIDE) || !c.HasCap(abi.CAP_KILL) {
				t.Errorf("user for files changed: %#x", c.CapEffective)
			}
			tk.SetFSUID(0)
			tk.SetKeepCaps(true)
			tk.SetUID(1000)
			if c := tk.Cred(); c.CapEffective != 0 || c.CapPermitted != vfs.AllCaps {
				t.Errorf("kept: %#x %#x", c.CapEffective, c.CapPermitted)
			}
			all := vfs.AllCaps
			if err := tk.Capset(task.Caps{Effective: all, Permitted: all, Inheritable: all}); err != nil {
				t.Error(err)
			}
			if err := tk.Capset(task.Caps{Permitted: 1}); err != nil {
				t.Error(err)
			}
			if err := tk.Capset(task.Caps{Permitted: 2}); err != abi.EPERM {
				t.Errorf("more than permitted: %v", err)
			}
			if err := tk.SetGroups(nil); err != abi.EPERM {
				t.Errorf("setgroups: %v", err)
			}
		})
		return 0
	})
}

func TestSetGroups(t *testing.T) {
	run(t, func(u *User) int {
		u.Do(func(tk *task.Task) {
			tk.SetGroups([]uint32{3, 4})
			tk.SetRESGID(10, 11, 12)
			c := tk.Cred()
			if c.GID != 10 || c.EGID != 11 || c.SGID != 12 || c.FSGID != 11 || !c.InGroup(4) || !c.InGroup(11) || c.InGroup(10) {
				t.Errorf("%+v", c)
			}
			tk.SetUID(1000)
			if err := tk.SetGID(13); err != abi.EPERM {
				t.Errorf("setgid: %v", err)
			}
			if err := tk.SetGID(12); err != nil || tk.Cred().EGID != 12 || tk.Cred().GID != 10 {
				t.Errorf("setgid to the saved one: %v, %+v", err, tk.Cred())
			}
		})
		return 0
	})
}

func TestLimits(t *testing.T) {
	run(t, func(u *User) int {
		u.Do(func(tk *task.Task) {
			if _, err := tk.Prlimit(0, 16, nil); err != abi.EINVAL {
				t.Errorf("resource 16: %v", err)
			}
			if _, err := tk.Prlimit(0, abi.RLIMIT_CORE, &abi.Rlimit{Cur: 2, Max: 1}); err != abi.EINVAL {
				t.Errorf("soft over hard: %v", err)
			}
			if _, err := tk.Prlimit(9999, abi.RLIMIT_CORE, nil); err != abi.ESRCH {
				t.Errorf("nobody: %v", err)
			}
			if _, err := tk.Prlimit(0, abi.RLIMIT_NOFILE, &abi.Rlimit{Cur: 10, Max: 1<<20 + 1}); err != abi.EPERM {
				t.Errorf("descriptors without end: %v", err)
			}
			old, err := tk.Prlimit(0, abi.RLIMIT_STACK, &abi.Rlimit{Cur: 1 << 20, Max: 2 << 20})
			if err != nil || old.Cur != 8<<20 || tk.Group().Limit(abi.RLIMIT_STACK) != 1<<20 {
				t.Errorf("stack: %+v, %v", old, err)
			}
			tk.SetUID(1000)
			if _, err := tk.Prlimit(0, abi.RLIMIT_STACK, &abi.Rlimit{Cur: 1, Max: 3 << 20}); err != abi.EPERM {
				t.Errorf("raising the hard limit: %v", err)
			}
			if _, err := tk.Prlimit(0, abi.RLIMIT_STACK, &abi.Rlimit{Cur: 2 << 20, Max: 2 << 20}); err != nil {
				t.Errorf("raising the soft limit: %v", err)
			}
			if err := tk.SetPriority(abi.PRIO_PROCESS, 0, -1); err != abi.EACCES {
				t.Errorf("nice -1: %v", err)
			}
			if err := tk.SetPriority(abi.PRIO_PROCESS, 0, 100); err != nil || tk.Nice() != 19 {
				t.Errorf("nice 100: %v, %d", err, tk.Nice())
			}
			if n, err := tk.GetPriority(abi.PRIO_USER, 0); err != nil || n != 19 {
				t.Errorf("getpriority: %d, %v", n, err)
			}
		})
		return 0
	})
}

func TestProcessGroups(t *testing.T) {
	run(t, func(u *User) int {
		var a, b int
		u.Do(func(tk *task.Task) {
			if tk.PGID() != 0 || tk.SID() != 0 {
				t.Errorf("process 1 begins in group %d, session %d", tk.PGID(), tk.SID())
			}
			if sid, err := tk.Setsid(); err != nil || sid != 1 || tk.PGID() != 1 {
				t.Errorf("setsid of process 1: %d, %v, group %d", sid, err, tk.PGID())
			}
			if err := tk.Setpgid(0, 0); err != abi.EPERM {
				t.Errorf("a session leader: %v", err)
			}
		})
		a, b = u.Fork(forever), u.Fork(forever)
		u.Do(func(tk *task.Task) {
			if err := tk.Setpgid(a, b); err != abi.EPERM {
				t.Errorf("a group that is none: %v", err)
			}
			if err := tk.Setpgid(a, 0); err != nil {
				t.Errorf("its own group: %v", err)
			}
			if err := tk.Setpgid(b, a); err != nil {
				t.Errorf("another's group: %v", err)
			}
			if g, err := tk.Getpgid(b); err != nil || g != a {
				t.Errorf("getpgid: %d, %v", g, err)
			}
			if _, err := tk.Setsid(); err != abi.EPERM {
				t.Errorf("setsid of a leader: %v", err)
			}
			if err := tk.Setpgid(9999, 0); err != abi.ESRCH {
				t.Errorf("nobody: %v", err)
			}
			if err := tk.Setpgid(0, -1); err != abi.EINVAL {
				t.Errorf("a negative group: %v", err)
			}
		})
		c := u.Fork(func(u *User) int {
			u.Do(func(tk *task.Task) {
				if err := tk.Setpgid(b, 0); err != abi.ESRCH {
					t.Errorf("a sibling: %v", err)
				}
				sid, err := tk.Setsid()
				if err != nil || sid != tk.TGID() || tk.PGID() != sid || tk.SID() != sid {
					t.Errorf("setsid: %d, %v", sid, err)
				}
			})
			return 0
		})
		waitFor(t, u, c, 0, 0)
		u.Kill(-a, abi.SIGKILL)
		waitFor(t, u, a, 0, abi.SIGKILL)
		waitFor(t, u, b, 0, abi.SIGKILL)
		u.Do(func(tk *task.Task) {
			if err := tk.Kill(-a, 0); err != abi.ESRCH {
				t.Errorf("a group that has ended: %v", err)
			}
		})
		return 0
	})
}
