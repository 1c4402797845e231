// Package deb822 reads paragraphs of fields, the format of Debian's control files; see deb822(5).
package deb822

import (
	"errors"
	"fmt"
	"strings"
)

// Paragraph is a set of fields. Names are in lower case, as they count in any case. Lines of a value
// that follow the first are behind a line feed each, without the blank that begins them.
type Paragraph map[string]string

// Get returns the value of a field, "" if it is not there.
func (p Paragraph) Get(name string) string { return p[strings.ToLower(name)] }

// Parse reads the one paragraph of a file. There may be a signature around it, as in RFC 4880, 7: it
// is not checked.
func Parse(text string) (Paragraph, error) {
	p := Paragraph{}
	last := ""
	signed := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case line == "-----BEGIN PGP SIGNED MESSAGE-----" && !signed && len(p) == 0:
			signed = true
		case line == "-----BEGIN PGP SIGNATURE-----" && signed:
			return p, nonEmpty(p)
		case line == "":
			// The headers of a signature end with an empty line, and so does the paragraph.
			if signed && len(p) == 1 && p.Get("Hash") != "" {
				clear(p)
			}
			last = ""
		case line[0] == ' ' || line[0] == '\t':
			if last == "" {
				return nil, fmt.Errorf("the line %.40q continues no field", line)
			}
			p[last] += "\n" + line[1:]
		default:
			if last == "" && len(p) > 0 {
				return nil, errors.New("more than one paragraph")
			}
			name, value, ok := strings.Cut(line, ":")
			name = strings.ToLower(name)
			if !ok || name == "" || strings.ContainsAny(name, " \t") {
				return nil, fmt.Errorf("the line %.40q is no field", line)
			}
			if _, ok := p[name]; ok {
				return nil, fmt.Errorf("the field %.40q is there twice", name)
			}
			p[name] = strings.TrimLeft(value, " \t")
			last = name
		}
	}
	if signed {
		return nil, errors.New("a signed message without its signature")
	}
	return p, nonEmpty(p)
}

func nonEmpty(p Paragraph) error {
	if len(p) == 0 {
		return errors.New("no fields")
	}
	return nil
}
