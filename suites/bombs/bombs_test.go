package bombs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"kevlar/suites/driver"
)

// all are the kinds of bombs of guest/kinds.c.
var all = []string{
	"fork", "children", "zombie", "thread", "open", "eventfd", "timerfd", "pipe", "epoll", "watch", "poll", "pty",
	"vma", "vmafork", "pagetable", "memory", "shared", "memfd", "dentry", "inode", "directory", "symlink", "mount",
	"argv", "signal", "timer", "lock", "proctext",
}

// often are those that are set off more often than the others: they have ended machines.
var often = map[string]int{"pipe": 20, "poll": 20, "argv": 20, "proctext": 20}

const (
	// lost is how much memory, in KiB, may be missing in the end, if there are bombs of one kind. Kinds that
	// take turns leave the heap in pieces that do not fit: twice as much.
	lost = 1024
	// pace is how long, in milliseconds, the other user may have to wait for what he runs every second.
	pace = 2000
	user = 1000
)

// A row is what came of the bombs of one kind, of one user, in machines of one size.
type row struct {
	kind, mem string
	uid       int
	runs      int
	machines  int // lost
	innocents int // killed
	kept      int // runs after which memory was missing, or charged
	slow      int // runs after which the other user had to wait
}

const heading = "kind       machine  uid   runs  machines lost  innocents killed  memory kept  other user waits"

func (r *row) String() string {
	return fmt.Sprintf("%-10s %-7s %5d  %4d  %13d  %16d  %11d  %16d",
		r.kind, r.mem, r.uid, r.runs, r.machines, r.innocents, r.kept, r.slow)
}

func (r *row) failed() bool { return r.machines+r.innocents+r.kept+r.slow > 0 }

// A field is where bombs are set off.
type field struct {
	t       *testing.T
	program []byte
	mem     string
	uid     int
	seconds int
	lost    int // as the constant
}

// setOff sets off bombs of the given kinds, as often as they are named, and returns a row for each kind. A
// machine that is lost is replaced.
func (f *field) setOff(kinds []string) (rows []*row) {
	of := map[string]*row{}
	for _, k := range kinds {
		if of[k] == nil {
			of[k] = &row{kind: k, mem: f.mem, uid: f.uid}
			rows = append(rows, of[k])
		}
	}
	for len(kinds) > 0 {
		out, diagnosis, alive := f.boot(kinds)
		for line := range strings.Lines(out) {
			var kind string
			var killed, innocents, kept, charged, gap int
			n, _ := fmt.Sscanf(line, "%s killed %d innocent %d missing %d charged %d gap %d",
				&kind, &killed, &innocents, &kept, &charged, &gap)
			r := of[kind]
			if n < 6 || r == nil {
				continue
			}
			kinds = kinds[1:]
			r.runs++
			if innocents > 0 {
				r.innocents += innocents
			}
			if kept > f.lost || charged != 0 {
				r.kept++
			}
			if gap > pace {
				r.slow++
			}
			if r.failed() {
				f.t.Logf("%s, uid %d: %s", f.mem, f.uid, line)
			}
		}
		if alive {
			break
		}
		if len(kinds) == 0 {
			f.t.Errorf("%s, uid %d: the machine is lost after all: %s", f.mem, f.uid, diagnosis)
			break
		}
		f.t.Logf("%s, uid %d, %s: the machine is lost: %s", f.mem, f.uid, kinds[0], diagnosis)
		of[kinds[0]].runs++
		of[kinds[0]].machines++
		kinds = kinds[1:]
	}
	return rows
}

// boot sets off the bombs in one machine, and tells whether it has come through.
func (f *field) boot(kinds []string) (out, diagnosis string, alive bool) {
	r := (&driver.Machine{
		Program: f.program,
		Script:  fmt.Sprintf("exec %s %d %d %s", driver.Path, f.seconds, f.uid, strings.Join(kinds, " ")),
		Flags:   []string{"--mem", f.mem},
		Limit:   time.Minute + time.Duration(len(kinds))*time.Duration(f.seconds+60)*time.Second,
	}).Run(f.t)
	if r.Err == nil && strings.HasSuffix(r.Stdout, "alive\n") && !strings.Contains(r.Stderr, "panic") {
		return r.Stdout, "", true
	}
	return r.Stdout, r.String(), false
}

// report prints the table, and fails t if it is not all zeros.
func report(t *testing.T, rows []*row) {
	table := heading + "\n"
	for _, r := range rows {
		table += r.String() + "\n"
		if r.failed() {
			t.Fail()
		}
	}
	t.Logf("\n%s", table)
}

// TestShort sets off, once, those that have ended machines.
func TestShort(t *testing.T) {
	f := field{t: t, program: driver.Compile(t), mem: "64M", uid: user, seconds: 1, lost: 2 * lost}
	report(t, f.setOff([]string{"proctext", "argv", "poll", "pipe", "fork"}))
}

// TestAll makes the table of all bombs: KEVLAR_RUNS is how often each is set off at least.
func TestAll(t *testing.T) {
	runs, err := strconv.Atoi(os.Getenv("KEVLAR_RUNS"))
	if err != nil {
		t.Skip("takes long; run: kevlar test bombs --runs N")
	}
	program := driver.Compile(t)
	var rows []*row
	for _, mem := range []string{"64M", "128M"} {
		for _, uid := range []int{0, user} {
			t.Run(fmt.Sprintf("%s-%d", mem, uid), func(t *testing.T) {
				f := field{t: t, program: program, mem: mem, uid: uid, seconds: 3, lost: lost}
				for _, kind := range all {
					t.Run(kind, func(t *testing.T) {
						n := runs
						if runs > 1 {
							n = max(runs, often[kind])
						}
						f.t = t
						rows = append(rows, f.setOff(repeat(kind, n))...)
					})
				}
			})
		}
	}
	report(t, rows)
}

func repeat(kind string, n int) (list []string) {
	for range n {
		list = append(list, kind)
	}
	return list
}
