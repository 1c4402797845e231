package bench

import (
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A Column is what was counted of one kernel.
type Column struct {
	Title      string
	Linux      bool
	Boot       Counts
	Operations []Count
	// Interrupts are the counts of IdleInterrupt by the number of CPUs. Linux does not tell.
	Interrupts map[int]float64
}

// BootName is the row of the boot.
const BootName = "system/kernel_to_init"

// InterruptName is the row of an interrupt in a machine with so many CPUs.
func InterruptName(cpus int) string { return fmt.Sprintf("system/idle_interrupt_%dcpu", cpus) }

// Chosen reports whether the row's name, with or without its group, matches pattern.
func Chosen(pattern, name string) bool {
	_, base, _ := strings.Cut(name, "/")
	whole, _ := path.Match(strings.ReplaceAll(pattern, "/", ":"), strings.ReplaceAll(name, "/", ":"))
	alone, _ := path.Match(pattern, base)
	return whole || alone
}

// limits are what Kevlar must keep, in instructions.
var limits = map[string]float64{
	BootName:         3_000_000,
	InterruptName(1): 100_000,
	InterruptName(2): 100_000,
	"calls/getpid":   164,
}

// growth is how much a row may have grown since the counts that it is compared with.
const growth = 1.03

// A Report is a table of counts: a row for each operation, a column for each kernel.
type Report struct {
	Kernels []Kernel `json:"kernels"`
}

// A Kernel is a column of a Report.
type Kernel struct {
	Name   string  `json:"name"`
	Linux  bool    `json:"linux,omitempty"`
	Counts []Count `json:"counts"`
}

// NewReport makes the report of some columns.
func NewReport(columns []Column) *Report {
	r := &Report{}
	for i, c := range columns {
		k := Kernel{Name: c.Title, Linux: c.Linux}
		add := func(name string, n float64) {
			if !math.IsNaN(n) {
				k.Counts = append(k.Counts, Count{name, n, n})
			}
		}
		add(BootName, bootCount(columns, i))
		for cpus := 1; cpus <= 2; cpus++ {
			if n, ok := c.Interrupts[cpus]; ok {
				add(InterruptName(cpus), n)
			}
		}
		k.Counts = append(k.Counts, c.Operations...)
		r.Kernels = append(r.Kernels, k)
	}
	return r
}

// bootCount returns the instructions from the kernel's entry to the first one of /init; NaN if it is not known.
// Kevlar's clock tells when it was entered. Linux's begins later, so its count is taken from the moment at
// which the firmware of the same machine entered Kevlar.
func bootCount(columns []Column, i int) float64 {
	for _, c := range columns {
		if began, ok := columns[i].Boot[began]; ok && !c.Linux && c.Boot != nil {
			return began - c.Boot[clockBegan]
		}
	}
	return math.NaN()
}

// find returns the kernel's count of a name.
func (k *Kernel) find(name string) (Count, bool) {
	i := slices.IndexFunc(k.Counts, func(c Count) bool { return c.Name == name })
	if i < 0 {
		return Count{Mean: math.NaN(), Least: math.NaN()}, false
	}
	return k.Counts[i], true
}

// cheapest returns the least mean that a Linux among the kernels has; NaN if there is none.
func (r *Report) cheapest(name string) float64 {
	least := math.NaN()
	for i := range r.Kernels {
		k := &r.Kernels[i]
		if c, ok := k.find(name); ok && k.Linux && !(c.Mean >= least) {
			least = c.Mean
		}
	}
	return least
}

// Print writes the report as a table with the rows of the first kernel, and reports whether Kevlar keeps its
// limits. Where that is compared with Linux the ratio is to the cheapest one of the row, and each group ends
// with the geometric mean of its ratios. before, if it is not nil, is an earlier report: no row of the first
// kernel may be more than 3 % dearer than there.
func (r *Report) Print(w io.Writer, before *Report) (kept bool) {
	kept = true
	first := &r.Kernels[0]
	linux := slices.ContainsFunc(r.Kernels[1:], func(k Kernel) bool { return k.Linux })
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-*s\tleast\t", r.width(), "instructions")
	for _, k := range r.Kernels {
		fmt.Fprintf(t, "%s\t", k.Name)
	}
	if linux {
		fmt.Fprint(t, "/ cheapest\t")
	}
	if before != nil {
		fmt.Fprint(t, "/ before\t")
	}
	fmt.Fprint(t, "limit\t\n")
	var group group
	for _, c := range first.Counts {
		if linux {
			group.add(t, r, c.Name, c.Mean/r.cheapest(c.Name))
		}
		fmt.Fprintf(t, "%-*s\t%s\t", r.width(), c.Name, grouped(c.Least))
		for i := range r.Kernels {
			other, _ := r.Kernels[i].find(c.Name)
			fmt.Fprintf(t, "%s\t", grouped(other.Mean))
		}
		if linux {
			fmt.Fprintf(t, "%s\t", ratio(c.Mean, r.cheapest(c.Name)))
		}
		verdict := ""
		if before != nil {
			old, _ := before.kernel(first.Name).find(c.Name)
			fmt.Fprintf(t, "%s\t", ratio(c.Mean, old.Mean))
			if c.Mean > old.Mean*growth {
				verdict, kept = "grown", false
			}
		}
		if limit := limits[c.Name]; limit > 0 && !first.Linux {
			verdict = strings.TrimSpace(grouped(limit) + " " + verdict)
			if !(c.Mean <= limit) {
				verdict, kept = verdict+" exceeded", false
			}
		}
		fmt.Fprintf(t, "%s\t\n", verdict)
	}
	if linux {
		group.end(t, r)
	}
	t.Flush()
	return kept
}

// Missing returns the rows that have a limit and are not in the report, though they ought to be.
func (r *Report) Missing() (names []string) {
	for name := range limits {
		if _, ok := r.Kernels[0].find(name); !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// kernel returns the kernel with a name, or an empty one.
func (r *Report) kernel(name string) *Kernel {
	for i := range r.Kernels {
		if r.Kernels[i].Name == name {
			return &r.Kernels[i]
		}
	}
	return &Kernel{}
}

// width is that of the widest name: the names stand at the left.
func (r *Report) width() int {
	n := len("geometric mean of processes")
	for _, c := range r.Kernels[0].Counts {
		n = max(n, len(c.Name))
	}
	return n
}

// A group is the rows whose names begin alike.
type group struct {
	name  string
	sum   float64 // of the logarithms of their ratios
	count int
}

// add counts a row, after it has ended the group before, if this row is not in it.
func (g *group) add(w io.Writer, r *Report, name string, ratio float64) {
	if prefix, _, _ := strings.Cut(name, "/"); prefix != g.name {
		g.end(w, r)
		*g = group{name: prefix}
	}
	if !math.IsNaN(ratio) && ratio > 0 && name != loopName {
		g.sum += math.Log(ratio)
		g.count++
	}
}

// end prints the geometric mean of the group.
func (g *group) end(w io.Writer, r *Report) {
	if g.count > 1 {
		fmt.Fprintf(w, "%-*s\t%s%.2f\t\n", r.width(), "geometric mean of "+g.name,
			strings.Repeat("\t", len(r.Kernels)+1), math.Exp(g.sum/float64(g.count)))
	}
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
	if a < b/100 {
		return strconv.FormatFloat(a/b, 'g', 2, 64)
	}
	return strconv.FormatFloat(a/b, 'f', 2, 64)
}
