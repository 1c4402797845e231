package alpine

import (
	"cmp"
	"slices"
	"strings"
)

// Versions are made of parts, as apk-package(5) has it:
//
//	number{.number}...{letter}{_suffix{number}}...{~commit}{-rREVISION}
//
// They are compared part by part. Where one version goes on and the other has a part of another kind,
// or ends, the kinds decide.

// partKind is the kind of a part. Kinds come in the order in which parts may follow each other, and a
// version whose next part is of an earlier kind is the greater one: 1.0.1 > 1.0a > 1.0_p1 > 1.0-r1 > 1.0.
type partKind int

const (
	firstNumber partKind = iota
	nextNumber           // with a dot before it
	letter
	suffix
	suffixNumber
	commit
	revision
	versionEnd
	versionInvalid // what no version may go on with; everything from here on is left out of account
)

// The suffixes in the order of the versions that have them. Those in beforeRelease make a version less
// than the one without a suffix, the others make it greater.
var (
	beforeRelease = []string{"alpha", "beta", "pre", "rc"}
	afterRelease  = []string{"cvs", "svn", "git", "hg", "p"}
)

// part is one part of a version, without the dot, underline, tilde or "-r" before it.
type part struct {
	kind partKind
	text string
}

// suffixOrder is where a suffix stands among all: below zero if it is of a version before a release.
func suffixOrder(name string) (order int, ok bool) {
	if i := slices.Index(beforeRelease, name); i >= 0 {
		return i - len(beforeRelease), true
	}
	i := slices.Index(afterRelease, name)
	return i, i >= 0
}

// early says whether the part is the suffix of a version before a release.
func (p part) early() bool {
	order, _ := suffixOrder(p.text)
	return p.kind == suffix && order < 0
}

// compare compares parts of the same kind.
func (p part) compare(q part) int {
	switch p.kind {
	case nextNumber:
		if p.text[0] == '0' || q.text[0] == '0' {
			return strings.Compare(p.text, q.text) // the digits of a fraction: 1.01 < 1.1
		}
		return compareNumbers(p.text, q.text)
	case firstNumber, suffixNumber, revision:
		return compareNumbers(p.text, q.text)
	case suffix:
		a, _ := suffixOrder(p.text)
		b, _ := suffixOrder(q.text)
		return cmp.Compare(a, b)
	}
	return strings.Compare(p.text, q.text)
}

// compareNumbers compares decimal numbers of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// cutPart cuts the next part off what is left of a version. Last is the kind of the part before; at
// the start of a version it is -1.
func cutPart(last partKind, s string) (part, string) {
	switch {
	case last == versionInvalid:
	case last < 0:
		return cutRun(firstNumber, s, isDigit)
	case s == "":
		return part{kind: versionEnd}, ""
	case s[0] == '.' && last <= nextNumber:
		return cutRun(nextNumber, s[1:], isDigit)
	case isLower(s[0]) && last <= nextNumber:
		return part{letter, s[:1]}, s[1:]
	case s[0] == '_' && last <= suffixNumber:
		p, rest := cutRun(suffix, s[1:], isLower)
		if _, ok := suffixOrder(p.text); ok {
			return p, rest
		}
	case isDigit(s[0]) && last == suffix:
		return cutRun(suffixNumber, s, isDigit)
	case s[0] == '~' && last < commit:
		return cutRun(commit, s[1:], isHex)
	case strings.HasPrefix(s, "-r") && last < revision:
		return cutRun(revision, s[2:], isDigit)
	}
	return part{kind: versionInvalid}, ""
}

// cutRun cuts a part made of at least one character of a class.
func cutRun(kind partKind, s string, class func(byte) bool) (part, string) {
	n := 0
	for n < len(s) && class(s[n]) {
		n++
	}
	if n == 0 {
		return part{kind: versionInvalid}, ""
	}
	return part{kind, s[:n]}, s[n:]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c && c <= 'f' }

// validVersion says whether a version has the form that apk knows.
func validVersion(v string) bool {
	last := partKind(-1)
	for last < versionEnd {
		var p part
		p, v = cutPart(last, v)
		last = p.kind
	}
	return last == versionEnd
}

// compareVersions returns -1, 0 or 1 as a is less than, equal to or greater than b. If it is fuzzy, a
// version that begins with all the parts of b is equal to it: 1.2.3-r4 to 1.2, but 1.20 is not.
func compareVersions(a, b string, fuzzy bool) int {
	p, q := part{kind: -1}, part{kind: -1}
	for {
		p, a = cutPart(p.kind, a)
		q, b = cutPart(q.kind, b)
		if p.kind != q.kind || p.kind >= versionEnd {
			break
		}
		if c := p.compare(q); c != 0 {
			return c
		}
	}
	switch {
	case p.kind == q.kind, fuzzy && q.kind == versionEnd:
		return 0
	case p.early():
		return -1
	case q.early():
		return 1
	}
	return cmp.Compare(q.kind, p.kind)
}
