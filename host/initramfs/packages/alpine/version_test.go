package alpine

import (
	"strings"
	"testing"
)

func TestCompareVersions(t *testing.T) {
	for _, line := range strings.Split(strings.TrimSpace(`
		1 = 1
		1 < 2
		9 < 10
		1.2 < 1.10
		1.2.3 < 1.2.10
		20240101 > 3.1
		99999999999999999999999999 < 100000000000000000000000000
		007 = 7

		1.0 < 1.0.0
		1 < 1.0
		1.2 < 1.2.1
		2 > 1.9.9

		1.01 < 1.1
		1.09 < 1.1
		1.01 < 1.02
		1.010 > 1.01
		1.0 < 1.00
		1.0.1 < 1.00.1

		1.0 < 1.0a
		1.0a < 1.0b
		1.0z < 1.0.1
		1.0a < 1.1
		1.1.1w > 1.1.1b-r5

		1.0_alpha < 1.0_beta
		1.0_beta < 1.0_pre
		1.0_pre < 1.0_rc
		1.0_rc < 1.0
		1.0 < 1.0_cvs
		1.0_cvs < 1.0_svn
		1.0_svn < 1.0_git
		1.0_git < 1.0_hg
		1.0_hg < 1.0_p
		1.0_p < 1.0.1
		1.0_p1 < 1.0a
		1.0_alpha < 1.0_alpha1
		1.0_alpha2 < 1.0_alpha10
		1.0_rc9 < 1.0-r0
		1.0_rc1_alpha < 1.0_rc1
		1.0_rc1_p1 > 1.0_rc1
		1.0_p1_rc1 < 1.0_p1
		1.0_alpha_p1 < 1.0
		6.4_p20240420-r1 > 6.4_p20240420-r0
		0_git20240101 > 0

		1.0 < 1.0-r0
		1.0-r0 < 1.0-r1
		1.0-r9 < 1.0-r10
		1.0-r5 < 1.0.1-r0
		1.0-r1 < 1.0_p1-r0
		1.0_rc1-r5 < 1.0-r0

		1.0~abc < 1.0~abd
		1.0~abc > 1.0
		1.0~abc < 1.0_p
		1.0~abc > 1.0-r3
		1.0~abc-r1 > 1.0~abc-r0

		1.0 > 1.0-x
		1.0 > 1.0_foo
		1.0_rc1 < 1.0-x
	`), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		f := strings.Fields(line)
		want := map[string]int{"<": -1, "=": 0, ">": 1}[f[1]]
		if got := compareVersions(f[0], f[2], false); got != want {
			t.Errorf("%s: got %d", strings.TrimSpace(line), got)
		}
		if got := compareVersions(f[2], f[0], false); got != -want {
			t.Errorf("%s, the other way round: got %d", strings.TrimSpace(line), got)
		}
	}
}

func TestValidVersion(t *testing.T) {
	for _, v := range []string{"1", "1.2.3", "1.2a", "1.2a_p1", "1_alpha_beta2", "1.36.1-r29", "0.9~0a1b2c", "1.0_git20240101~12ab-r0", "0"} {
		if !validVersion(v) {
			t.Errorf("%s is not taken for a version", v)
		}
	}
	for _, v := range []string{"", "a", ".1", "1.", "1..2", "1.a", "1ab", "1.2A", "1_", "1_foo", "1_p1a", "1-1", "1-r", "1-r1-r2", "1-r1.2", "1-r1_p1", "1~", "1~x", "1 2", "v1", "1a.2", "1+2"} {
		if validVersion(v) {
			t.Errorf("%q is taken for a version", v)
		}
	}
}

func TestDependencies(t *testing.T) {
	tests := []struct {
		word       string
		admits, no string // versions; "" stands for a name that is provided without one
	}{
		{"a", "1 2.0-r1 ", "-"},
		{"a=1.2", "1.2", "1.2-r0 1.2.0 1 "},
		{"a=1.2-r3", "1.2-r3", "1.2-r4 1.2 "},
		{"a<1.2", "1.1 1.2_rc1", "1.2 1.2-r0 "},
		{"a<=1.2", "1.1 1.2", "1.2-r0 1.3 "},
		{"a>1.2", "1.2-r0 1.3", "1.2 1.1 "},
		{"a>=1.2", "1.2 1.2-r0 10", "1.1 1.2_rc1 "},
		{"a~1.2", "1.2 1.2.3 1.2.3-r4 1.2-r0 1.2a", "1.20 1.1 1 1.3 "},
		{"a=~1.2", "1.2 1.2.3", "1.3 "},
		{"a~=1.2", "1.2 1.2.3", "1.3 "},
		{"a>~1.2", "1.2 1.2.3 1.3", "1.1 "},
		{"a<~1.2", "1.2 1.2.3 1.1", "1.3 "},
		{"so:libz.so.1=1.3", "1.3", "1.2"},
		{"!a<2", "1", "2 "},
	}
	for _, tt := range tests {
		d, err := parseDependency(tt.word)
		if err != nil {
			t.Errorf("%s: %v", tt.word, err)
			continue
		}
		if tt.word != "a=~1.2" && tt.word != "a~=1.2" && d.String() != tt.word {
			t.Errorf("%s is written %s", tt.word, d)
		}
		for _, v := range strings.Split(tt.admits, " ") {
			if !d.admits(v) {
				t.Errorf("%s does not admit %q", tt.word, v)
			}
		}
		if tt.no == "-" {
			continue
		}
		for _, v := range strings.Split(tt.no, " ") {
			if d.admits(v) {
				t.Errorf("%s admits %q", tt.word, v)
			}
		}
	}
	for word, want := range map[string]string{
		"":         "not a dependency",
		"!":        "not a dependency",
		">=1":      "not a dependency",
		"a b":      "not a dependency",
		"a\nb":     "not a dependency",
		"a=":       "not a version",
		"a=x":      "not a version",
		"a>=1.x":   "not a version",
		"a@edge":   "cannot be named with @",
		"a><Q1abc": "checksum",
	} {
		if _, err := parseDependency(word); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", word, err, want)
		}
	}
}

func FuzzCompareVersions(f *testing.F) {
	for _, v := range []string{"1.0_rc1-r0", "1.00", "2~abc-r1", "1.0z", "x", "", "1-r", "99999999999999999999_p1"} {
		f.Add(v, "1.0", "1.0_p1")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		validVersion(a)
		ab, bc, ac := compareVersions(a, b, false), compareVersions(b, c, false), compareVersions(a, c, false)
		if compareVersions(a, a, false) != 0 || compareVersions(b, a, false) != -ab {
			t.Errorf("%q and %q: the order depends on which comes first", a, b)
		}
		if ab <= 0 && bc <= 0 && ac > 0 {
			t.Errorf("%q <= %q <= %q, but not the first and the last", a, b, c)
		}
	})
}

func FuzzDependency(f *testing.F) {
	for _, word := range []string{"a", "!a<1", "so:lib.so.1=2", "a~1.2", "a>~1", "a@b"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		d, err := parseDependency(word)
		if err != nil {
			return
		}
		again, err := parseDependency(d.String())
		if err != nil || again != d {
			t.Errorf("%q is written %q, which is read as %+v, %v", word, d, again, err)
		}
	})
}
