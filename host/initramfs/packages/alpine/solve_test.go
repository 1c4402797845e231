package alpine

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// recordOf turns "name version field field..." into a record of an index. A comma in a field stands
// for a space.
func recordOf(line string) string {
	f := strings.Fields(line)
	record := fmt.Sprintf("C:Q1%s\nP:%s\nV:%s\nA:x86_64\nS:100\n", base64.StdEncoding.EncodeToString(make([]byte, 20)), f[0], f[1])
	for _, field := range f[2:] {
		record += strings.ReplaceAll(field, ",", " ") + "\n"
	}
	return record
}

func listsOf(t testing.TB, index string) *lists {
	t.Helper()
	var records []string
	for line := range strings.Lines(index) {
		if strings.TrimSpace(line) != "" {
			records = append(records, recordOf(line))
		}
	}
	all, err := parseIndex(strings.Join(records, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range all {
		p.repository = i
	}
	return newLists("", all)
}

func solve(t testing.TB, index, roots string) (string, error) {
	t.Helper()
	wanted, err := parseRoots(strings.Fields(roots))
	if err != nil {
		return "", err
	}
	chosen, err := listsOf(t, index).resolve(wanted)
	var names []string
	for _, p := range chosen {
		names = append(names, p.String())
	}
	return strings.Join(names, " "), err
}

func TestResolve(t *testing.T) {
	tests := []struct{ name, index, roots, want string }{
		{"nothing", "a 1", "", ""},
		{"one", "a 1", "a", "a-1"},
		{"once", "a 1 D:c\nb 1 D:c\nc 1", "a b a", "c-1 a-1 b-1"},
		{"a chain", "a 1 D:b\nb 1 D:c>=1\nc 1", "a", "c-1 b-1 a-1"},
		{"a circle", "a 1 D:b\nb 1 D:c\nc 1 D:a", "a", "c-1 b-1 a-1"},
		{"itself", "a 1 D:a", "a", "a-1"},
		{"so", "a 1 D:so:x.so.1\nx 2 p:so:x.so.1=1.0", "a", "x-2 a-1"},
		{"cmd and pc", "a 1 p:cmd:a=1,pc:a=3\nb 1", "cmd:a pc:a>=2", "a-1"},
		{"a path", "a 1 p:/bin/sh", "/bin/sh", "a-1"},
		{"the highest version", "a 1\na 2\na 1.5", "a", "a-2"},
		{"an older version", "a 1\na 2", "a<2", "a-1"},
		{"fuzzy", "a 1.2.9\na 1.20\na 1.3", "a~1.2", "a-1.2.9"},
		{"the first repository", "a 1 T:first\na 1", "a", "a-1"},
		{"the first repository rather than the first name", "z 1 p:x k:1\na 1 p:x k:1", "x", "z-1"},

		{"the highest provided version", "a 5 p:x=1\nb 1 p:x=2", "x", "b-1"},
		{"a provided version counts", "a 5 p:x=1\nb 1 p:x=2", "x<2", "a-5"},
		{"its own name is a version too", "x 1\nb 1 p:x=2", "x", "b-1"},
		{"the highest priority", "a 1 p:x k:10\nb 1 p:x k:100\nc 1 p:x", "x", "b-1"},
		{"a version before priority", "a 1 p:x k:10\nb 1 p:x=1", "x", "b-1"},
		{"the only one", "a 1 p:x", "x", "a-1"},
		{"two versions of the only one", "a 1 p:x\na 2 p:x", "x", "a-2"},
		{"chosen by another name", "a 1 p:x\nb 1 p:x\nc 1 D:x", "c b", "b-1 c-1"},
		{"chosen later by another name", "a 1 p:x\nb 1 p:x\nc 1 D:x,d\nd 1 D:a", "c", "a-1 d-1 c-1"},
		{"left over by a conflict", "a 1 p:x\nb 1 p:x\nc 1 D:x", "c !a", "b-1 c-1"},
		{"left over by a conflict that comes later", "a 1 p:x\nb 1 p:x\nc 1 D:!a", "x c", "b-1 c-1"},
		{"left over by a choice", "a 1 p:x\nb 1 p:x\nc 1\nc 2 D:!a", "x c", "b-1 c-2"},
		{"two may offer a name without a version", "a 1 p:x\nb 1 p:x", "a b", "a-1 b-1"},
		{"install_if is not heeded", "a 1\nb 1 i:a", "a", "a-1"},

		{"a conflict with what is not there", "a 1 D:!b\nb 1", "a", "a-1"},
		{"a conflict with another version", "a 1 D:!b<2\nb 2", "a b", "a-1 b-2"},
		{"a conflict chooses another version", "a 1 D:!b>1\nb 1\nb 2", "a b", "a-1 b-1"},
		{"a conflict that comes later", "a 1 D:!b>1\nb 1\nb 2", "b a", "b-1 a-1"},
		{"a conflict with itself", "a 1 p:x D:!x", "a", "a-1"},
		{"without what is excluded", "a 1\na 2 D:c\nc 2", "a !c", "a-1"},
		{"an earlier version after all", "a 1\na 2 D:c=1\nc 2", "a", "a-1"},
		{"back over several", "a 3 D:b>2\na 2 D:b>1\na 1 D:b\nb 1", "a", "b-1 a-1"},
		{"a limit met later", "x 1\nx 2\na 1 D:x\nb 1 D:x<2", "a b", "x-1 a-1 b-1"},

		{"replaced files come first", "a 1 r:b\nb 1 D:a", "a b", "b-1 a-1"},
		{"replacing each other", "a 1 r:b\nb 1 r:a", "a b", "b-1 a-1"},
		{"replacing another version", "a 1 r:b<1\nb 1", "a b", "a-1 b-1"},

		{"another architecture", "a 2 A:aarch64\na 1", "a", "a-1"},
		{"for all architectures", "a 1 A:noarch", "a", "a-1"},
		{"a capital that must be understood", "a 2 X:y\na 1", "a", "a-1"},
		{"a field that need not be", "a 2 x:y\na 1", "a", "a-2"},
		{"strange dependencies harm no other", "a 2 D:b@c\na 1", "a", "a-1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := solve(t, tt.index, tt.roots)
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestUnresolvable(t *testing.T) {
	tests := []struct{ name, index, roots, want string }{
		{"unknown", "a 1", "b", "the manifest needs b, which no package provides"},
		{"a missing dependency", "a 1 D:b\nb 1 D:so:c.so.1", "a", "b-1 needs so:c.so.1, which no package provides"},
		{"a version that is not there", "a 1 D:b>=2\nb 1", "a", "a-1 needs b>=2; there is only b-1"},
		{"a name without a version", "a 1 D:x>=2\nb 1 p:x", "a", "a-1 needs x>=2; there is only b-1"},
		{"two versions", "a 1 D:c=1\nb 1 D:c=2\nc 1\nc 2", "a b", "b-1 needs c=2: c-2 and c-1 exclude each other"},
		{"a conflict", "a 1 D:!b\nb 1", "a b", "the manifest needs b: a-1 excludes b-1 with !b"},
		{"a conflict of the later one", "a 1\nb 1 D:!a", "a b", "the manifest needs b: b-1 excludes a-1 with !a"},
		{"a conflict of the manifest", "a 1 D:b\nb 1", "a !b", "a-1 needs b: the manifest excludes b-1 with !b"},
		{"a conflict by what is provided", "a 1 D:!x<2\nb 1 p:x=1", "a b", "a-1 excludes b-1 with !x<2"},
		{"two that provide a version", "a 1 p:x=1\nb 1 p:x=1", "a b", "b-1 and a-1 exclude each other: both provide x"},
		{"nothing to choose by", "a 1 p:x\nb 1 p:x", "x", "the manifest needs x, which several packages provide; name one of them: a-1, b-1"},
		{"too many to list", "a 1 p:x\nb 1 p:x\nc 1 p:x\nd 1 p:x\ne 1 p:x\nf 1 p:x", "x", "e-1, ..."},
		{"broken", "a 1 X:y", "a", "a-1 cannot be had: field X of its index record: its meaning is not known"},
		{"another architecture", "a 1 A:aarch64", "a", `it is for the architecture "aarch64"`},
		{"too large", "a 1 S:99999999999", "a", "a-1 cannot be had: its file has more than 1073741824 bytes"},
		{"no architecture", "a 1 A:", "a", `it is for the architecture ""`},
		{"not a dependency", "a 1", "a@edge", "a@edge: repositories cannot be named with @"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := solve(t, tt.index, tt.roots)
			wantError(t, err, tt.want)
		})
	}
}

// TestTangle has a dependency that cannot be met beneath more choices than can be tried.
func TestTangle(t *testing.T) {
	var index strings.Builder
	var roots []string
	for i := range 30 {
		fmt.Fprintf(&index, "a%d 1\na%d 2\n", i, i)
		roots = append(roots, fmt.Sprintf("a%d", i))
	}
	index.WriteString("z 1 D:missing\n")
	_, err := solve(t, index.String(), strings.Join(roots, " ")+" z")
	wantError(t, err, "z-1 needs missing, which no package provides")
}

// TestResolveAll checks what must hold for every solution, on an index with a lot of circles.
func TestResolveAll(t *testing.T) {
	const count = 200
	var index strings.Builder
	for i := range count {
		fmt.Fprintf(&index, "p%d 1.%d p:so:l%d=1,/virtual k:%d D:so:l%d,p%d>=1,!p%d>9\n", i, i, i, i, (i+1)%count, (i*31+5)%count, (i+1)%count)
	}
	l := listsOf(t, index.String())
	roots, _ := parseRoots([]string{"p0", "/virtual"})
	chosen, err := l.resolve(roots)
	if err != nil {
		t.Fatal(err)
	}
	if len(chosen) != count {
		t.Errorf("%d packages", len(chosen))
	}
	for i, p := range chosen {
		if slices.Contains(chosen[:i], p) {
			t.Errorf("%s is there twice", p)
		}
		for _, d := range slices.Concat(p.depends, p.excludes) {
			met := slices.ContainsFunc(chosen, func(q *pkg) bool { return q != p && q.meets(d) })
			if met == d.conflict {
				t.Errorf("%s of %s is not met", d, p)
			}
		}
	}
}
