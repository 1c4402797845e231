package alpine

import (
	"fmt"
	"strings"
)

// Operators of a dependency on a version. Several may hold: "<=" is less or equal.
type operator uint8

const (
	less operator = 1 << iota
	equal
	greater
	fuzzy // equal up to where the version in the dependency ends
)

// A dependency is what a package wants of others: a name, which may be that of a package or one that
// packages provide, and perhaps a version; or that no such package is there.
type dependency struct {
	name     string
	op       operator // 0 if any version will do
	version  string
	conflict bool // written with a "!" before the name: it must not be there
}

// parseDependency reads one word of a list of dependencies, such as "so:libz.so.1", "zlib>=1.3",
// "busybox~1.36" or "!bash<5".
func parseDependency(word string) (dependency, error) {
	var d dependency
	rest, conflict := strings.CutPrefix(word, "!")
	d.conflict = conflict
	n := strings.IndexAny(rest, "<>=~")
	if n < 0 {
		n = len(rest)
	}
	d.name = rest[:n]
	rest = rest[n:]
	for rest != "" && strings.IndexByte("<>=~", rest[0]) >= 0 {
		d.op |= map[byte]operator{'<': less, '>': greater, '=': equal, '~': equal | fuzzy}[rest[0]]
		rest = rest[1:]
	}
	d.version = rest
	switch {
	case d.name == "" || strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return d, fmt.Errorf("%q is not a dependency", word)
	case strings.Contains(d.name, "@"):
		return d, fmt.Errorf("%s: repositories cannot be named with @", word)
	case d.op&(less|greater) == less|greater:
		return d, fmt.Errorf("%s: dependencies on a checksum are not supported", word)
	case d.op != 0 && !validVersion(d.version):
		return d, fmt.Errorf("%s: %q is not a version", word, d.version)
	}
	return d, nil
}

func (d dependency) String() string {
	var b strings.Builder
	if d.conflict {
		b.WriteByte('!')
	}
	b.WriteString(d.name)
	for _, o := range []struct {
		op   operator
		text string
	}{{less, "<"}, {greater, ">"}, {fuzzy, "~"}, {equal, "="}} {
		if d.op&o.op != 0 && (o.op != equal || d.op&fuzzy == 0) {
			b.WriteString(o.text)
		}
	}
	return b.String() + d.version
}

// admits says whether a version is one that the dependency speaks of. A name that is provided without
// a version, which is the empty one, is good for dependencies on any version only.
func (d dependency) admits(version string) bool {
	if d.op == 0 || version == "" {
		return d.op == 0
	}
	switch c := compareVersions(version, d.version, d.op&fuzzy != 0); {
	case c < 0:
		return d.op&less != 0
	case c > 0:
		return d.op&greater != 0
	}
	return d.op&equal != 0
}

// splitDependencies separates what must be there from what must not.
func splitDependencies(list []dependency) (depends, excludes []dependency) {
	for _, d := range list {
		if d.conflict {
			excludes = append(excludes, d)
		} else {
			depends = append(depends, d)
		}
	}
	return depends, excludes
}

// A provision is a name under which a package can be had: its own, or one that it provides, such as
// "so:libz.so.1", "cmd:awk" or "/bin/sh".
type provision struct {
	name    string
	version string // empty if the name is provided without one
}

// parseProvision reads one word of the list of what a package provides.
func parseProvision(word string) (provision, error) {
	name, version, versioned := strings.Cut(word, "=")
	if name == "" || versioned && version == "" {
		return provision{}, fmt.Errorf("%q is not the name of something provided", word)
	}
	return provision{name, version}, nil
}
