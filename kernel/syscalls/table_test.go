package syscalls

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"kevlar/kernel/abi"
)

// numbers returns the SYS_ constants of package abi.
func numbers(t *testing.T) map[int]string {
	file, err := parser.ParseFile(token.NewFileSet(), "../abi/sysnum.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[int]string)
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		nr, err := strconv.Atoi(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if m[nr] != "" {
			t.Errorf("%s and %s are both %d", m[nr], v.Names[0].Name, nr)
		}
		m[nr] = v.Names[0].Name
		return true
	})
	return m
}

func TestTableMatchesNumbers(t *testing.T) {
	known := numbers(t)
	if len(known) < 360 {
		t.Fatalf("only %d numbers", len(known))
	}
	names := make(map[string]int)
	for nr, c := range Table {
		if want := strings.ToLower(strings.TrimPrefix(known[nr], "SYS_")); c.Name != want {
			t.Errorf("row %d is %q, want %q", nr, c.Name, want)
		}
		if c.Name == "" {
			continue
		}
		if other, dup := names[c.Name]; dup {
			t.Errorf("%s stands at %d and %d", c.Name, other, nr)
		}
		names[c.Name] = nr
		delete(known, nr)
	}
	for nr, name := range known {
		t.Errorf("no row for %s, %d", name, nr)
	}
}

func TestRowsAreConsistent(t *testing.T) {
	for _, c := range Table {
		if (c.Func == nil) != (c.Support == Missing) {
			t.Errorf("%s: support %d, but function: %t", c.Name, c.Support, c.Func != nil)
		}
		if (c.Note != "") != (c.Support == Partial) {
			t.Errorf("%s: support %d with note %q: a partial call needs one, and no other has one", c.Name, c.Support, c.Note)
		}
		args, result := splitKinds(c.Args)
		if len(args) > 6 {
			t.Errorf("%s has %d arguments", c.Name, len(args))
		}
		for i, k := range args {
			_, in := kinds().in[k]
			_, out := kinds().out[k]
			if in == out {
				t.Errorf("%s: argument %d is of kind %q, which is known as in: %t, out: %t", c.Name, i, k, in, out)
			}
			if k == "in" && (i+1 == len(args) || args[i+1] != "size") {
				t.Errorf("%s: no size after buffer %d", c.Name, i)
			}
		}
		if result != "" && result != "ptr" && result != "oct" {
			t.Errorf("%s: result of kind %q", c.Name, result)
		}
	}
}

var update = flag.Bool("update", false, "write docs/COMPATIBILITY.md")

const compatibilityFile = "../../docs/COMPATIBILITY.md"

// TestCompatibility keeps the document as the table is.
func TestCompatibility(t *testing.T) {
	want := compatibility()
	if *update {
		if err := os.WriteFile(compatibilityFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(compatibilityFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not as the table is: run go generate ./kernel/syscalls", compatibilityFile)
	}
}

// compatibility returns the document.
func compatibility() string {
	var full, missing []string
	var partial strings.Builder
	partials := 0
	for nr, c := range Table {
		switch {
		case c.Name == "":
		case c.Support == Full:
			full = append(full, c.Name)
		case c.Support == Missing:
			missing = append(missing, c.Name)
		default:
			partials++
			fmt.Fprintf(&partial, "| %d | %s | %s |\n", nr, c.Name, c.Note)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# System calls

What Kevlar does with the system calls of x86-64 Linux. This page is generated
from the table in kernel/syscalls/table.go: `+"`go generate ./kernel/syscalls`"+`.

Of %d calls %d are supported, %d in part, and %d are missing. A missing call
answers ENOSYS and is named once in the kernel log, with the program that made it first.

## Supported

%s

## Supported in part

| number | call | what is missing or special |
|---:|---|---|
%s
## Missing

%s

## Missing beside calls

Core dumps: a signal that would write one ends the process, WCOREDUMP is never
true, and kernel.core_pattern is empty and read-only.
`, len(full)+partials+len(missing), len(full), partials, len(missing),
		paragraph(full), partial.String(), paragraph(missing))
	return b.String()
}

// paragraph sets names in lines of at most 80 columns.
func paragraph(names []string) string {
	var b strings.Builder
	column := 0
	for i, n := range names {
		if i < len(names)-1 {
			n += ","
		}
		if column > 0 && column+1+len(n) > 80 {
			b.WriteByte('\n')
			column = 0
		} else if column > 0 {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(n)
		column += len(n)
	}
	return b.String()
}

func TestMissingIsNamedOnce(t *testing.T) {
	name := fmt.Sprint("call ", runs.Add(1))
	if !firstMissing(name) || firstMissing(name) {
		t.Error("a missing call is to be named the first time and only then")
	}
	if !firstMissing("no " + name) {
		t.Error("each call counts by itself")
	}
	if got := callName(abi.SYS_MQ_OPEN); got != "mq_open" {
		t.Errorf("name %q", got)
	}
	if got := callName(100000); got != "syscall_100000" {
		t.Errorf("name of a number nobody has given out: %q", got)
	}
}
