package deb822

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const signed = `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

Source: hello
Files:
 d41d8cd98f00b204e9800998ecf8427e 0 a

-----BEGIN PGP SIGNATURE-----

iQ==
-----END PGP SIGNATURE-----
`

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       Paragraph
	}{
		{"fields", "Package: a\nVERSION:1:2-3 \n", Paragraph{"package": "a", "version": "1:2-3"}},
		{"empty lines around it", "\n\nPackage: a\n\n\n", Paragraph{"package": "a"}},
		{"comment", "# no\nPackage: a\n#no\nVersion: 1\n", Paragraph{"package": "a", "version": "1"}},
		{"lines", "Description: a\n more\n .\n  most\n", Paragraph{"description": "a\nmore\n.\n most"}},
		{"no line feed at the end", "A: b", Paragraph{"a": "b"}},
		{"signed", signed, Paragraph{"source": "hello", "files": "\nd41d8cd98f00b204e9800998ecf8427e 0 a"}},
	} {
		got, err := Parse(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if p, _ := Parse("Package: a\n"); p.Get("PACKAGE") != "a" || p.Get("other") != "" {
		t.Error("Get does not find what is there, or finds what is not")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "no fields"},
		{"\n\n", "no fields"},
		{" a\n", "continues no field"},
		{"A: b\n\n c\n", "continues no field"},
		{"hello\n", "is no field"},
		{": a\n", "is no field"},
		{"a b: c\n", "is no field"},
		{"A: b\na: c\n", "twice"},
		{"A: b\n\nC: d\n", "more than one paragraph"},
		{signed[:60], "without its signature"},
	} {
		if _, err := Parse(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(signed)
	f.Add("Package: a\nDescription: b\n c\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err == nil && len(p) == 0 {
			t.Error("neither fields nor an error")
		}
	})
}
