package manifest

import (
	"bytes"
	"path"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Parse reads the text of a manifest. Name is for messages.
func Parse(name string, text []byte) (*Manifest, error) {
	m := &Manifest{Name: name}
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, decodeError(name, err)
	}
	m.place(tables(text))
	if err := m.Check(); err != nil {
		return nil, err
	}
	return m, nil
}

// place notes where the parts of the manifest are in its text. An array that is written in one line,
// "file = [{...}]", has no tables; its parts are at no place.
func (m *Manifest) place(at map[string][]Pos) {
	set(m.Packages, at["packages"], func(p *Packages) *Pos { return &p.At })
	set(m.Busybox, at["busybox"], func(p *Busybox) *Pos { return &p.At })
	set(m.Folders, at["folder"], func(p *Folder) *Pos { return &p.At })
	set(m.C, at["c"], func(p *C) *Pos { return &p.At })
	set(m.Go, at["go"], func(p *Go) *Pos { return &p.At })
	set(m.Dirs, at["dir"], func(p *Dir) *Pos { return &p.At })
	set(m.Files, at["file"], func(p *File) *Pos { return &p.At })
	set(m.Links, at["link"], func(p *Link) *Pos { return &p.At })
	set(m.Devices, at["device"], func(p *Device) *Pos { return &p.At })
}

func set[T any](parts []T, at []Pos, field func(*T) *Pos) {
	for i := range parts {
		if i < len(at) && len(at) == len(parts) {
			*field(&parts[i]) = at[i]
		}
	}
}

// Check says what in the manifest cannot be, and fills in what goes without saying.
func (m *Manifest) Check() error {
	c := checker{m: m, seen: map[string]Pos{}}
	for i := range m.Packages {
		c.packages(&m.Packages[i])
	}
	for i := range m.Busybox {
		c.path(m.Busybox[i].At, &m.Busybox[i].Path)
	}
	for i := range m.Folders {
		f := &m.Folders[i]
		c.relative(f.At, &f.Path)
		c.must(f.Source != "", f.At, "a folder needs a source")
		for _, pattern := range f.Skip {
			_, err := path.Match(pattern, "")
			c.must(err == nil, f.At, "%q is not a pattern", pattern)
		}
	}
	for i := range m.C {
		c.c(&m.C[i])
	}
	for i := range m.Go {
		g := &m.Go[i]
		c.path(g.At, &g.Path)
		c.must(g.Package != "", g.At, "a Go program needs a package")
	}
	for i := range m.Dirs {
		c.path(m.Dirs[i].At, &m.Dirs[i].Path)
		c.mode(m.Dirs[i].At, m.Dirs[i].Mode)
	}
	for i := range m.Files {
		f := &m.Files[i]
		c.path(f.At, &f.Path)
		c.mode(f.At, f.Mode)
		c.must((f.Source != "") != (f.Text != nil), f.At, "a file needs either a source or a text")
	}
	for i := range m.Links {
		l := &m.Links[i]
		c.path(l.At, &l.Path)
		c.must(l.Target != "" && !strings.Contains(l.Target, "\x00"), l.At, "a link needs a target")
	}
	for i := range m.Devices {
		c.device(&m.Devices[i])
	}
	m.described = c.seen
	return c.err
}

// A checker remembers the first error.
type checker struct {
	m    *Manifest
	seen map[string]Pos // paths
	err  error
}

func (c *checker) must(holds bool, at Pos, format string, args ...any) {
	if !holds && c.err == nil {
		c.err = c.m.Errorf(at, format, args...)
	}
}

// relative makes a path in the root file system relative to the root.
func (c *checker) relative(at Pos, name *string) {
	c.must(*name != "", at, "a path is missing")
	for part := range strings.SplitSeq(*name, "/") {
		c.must(part != "..", at, "%s: a path that climbs with ..", *name)
	}
	c.must(!strings.Contains(*name, "\x00"), at, "%q: a zero byte in a path", *name)
	*name = strings.TrimPrefix(path.Clean("/"+*name), "/")
}

// path is relative for a path that nothing else in the manifest has.
func (c *checker) path(at Pos, name *string) {
	c.relative(at, name)
	c.must(*name != "", at, "the root itself cannot be described")
	if other, ok := c.seen[*name]; ok {
		c.must(false, at, "/%s: is described already, in line %d", *name, other.Line)
	}
	c.seen[*name] = at
}

func (c *checker) mode(at Pos, mode *uint32) {
	c.must(mode == nil || *mode <= 0o7777, at, "a mode has no more than four octal digits, as in 0o755")
}

func (c *checker) packages(p *Packages) {
	switch p.From {
	case "debian", "source":
	case "alpine":
		a := &c.m.Alpine
		c.must(a.Mirror != "" && len(a.Repositories) > 0 && len(a.Keys) > 0, p.At,
			"packages of Alpine need a table [alpine] with mirror, repositories and keys")
	default:
		c.must(false, p.At, "packages from %q: there are debian, alpine and source", p.From)
	}
	c.must(len(p.Names) > 0, p.At, "no names of packages")
}

func (c *checker) c(p *C) {
	if p.Compiler == "" {
		p.Compiler = "musl-gcc"
	}
	c.must(len(p.Sources) > 0, p.At, "C programs need sources")
	c.must((p.To != "") != (p.Path != ""), p.At, "C programs need either a folder, to, or a path")
	if p.To != "" {
		c.relative(p.At, &p.To)
	} else {
		c.path(p.At, &p.Path)
	}
	for _, s := range p.Sources {
		_, err := path.Match(s, "")
		c.must(err == nil, p.At, "%q is not a pattern", s)
	}
}

func (c *checker) device(d *Device) {
	c.path(d.At, &d.Path)
	c.mode(d.At, d.Mode)
	switch d.Kind {
	case "char", "block":
	case "fifo":
		c.must(d.Major == 0 && d.Minor == 0, d.At, "a FIFO has no numbers")
	default:
		c.must(false, d.At, "a device of the kind %q: there are char, block and fifo", d.Kind)
	}
}
