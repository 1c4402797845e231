package initramfs

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"kevlar/host/hostpkg"
	"kevlar/host/initramfs/compile"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/manifest"
	"kevlar/host/initramfs/store"
)

// plan turns a manifest into parts, in the order in which they are added, and sees to it that the host
// has the tools for them.
func (b *Builder) plan(ctx context.Context, m *manifest.Manifest) ([]*part, error) {
	if err := hostpkg.Ensure(ctx, b.Report, tools(m)...); err != nil {
		return nil, err
	}
	p := planner{builder: b, manifest: m, outputs: map[string]bool{}}
	for i := range m.Packages {
		p.packages(&m.Packages[i])
	}
	for i := range m.Busybox {
		p.busybox(&m.Busybox[i])
	}
	for i := range m.Folders {
		p.folder(&m.Folders[i])
	}
	for i := range m.C {
		if err := p.c(&m.C[i]); err != nil {
			return nil, err
		}
	}
	for i := range m.Go {
		p.goProgram(&m.Go[i])
	}
	p.plain()
	for i := range m.Files {
		p.file(&m.Files[i])
	}
	return p.parts, nil
}

// tools are what the host needs for a manifest.
func tools(m *manifest.Manifest) (needs []hostpkg.Need) {
	if len(m.Busybox) > 0 {
		needs = append(needs, hostpkg.Busybox)
	}
	for i := range m.C {
		switch m.C[i].Compiler {
		case "musl-gcc":
			needs = append(needs, hostpkg.Musl, hostpkg.LibC)
		case "gcc":
			needs = append(needs, hostpkg.GCC, hostpkg.LibC)
		}
	}
	for i := range m.Packages {
		if m.Packages[i].From == "source" {
			needs = append(needs, hostpkg.GCC, hostpkg.LibC)
		}
	}
	return needs
}

type planner struct {
	builder  *Builder
	manifest *manifest.Manifest
	parts    []*part
	outputs  map[string]bool // paths of programs
}

func (p *planner) add(at manifest.Pos, title string, place any, q *part) {
	where, err := json.Marshal(place)
	if err != nil {
		panic(err) // places are plain structures
	}
	q.manifest, q.at, q.title, q.where = p.manifest, at, title, string(where)
	p.parts = append(p.parts, q)
}

// placeOf is what of a manifest's entry is about the root file system.
type placeOf struct {
	Path     string
	Mode     uint32
	UID, GID uint32
}

// c plans a program for each source.
func (p *planner) c(c *manifest.C) error {
	sources, err := p.glob(c)
	if err != nil {
		return err
	}
	if c.Path != "" && len(sources) > 1 {
		return p.manifest.Errorf(c.At, "%d sources for the one program /%s", len(sources), c.Path)
	}
	for _, source := range sources {
		output := c.Path
		if output == "" {
			output = path.Join(c.To, strings.TrimSuffix(filepath.Base(source), ".c"))
			if at, ok := p.manifest.Described(output); ok {
				return p.manifest.Errorf(c.At, "/%s is made of %s and is described in line %d, too", output, source, at.Line)
			}
		}
		if p.outputs[output] {
			return p.manifest.Errorf(c.At, "/%s is made of %s and of something else", output, source)
		}
		p.outputs[output] = true
		program := compile.C{Dir: p.manifest.Dir, Source: source, Compiler: c.Compiler, Flags: c.Flags}
		b := p.builder
		p.add(c.At, source, placeOf{Path: output, Mode: 0o755}, &part{
			inputs: func(ctx context.Context) ([]compile.Input, bool, error) { return b.tools.CInputs(ctx, program) },
			produce: func(ctx context.Context) ([]byte, []compile.Input, error) {
				b.Report.Step("compiling %s", source)
				return b.tools.CompileC(ctx, program)
			},
			add: addProgram(output),
		})
	}
	return nil
}

// literally makes a pattern of a path that stands for nothing but it.
var literally = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)

// glob returns the sources that patterns stand for, relative to the manifest's folder and each once.
func (p *planner) glob(c *manifest.C) (list []string, err error) {
	for _, name := range c.Sources {
		pattern := name
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(literally.Replace(p.manifest.Dir), pattern)
		}
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, p.manifest.At(c.At, err)
		}
		if len(found) == 0 {
			return nil, p.manifest.Errorf(c.At, "%s: no such file", name)
		}
		for _, file := range found {
			source, err := filepath.Rel(p.manifest.Dir, file)
			if err != nil {
				return nil, p.manifest.At(c.At, err)
			}
			if !slices.Contains(list, source) {
				list = append(list, source)
			}
		}
	}
	return list, nil
}

func (p *planner) goProgram(g *manifest.Go) {
	program := compile.Go{Dir: p.manifest.Dir, Package: g.Package, Flags: g.Flags}
	b := p.builder
	p.add(g.At, g.Package, placeOf{Path: g.Path, Mode: 0o755}, &part{
		inputs: func(context.Context) ([]compile.Input, bool, error) { return b.tools.GoInputs(program) },
		produce: func(ctx context.Context) ([]byte, []compile.Input, error) {
			b.Report.Step("building %s", g.Package)
			return b.tools.BuildGo(ctx, program)
		},
		add: addProgram(g.Path),
	})
}

func addProgram(output string) func(context.Context, *filetree.Tree, []byte) error {
	return func(_ context.Context, t *filetree.Tree, content []byte) error {
		return t.Insert(output, filetree.Entry{Mode: filetree.Regular | 0o755, Data: content})
	}
}

// plain plans what is described in the manifest to the last byte.
func (p *planner) plain() {
	m := p.manifest
	if len(m.Dirs)+len(m.Links)+len(m.Devices) == 0 {
		return
	}
	p.add(manifest.Pos{}, "folders, links and devices", []any{m.Dirs, m.Links, m.Devices}, &part{
		inputs: func(context.Context) ([]compile.Input, bool, error) {
			text, err := json.Marshal([]any{m.Dirs, m.Links, m.Devices})
			return []compile.Input{{Name: "the manifest", Value: string(text)}}, true, err
		},
		add: func(_ context.Context, t *filetree.Tree, _ []byte) error { return addPlain(t, m) },
	})
}

// deviceTypes are the type bits of the kinds of devices.
var deviceTypes = map[string]uint32{"char": filetree.CharDev, "block": filetree.BlockDev, "fifo": filetree.FIFO}

func addPlain(t *filetree.Tree, m *manifest.Manifest) error {
	insert := func(at manifest.Pos, name string, owner manifest.Owner, e filetree.Entry) error {
		e.UID, e.GID = owner.UID, owner.GID
		return m.At(at, t.Insert(name, e))
	}
	for _, d := range m.Dirs {
		if err := insert(d.At, d.Path, d.Owner, filetree.Entry{Mode: filetree.Dir | manifest.Perm(d.Mode, 0o755)}); err != nil {
			return err
		}
	}
	for _, l := range m.Links {
		if err := insert(l.At, l.Path, l.Owner, filetree.Entry{Mode: filetree.Symlink | 0o777, Data: []byte(l.Target)}); err != nil {
			return err
		}
	}
	for _, d := range m.Devices {
		e := filetree.Entry{Mode: deviceTypes[d.Kind] | manifest.Perm(d.Mode, 0o600), Major: d.Major, Minor: d.Minor}
		if err := insert(d.At, d.Path, d.Owner, e); err != nil {
			return err
		}
	}
	return nil
}

// file plans a regular file.
func (p *planner) file(f *manifest.File) {
	mode := manifest.Perm(f.Mode, 0o644)
	read := p.reader(f)
	q := &part{}
	*q = part{
		inputs: func(context.Context) ([]compile.Input, bool, error) {
			digest, err := p.digest(f)
			return []compile.Input{{Name: "content", Value: digest}}, true, err
		},
		add: func(_ context.Context, t *filetree.Tree, _ []byte) error {
			data, err := read()
			if err != nil {
				return err
			}
			if store.Digest(data).String() != q.needs[0].Value {
				return fmt.Errorf("%s: changes while it is read", f.Source)
			}
			return t.Insert(f.Path, filetree.Entry{Mode: filetree.Regular | mode, UID: f.UID, GID: f.GID, Data: data})
		},
	}
	p.add(f.At, "/"+f.Path, placeOf{f.Path, mode, f.UID, f.GID}, q)
}

// busybox plans the host's BusyBox with its links.
func (p *planner) busybox(x *manifest.Busybox) {
	b := p.builder
	p.add(x.At, "BusyBox", placeOf{Path: x.Path}, &part{
		inputs: func(context.Context) ([]compile.Input, bool, error) {
			digest, err := b.digests.File(hostpkg.BusyboxPath())
			return []compile.Input{{Name: "the host's busybox", Value: digest.String()}, {Name: "its path", Value: x.Path}}, true, err
		},
		produce: func(ctx context.Context) ([]byte, []compile.Input, error) {
			program := hostpkg.BusyboxPath()
			digest, err := b.digests.File(program)
			if err != nil {
				return nil, nil, err
			}
			content, err := busybox(ctx, program, x.Path)
			if err != nil {
				return nil, nil, err
			}
			after, err := b.digests.File(program)
			if err == nil && after != digest {
				err = fmt.Errorf("%s changes meanwhile", program)
			}
			return content, []compile.Input{{Name: "the host's busybox", Value: digest.String()}, {Name: "its path", Value: x.Path}}, err
		},
		add: addBusybox,
	})
}
