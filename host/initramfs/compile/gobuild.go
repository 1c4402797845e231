package compile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kevlar/host/initramfs/store"
)

// Go is a Go program, linked statically.
type Go struct {
	Dir     string   // the manifest's folder
	Package string   // such as "./cmd/hello": a folder relative to Dir
	Flags   []string // of go build
}

// goRecipe is the version of the way in which Go programs are made. It is part of their keys.
const goRecipe = "1"

// goFlags are those of every build: paths and the state of the repository do not get into a program.
var goFlags = []string{"-trimpath", "-buildvcs=false"}

// goEnvironment lets the host's settings say where modules come from, but not what becomes of them.
// GOFLAGS must not be empty, or the user's settings would take its place.
func goEnvironment() []string {
	return append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1",
		"GOFLAGS=-trimpath", "GOWORK=off", "LC_ALL=C")
}

func goBase(g Go) []Input {
	return []Input{
		{"package", g.Package},
		{"flags", strings.Join(g.Flags, " ")},
		{"go settings", os.Getenv("GOEXPERIMENT") + " " + os.Getenv("GOTOOLCHAIN")},
		{"recipe", goRecipe},
	}
}

// goNote is what a Go program was last made from: files, and folders in which a further file would
// be a part of it, too. Modules in the module cache cannot change; go.sum has their digests.
type goNote struct {
	Files   []fileInput
	Folders []folder
}

// A folder is one whose files belong to a program.
type folder struct {
	Path string // relative to the manifest's folder
	All  bool   // all files, which are embedded; otherwise sources
}

// GoInputs returns what a Go program depends on. They are not known before it was built once, nor when
// one of its files is gone; Ok is false then.
func (t *Toolbox) GoInputs(g Go) (inputs []Input, ok bool, err error) {
	base := goBase(g)
	var n goNote
	if !t.recall(goDependencies(g, base), &n) {
		return base, false, nil
	}
	read, err := t.readGo(g.Dir, n)
	if err != nil {
		return base, false, nil // building will tell
	}
	return append(base, read...), true, nil
}

// goDependencies is the key of the note of a program. The note names files of the toolchain, which
// the PATH leads to.
func goDependencies(g Go, base []Input) store.Key {
	return store.NewKey(append(words("files of a Go program", base), g.Dir, os.Getenv("PATH"))...)
}

// readGo takes the digests of all that is in the note.
func (t *Toolbox) readGo(dir string, n goNote) ([]Input, error) {
	inputs, err := t.read(dir, n.Files)
	if err != nil {
		return nil, err
	}
	for _, f := range n.Folders {
		names, err := f.names(dir)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, Input{"files in " + f.Path, strings.Join(names, "/")})
	}
	return inputs, nil
}

// names returns the names of the files in a folder that belong to a program.
func (f folder) names(dir string) ([]string, error) {
	list, err := os.ReadDir(absolute(dir, f.Path))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range list {
		name := d.Name()
		source := slices.Contains([]string{".go", ".s", ".syso"}, filepath.Ext(name)) && !strings.HasSuffix(name, "_test.go")
		if f.All || source {
			names = append(names, name)
		}
	}
	return names, nil
}

// BuildGo builds a Go program and returns it with what it depends on.
func (t *Toolbox) BuildGo(ctx context.Context, g Go) (program []byte, inputs []Input, err error) {
	changed := ""
	for range 3 {
		begin := time.Now()
		n, err := goFiles(ctx, g)
		if err != nil {
			return nil, nil, fmt.Errorf("building %s: %w", g.Package, err)
		}
		if program, err = t.buildGo(ctx, g); err != nil {
			return nil, nil, fmt.Errorf("building %s: %w", g.Package, err)
		}
		if changed = changedSince(g.Dir, n.Files, begin); changed != "" {
			time.Sleep(2 * tick)
			continue
		}
		base := goBase(g)
		read, err := t.readGo(g.Dir, n)
		if err != nil {
			return nil, nil, err
		}
		return program, append(base, read...), t.note(goDependencies(g, base), n)
	}
	return nil, nil, fmt.Errorf("building %s: %s changes meanwhile", g.Package, changed)
}

func (t *Toolbox) buildGo(ctx context.Context, g Go) ([]byte, error) {
	tmp, err := t.store.Temp()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	output := filepath.Join(tmp, "program")
	argv := slices.Concat([]string{"go", "build", "-o", output}, goFlags, g.Flags, []string{"."})
	if _, _, err := run(ctx, filepath.Join(g.Dir, g.Package), goEnvironment(), argv...); err != nil {
		return nil, err
	}
	return os.ReadFile(output)
}

// listed is what go list says of a package.
type listed struct {
	Dir, Name                          string
	Standard                           bool
	Module                             *module
	GoFiles, SFiles, HFiles, SysoFiles []string
	EmbedFiles                         []string
}

type module struct {
	Version, GoMod string
	Main           bool
	Replace        *module
}

// goFiles asks the go command what a program is made from.
func goFiles(ctx context.Context, g Go) (n goNote, err error) {
	dir := filepath.Join(g.Dir, g.Package)
	if _, err := exec.LookPath("go"); err != nil {
		return n, errors.New("the go command is not found")
	}
	out, _, err := run(ctx, dir, goEnvironment(), slices.Concat([]string{"go", "list", "-deps",
		"-json=Dir,Name,Standard,Module,GoFiles,SFiles,HFiles,SysoFiles,EmbedFiles"}, goFlags, g.Flags, []string{"."})...)
	if err != nil {
		return n, err
	}
	if n.Files, err = toolchain(ctx, dir); err != nil {
		return n, err
	}
	c := collector{dir: g.Dir, note: &n, seen: map[string]bool{}}
	d := json.NewDecoder(strings.NewReader(string(out)))
	var last listed
	for {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return n, fmt.Errorf("go list: %w", err)
		}
		last = p
		if !p.Standard && p.local() {
			if err := c.add(p); err != nil {
				return n, err
			}
		}
	}
	if last.Name != "main" {
		return n, fmt.Errorf("is package %s, and no program", last.Name)
	}
	return n, nil
}

// local says whether the package's files may change: they are not in the module cache.
func (p *listed) local() bool {
	m := p.Module
	return m == nil || m.Main || m.Replace != nil && m.Replace.Version == ""
}

// toolchain returns the files that tell one Go toolchain from another.
func toolchain(ctx context.Context, dir string) ([]fileInput, error) {
	out, _, err := run(ctx, dir, goEnvironment(), "go", "env", "GOROOT", "GOTOOLDIR")
	if err != nil {
		return nil, err
	}
	root, tools, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	command, err := exec.LookPath("go")
	if err != nil {
		return nil, err
	}
	list := []fileInput{{"toolchain", command}, {"toolchain", filepath.Join(root, "VERSION")}}
	for _, tool := range []string{"compile", "asm", "link"} {
		list = append(list, fileInput{"toolchain", filepath.Join(tools, tool)})
	}
	return list, nil
}

// A collector makes the note of a program. What it adds, it adds once.
type collector struct {
	dir  string
	note *goNote
	seen map[string]bool
}

func (c *collector) file(path string) error {
	rel, err := c.relative(path)
	if err == nil && !c.seen[rel] {
		c.seen[rel] = true
		c.note.Files = append(c.note.Files, fileInput{"source", rel})
	}
	return err
}

func (c *collector) relative(path string) (string, error) { return filepath.Rel(c.dir, path) }

func (c *collector) folder(path string, all bool) error {
	rel, err := c.relative(path)
	if f := (folder{rel, all}); err == nil && !slices.Contains(c.note.Folders, f) {
		c.note.Folders = append(c.note.Folders, f)
	}
	return err
}

// add adds the files of a package and of its module.
func (c *collector) add(p listed) error {
	for _, name := range slices.Concat(p.GoFiles, p.SFiles, p.HFiles, p.SysoFiles, p.EmbedFiles) {
		if err := c.file(filepath.Join(p.Dir, name)); err != nil {
			return err
		}
	}
	if err := c.folder(p.Dir, false); err != nil {
		return err
	}
	for _, name := range p.EmbedFiles {
		top, _, isBelow := strings.Cut(name, "/")
		if !isBelow {
			if err := c.folder(p.Dir, true); err != nil {
				return err
			}
			continue
		}
		err := filepath.WalkDir(filepath.Join(p.Dir, top), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = c.folder(path, true)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if m := p.Module; m != nil && m.GoMod != "" {
		return c.module(m.GoMod)
	}
	return nil
}

// module adds the files that say which modules a program is made from.
func (c *collector) module(gomod string) error {
	dir := filepath.Dir(gomod)
	for _, file := range []string{gomod, filepath.Join(dir, "go.sum"), filepath.Join(dir, "vendor", "modules.txt")} {
		if _, err := os.Stat(file); err != nil {
			continue
		}
		if err := c.file(file); err != nil {
			return err
		}
	}
	return nil
}
