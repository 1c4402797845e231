package bench

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
)

// A row is one figure of the table.
type row struct {
	title string
	name  string  // of the count; "" for the boot
	cpus  int     // of the machine, for an idle interrupt; 0 for the other counts
	user  float64 // instructions of user mode in the count, which are not the kernel's
	limit float64 // that Kevlar must keep; 0 is none
}

var rows = []row{
	{title: "kernel entry to /init", limit: 3_000_000},
	{title: "getpid, in the kernel", name: "getpid", user: 4, limit: 160},
	{title: "read 1 byte of /dev/zero", name: "read-zero"},
	{title: "write 1 byte to /dev/null", name: "write-null"},
	{title: "open and close /dev/null", name: "open-close"},
	{title: "1 byte through a pipe", name: "pipe-self"},
	{title: "pipe round trip, 2 processes", name: "pipe-other"},
	{title: "page fault, 4 KiB anonymous", name: "page-fault"},
	{title: "fork, exit, wait", name: "fork-exit"},
	{title: "fork, exec busybox true, wait", name: "fork-exec"},
	{title: "idle interrupt, 1 CPU", cpus: 1, limit: 100_000},
	{title: "idle interrupt, 2 CPUs", cpus: 2, limit: 100_000},
}

// titleWidth is that of the widest title: the titles stand at the left.
const titleWidth = 29

// Column is what was counted of one kernel.
type Column struct {
	Title      string
	Linux      bool
	Boot       Counts
	Operations Counts
	// Interrupts are the counts of IdleInterrupt by the number of CPUs. Linux does not tell.
	Interrupts map[int]float64
}

// Print writes the counts of one or more kernels as a table, and reports whether Kevlar keeps its
// limits. The last columns compare the first kernel with each of the others.
func Print(w io.Writer, columns []Column) (kept bool) {
	kept = true
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-*s\t", titleWidth, "instructions")
	for _, c := range columns {
		fmt.Fprintf(t, "%s\t", c.Title)
	}
	for _, c := range columns[1:] {
		fmt.Fprintf(t, "/ %s\t", c.Title)
	}
	fmt.Fprint(t, "limit\t\n")
	for _, r := range rows {
		fmt.Fprintf(t, "%-*s\t", titleWidth, r.title)
		counts := make([]float64, len(columns))
		for i := range columns {
			counts[i] = r.of(columns, i)
			fmt.Fprintf(t, "%s\t", grouped(counts[i]))
		}
		for _, other := range counts[1:] {
			fmt.Fprintf(t, "%s\t", ratio(counts[0], other))
		}
		verdict := ""
		if r.limit > 0 && !columns[0].Linux {
			verdict = grouped(r.limit)
			if !(counts[0] <= r.limit) {
				verdict += " exceeded"
				kept = false
			}
		}
		fmt.Fprintf(t, "%s\t\n", verdict)
	}
	t.Flush()
	return kept
}

// of returns the row's count for a column; NaN if it is not known.
func (r row) of(columns []Column, i int) float64 {
	if r.cpus > 0 {
		if n, ok := columns[i].Interrupts[r.cpus]; ok {
			return n
		}
		return math.NaN()
	}
	if r.name == "" {
		return bootCount(columns, i)
	}
	if n, ok := columns[i].Operations[r.name]; ok {
		return n - r.user
	}
	return math.NaN()
}

// bootCount returns the instructions from the kernel's entry to the first one of /init. Kevlar's
// clock tells when it was entered. Linux's begins later, so its count is taken from the moment at
// which the firmware of the same machine entered Kevlar.
func bootCount(columns []Column, i int) float64 {
	for _, c := range columns {
		if !c.Linux {
			return columns[i].Boot[began] - c.Boot[clockBegan]
		}
	}
	return math.NaN()
}

// grouped writes a number with a comma before every three digits.
func grouped(n float64) string {
	if math.IsNaN(n) {
		return "-"
	}
	s := strconv.FormatFloat(math.Abs(math.Round(n)), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if math.Round(n) < 0 {
		s = "-" + s
	}
	return s
}

func ratio(a, b float64) string {
	if math.IsNaN(a) || math.IsNaN(b) || b == 0 {
		return "-"
	}
	return strconv.FormatFloat(a/b, 'g', 2, 64)
}
