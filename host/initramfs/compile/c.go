package compile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"kevlar/host/initramfs/store"
)

// C is a C program of one source file.
type C struct {
	Dir      string   // the manifest's folder, where the compiler runs
	Source   string   // relative to Dir
	Compiler string   // "musl-gcc", "gcc" or another one that takes their options
	Flags    []string // those that begin with -l come behind the source, as linkers want it
}

// cRecipe is the version of the way in which C programs are made. It is part of their keys.
const cRecipe = "2"

// ownFlags is a line of a source file with more flags for its compiler.
var ownFlags = regexp.MustCompile(`(?m)^// cflags:(.*)$`)

// base are the inputs that are known before a program was ever compiled.
func (t *Toolbox) base(ctx context.Context, c C) ([]Input, error) {
	identity, err := t.Compiler(ctx, c.Compiler)
	if err != nil {
		return nil, err
	}
	return []Input{
		{"compiler " + c.Compiler, identity},
		{"flags", strings.Join(c.Flags, " ")},
		{"source's name", c.Source},
		{"recipe", cRecipe},
	}, nil
}

// cNote is what a C program was last made from.
type cNote struct {
	Files []fileInput
	Shadows
}

// dependencies is the key of the note of a program. Which files these are depends on nothing but the
// base, the files themselves, and what could take the place of one of them.
func dependencies(base []Input) store.Key {
	return store.NewKey(words("files of a C program", base)...)
}

// CInputs returns what a C program depends on. They are not known before it was compiled once, nor
// when one of the files it was made from is gone; Ok is false then.
func (t *Toolbox) CInputs(ctx context.Context, c C) (inputs []Input, ok bool, err error) {
	base, err := t.base(ctx, c)
	if err != nil {
		return nil, false, err
	}
	var n cNote
	if !t.recall(dependencies(base), &n) || !slices.Equal(n.Present, t.present(c.Dir, n.Folders, n.Files)) {
		return base, false, nil
	}
	read, err := t.read(c.Dir, n.Files)
	if err != nil {
		return base, false, nil // compiling will tell
	}
	return append(base, read...), true, nil
}

// CompileC compiles a C program and returns it with what it depends on.
func (t *Toolbox) CompileC(ctx context.Context, c C) (program []byte, inputs []Input, err error) {
	base, err := t.base(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	changed := ""
	for range 3 {
		begin := time.Now()
		program, n, err := t.compileC(ctx, c)
		if err != nil {
			return nil, nil, err
		}
		// A file that was changed meanwhile may be in the program with its old content.
		if changed = changedSince(c.Dir, n.Files, begin); changed != "" {
			time.Sleep(2 * tick)
			continue
		}
		read, err := t.read(c.Dir, n.Files)
		if err != nil {
			return nil, nil, err
		}
		return program, append(base, read...), t.note(dependencies(base), n)
	}
	return nil, nil, fmt.Errorf("compiling %s: %s changes meanwhile", c.Source, changed)
}

// compileC runs the compiler, which says which files it has read.
func (t *Toolbox) compileC(ctx context.Context, c C) (program []byte, n cNote, err error) {
	text, err := os.ReadFile(filepath.Join(c.Dir, c.Source))
	if err != nil {
		return nil, n, err
	}
	tmp, err := t.store.Temp()
	if err != nil {
		return nil, n, err
	}
	defer os.RemoveAll(tmp)
	output, headers, linked := filepath.Join(tmp, "program"), filepath.Join(tmp, "headers"), filepath.Join(tmp, "linked")

	flags := slices.Clone(c.Flags)
	for _, m := range ownFlags.FindAllSubmatch(text, -1) {
		flags = append(flags, strings.Fields(string(m[1]))...)
	}
	argv := []string{c.Compiler}
	var libraries []string
	for _, f := range flags {
		if strings.HasPrefix(f, "-l") {
			libraries = append(libraries, f)
		} else {
			argv = append(argv, f)
		}
	}
	// -MD and not -MMD, as a system's header may change, too.
	argv = append(argv, "-MD", "-MF", headers, "-Wl,--dependency-file="+linked,
		"-ffile-prefix-map="+c.Dir+"=.", "-frandom-seed="+c.Source, "-o", output, c.Source)
	if _, _, err := run(ctx, c.Dir, environment(tmp), append(argv, libraries...)...); err != nil {
		return nil, n, fmt.Errorf("compiling %s: %w", c.Source, err)
	}
	if program, err = os.ReadFile(output); err != nil {
		return nil, n, err
	}
	if n.Files, err = dependencyFiles(c, tmp, headers, linked); err != nil {
		return nil, n, err
	}
	n.Folders = includeFolders(flags, n.Files)
	n.Present = t.present(c.Dir, n.Folders, n.Files)
	return program, n, nil
}

// dependencyFiles reads the lists of files that the compiler and the linker have read. The source is
// the first. What the compiler made for itself is left out.
func dependencyFiles(c C, tmp, headers, linked string) ([]fileInput, error) {
	files := []fileInput{{"source", c.Source}}
	seen := map[string]bool{c.Source: true}
	for _, list := range []struct{ what, file string }{{"header", headers}, {"library", linked}} {
		text, err := os.ReadFile(list.file)
		if err != nil {
			return nil, fmt.Errorf("%s has not told which files it reads: %w", c.Compiler, err)
		}
		for _, path := range prerequisites(string(text)) {
			if seen[path] || strings.HasPrefix(path, tmp+"/") {
				continue
			}
			seen[path] = true
			files = append(files, fileInput{list.what, path})
		}
	}
	return files, nil
}

// prerequisites returns what the first rule of a makefile depends on. A backslash goes before a
// space or # that is part of a name, and at the end of a line that goes on; a dollar is doubled.
func prerequisites(makefile string) []string {
	makefile = strings.ReplaceAll(makefile, "\\\n", " ")
	rule, _, _ := strings.Cut(makefile, "\n")
	_, rule, _ = strings.Cut(rule, ": ")
	var list []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			list = append(list, word.String())
			word.Reset()
		}
	}
	for i := 0; i < len(rule); i++ {
		switch b := rule[i]; {
		case b == '\\' && i+1 < len(rule) && strings.IndexByte(" #\\:", rule[i+1]) >= 0:
			i++
			word.WriteByte(rule[i])
		case b == '$' && i+1 < len(rule) && rule[i+1] == '$':
			i++
			word.WriteByte(b)
		case b == ' ' || b == '\t':
			end()
		default:
			word.WriteByte(b)
		}
	}
	end()
	return list
}
