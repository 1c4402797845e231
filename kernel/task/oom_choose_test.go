package task

import (
	"fmt"
	"slices"
	"testing"

	"kevlar/kernel/machine/frame"
	"kevlar/kernel/mm"
)

const mib = 1 << 20

// process returns a candidate that costs user and kernel bytes.
func process(pid int, uid uint32, sid, pgid int, user, kernel int64) candidate {
	return candidate{
		group: &ThreadGroup{tgid: pid}, uid: uid, sid: sid, pgid: pgid,
		stats: mm.Stats{RSSAnon: user / frame.Size}, kernel: kernel, score: user + kernel,
	}
}

func (l candidates) pids() (pids []int) {
	for i := range l {
		pids = append(pids, l[i].group.tgid)
	}
	return pids
}

func TestChooseVictims(t *testing.T) {
	daemons := func() candidates {
		return candidates{
			process(2, 0, 2, 2, 3*mib, 40<<10),
			process(3, 0, 3, 3, 3*mib, 40<<10),
			process(4, 1000, 4, 4, mib, 40<<10),
			process(5, 1000, 4, 5, mib, 40<<10),
		}
	}
	swarm := func(n int, uid uint32, sid, pgid int, user, kernel int64) (l candidates) {
		for i := range n {
			l = append(l, process(100+i, uid, sid, pgid, user, kernel))
		}
		return l
	}
	adjusted := process(6, 0, 6, 6, 2*mib, 0)
	adjusted.score += 50 * mib
	dying := process(7, 1001, 7, 7, mib, 0)
	dying.dying = true
	small := process(8, 1001, 8, 8, mib/2, 0)
	small.dying = true
	for _, c := range []struct {
		name string
		all  candidates
		want []int // by number; all of them are at or above the first if it is 100
	}{
		{"nobody", nil, nil},
		{"the largest", daemons(), []int{3}},
		{"a hog", append(daemons(), process(9, 1001, 9, 9, 12*mib, 0)), []int{9}},
		{"kernel memory", append(daemons(), process(9, 1001, 9, 9, mib, 20*mib)), []int{9}},
		{"adjusted", append(daemons(), adjusted), []int{6}},
		{"dying", append(daemons(), process(9, 1001, 9, 9, 12*mib, 0), dying), []int{7}},
		{"dying without much", append(daemons(), process(9, 1001, 9, 9, 12*mib, 0), small), []int{9}},
		{"nobody but the dying", candidates{small}, nil},
		{"a swarm of a user", append(daemons(), swarm(300, 1001, 4, 4, 64<<10, 32<<10)...), []int{100}},
		{"a swarm of root in its group", append(daemons(), swarm(300, 0, 2, 9, 64<<10, 32<<10)...), []int{100}},
		{"a swarm with tables of its system calls", append(daemons(), swarm(40, 1000, 4, 9, 64<<10, 700<<10)...), []int{100}},
		{"many small ones that are no swarm", append(daemons(), swarm(30, 1001, 9, 9, 64<<10, 0)...), []int{3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.all.choose(64 * mib)
			if len(c.want) == 1 && c.want[0] == 100 {
				if len(got) < 2 || got.cost() < 2*mib || got.cost() > 3*mib {
					t.Errorf("%d of the swarm with %d bytes, want a few", len(got), got.cost())
				}
				if slices.Min(got.pids()) < 100 {
					t.Errorf("killed %v, who are not all of the swarm", got.pids())
				}
				return
			}
			if fmt.Sprint(got.pids()) != fmt.Sprint(c.want) {
				t.Errorf("killed %v, want %v", got.pids(), c.want)
			}
		})
	}
}

func TestSharersOfMemoryDieTogether(t *testing.T) {
	space := new(mm.AddressSpace)
	l := candidates{
		process(2, 0, 2, 2, mib, 0), process(3, 0, 3, 3, 12*mib, 0), process(4, 0, 4, 4, 2*mib, 0), process(5, 0, 3, 3, mib, 0),
	}
	for i := range l {
		l[i].space = new(mm.AddressSpace)
	}
	l[1].space, l[3].space = space, space
	got := l.withSharers(l.choose(64 * mib)).pids()
	if fmt.Sprint(got) != "[3 5]" {
		t.Errorf("killed %v, want 3 and 5, who shares its memory", got)
	}
}
