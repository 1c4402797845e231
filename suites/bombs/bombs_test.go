package bombs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kevlar/host/hostpkg"
	"kevlar/host/progress"
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

// compile builds the bomber of the folder guest and returns its bytes.
func compile(t *testing.T) []byte {
	t.Helper()
	if err := hostpkg.Ensure(context.Background(), progress.New(os.Stderr, false), hostpkg.Musl); err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("guest/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	program := filepath.Join(t.TempDir(), "bombs")
	args := append([]string{"-static", "-O2", "-pthread", "-Wall", "-Wextra", "-Werror", "-o", program}, sources...)
	if out, err := exec.Command("musl-gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

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
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		f.t.Skip("needs a machine; run: kevlar test bombs")
	}
	log := filepath.Join(f.t.TempDir(), "log")
	limit := time.Minute + time.Duration(len(kinds))*time.Duration(f.seconds+60)*time.Second
	args := append([]string{"run", "--timeout", limit.String()}, strings.Fields(os.Getenv("KEVLAR_FLAGS"))...)
	args = append(args, "--mem", f.mem)
	linux := strings.Contains(os.Getenv("KEVLAR_FLAGS"), "--kernel linux")
	if !linux {
		args = append(args, "--log", log)
	}
	script := fmt.Sprintf("cat >/tmp/bombs.bin && chmod 755 /tmp/bombs.bin && exec /tmp/bombs.bin %d %d %s",
		f.seconds, f.uid, strings.Join(kinds, " "))
	cmd := exec.Command(kevlar, append(args, "--", "sh", "-c", script)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(f.program), &stdout, &stderr
	err := cmd.Run()
	out = stdout.String()
	if err == nil && strings.HasSuffix(out, "alive\n") && !strings.Contains(stderr.String(), "panic") {
		return out, "", true
	}
	text, _ := os.ReadFile(log)
	return out, fmt.Sprintf("%v\n%s%s", err, &stderr, text[max(0, len(text)-3000):]), false
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
	f := field{t: t, program: compile(t), mem: "64M", uid: user, seconds: 1, lost: 2 * lost}
	report(t, f.setOff([]string{"proctext", "argv", "poll", "pipe", "fork"}))
}

// TestAll makes the table of all bombs: KEVLAR_RUNS is how often each is set off at least.
func TestAll(t *testing.T) {
	runs, err := strconv.Atoi(os.Getenv("KEVLAR_RUNS"))
	if err != nil {
		t.Skip("takes long; run: kevlar test bombs --runs N")
	}
	program := compile(t)
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
