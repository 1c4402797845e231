package source

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages"
	"kevlar/host/initramfs/packages/apt"
)

func TestBuild(t *testing.T) {
	p := open(t, repository(t), "gcc", recipe())
	pkg := resolve(t, p)
	if pkg.Name != "tiny" || pkg.Version != "1.0" || pkg.Size == 0 || !strings.HasPrefix(pkg.Digest, "source:") {
		t.Errorf("resolved to %+v", pkg)
	}
	tree, err := p.Fetch(t.Context(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for n := range tree.All() {
		if n.Type() != filetree.Dir && n.Path != "usr/bin/tiny" {
			got[n.Path] = string(n.Data)
		}
	}
	want := map[string]string{"bin/small": "/usr/bin/tiny", "opt/tiny/bin/configuration": "configured"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	program, _ := tree.Lookup("usr/bin/tiny")
	if program.Mode != filetree.Regular|0o4755 {
		t.Errorf("mode %o", program.Mode)
	}
	file := filepath.Join(t.TempDir(), "tiny")
	if err := os.WriteFile(file, program.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	// Neither the folder nor the day of the build can be seen.
	if out, err := exec.Command(file).Output(); string(out) != "./tiny.c Mar  5 2022 hello\n" || err != nil {
		t.Errorf("tiny: %q, %v", out, err)
	}
	again, err := p.Fetch(t.Context(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := again.Lookup("usr/bin/tiny"); !bytes.Equal(second.Data, program.Data) {
		t.Error("the second build gave other bytes")
	}
}

// TestDigest changes what a package is made of.
func TestDigest(t *testing.T) {
	dir := repository(t)
	state := func(compiler string, r Recipe) (digest, fingerprint string) {
		t.Helper()
		p := open(t, dir, compiler, r)
		if print, err := p.Fingerprint(); print != "" || err != nil {
			t.Errorf("fingerprint without lists: %q, %v", print, err)
		}
		digest = resolve(t, p).Digest
		fingerprint, err := p.Fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		return digest, fingerprint
	}
	digest, print := state("gcc", recipe())
	differs := func(what, compiler string, r Recipe) {
		t.Helper()
		d, f := state(compiler, r)
		if d == digest || f == print {
			t.Errorf("with another %s the package or the fingerprint is the same", what)
		}
	}
	if d, f := state("gcc", recipe()); d != digest || f != print {
		t.Error("the same parts give another package or fingerprint")
	}
	differs("compiler", "other gcc", recipe())
	for what, change := range map[string]func(*Recipe){
		"environment":   func(r *Recipe) { r.Env["WORD"] = "other" },
		"configuration": func(r *Recipe) { r.Config = "other" },
		"script":        func(r *Recipe) { r.Build += " " },
		"mode":          func(r *Recipe) { r.Install[0].Mode = 0o755 },
	} {
		r := recipe()
		change(&r)
		differs(what, "gcc", r)
	}
	before := tiny["tiny.c"]
	t.Cleanup(func() { tiny["tiny.c"] = before })
	tiny["tiny.c"] += "\n"
	dir = repository(t)
	differs("source", "gcc", recipe())
}

func TestRefuses(t *testing.T) {
	dir := repository(t)
	changed := func(change func(*Recipe)) Recipe {
		r := recipe()
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name   string
		recipe Recipe
		want   string
	}{
		{"unknown package", changed(func(r *Recipe) { r.Name = "tini" }), "source package tini: Unable to find a source package for tini"},
		{"unknown version", changed(func(r *Recipe) { r.Version = "2.0" }), "source package tiny: Can not find version '2.0' of package 'tiny'"},
		{"configure fails", changed(func(r *Recipe) { r.Configure = "echo why; exit 3" }), "source package tiny 1.0: configure: exit status 3; the end of its log:\nwhy"},
		{"first command fails", changed(func(r *Recipe) { r.Build = "false\ntrue" }), "build: exit status 1"},
		{"compiler fails", changed(func(r *Recipe) { r.Build = "$CC -c tiny.c" }), "expected ')' before 'WORD'"},
		{"nothing made", changed(func(r *Recipe) { r.Install[0].From = "huge" }), `install from "huge": the build has not made it`},
		{"link out of the sources", changed(func(r *Recipe) {
			r.Build = "ln -s /etc/passwd out"
			r.Install = []Install{{From: "out", To: "out"}}
		}), `install from "out": `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := open(t, dir, "gcc", tt.recipe)
			list, err := p.Resolve(t.Context(), []string{tt.recipe.Name})
			if err == nil {
				_, err = p.Fetch(t.Context(), list[0])
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}

	p := open(t, dir, "gcc", recipe())
	if _, err := p.Resolve(t.Context(), []string{"other"}); err == nil || err.Error() != "source package other: there is no recipe for it" {
		t.Errorf("no recipe: %v", err)
	}
	pkg := resolve(t, p)
	if _, err := p.Fetch(t.Context(), packages.Package{Name: "tiny", Version: "1.0", Digest: "source:0"}); err == nil || !strings.Contains(err.Error(), "has changed since") {
		t.Errorf("another digest: %v", err)
	}
	write(t, dir, "tiny_1.0.tar.gz", []byte("something else"))
	if _, err := p.Fetch(t.Context(), pkg); err == nil || !strings.Contains(err.Error(), "tiny_1.0.tar.gz: 14 bytes came in place of") {
		t.Errorf("another archive: %v", err)
	}

	if _, err := New(Config{Dir: t.TempDir(), Recipes: []Recipe{recipe(), recipe()}, Compiler: "gcc"}); err == nil || !strings.Contains(err.Error(), "two recipes") {
		t.Errorf("two recipes: %v", err)
	}
	if _, err := New(Config{Dir: t.TempDir(), Recipes: []Recipe{recipe()}}); err == nil || !strings.Contains(err.Error(), "compiler") {
		t.Errorf("no compiler: %v", err)
	}
}

// TestInterrupt has a build whose processes would outlive it.
func TestInterrupt(t *testing.T) {
	marks := t.TempDir()
	r := recipe()
	r.Env["MARKS"] = marks
	r.Build = `(echo >"$MARKS/started"; sleep 1; echo >"$MARKS/alive") & sleep 60`
	p := open(t, repository(t), "gcc", r)
	pkg := resolve(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(marks, "started")); err == nil {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	if _, err := p.Fetch(ctx, pkg); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	time.Sleep(1500 * time.Millisecond)
	if _, err := os.Stat(filepath.Join(marks, "alive")); err == nil {
		t.Error("a process of the build went on")
	}
}

func TestCheckDSC(t *testing.T) {
	files := []apt.File{{Name: "a.tar.gz", Size: 1, SHA256: "aa"}, {Name: "b.tar.xz", Size: 2, SHA256: "bb"}}
	good := "Source: a\nChecksums-Sha256:\n aa 1 a.tar.gz\n bb 2 b.tar.xz\n"
	if err := checkDSC(good, "a", files); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"":                                       "no fields",
		strings.Replace(good, "aa", "ab", 1):     "checksum mismatch",
		strings.Replace(good, " bb", " cc", 1):   "checksum mismatch",
		good + " cc 3 c.tar.gz\n":                "checksum mismatch",
		"Source: a\n":                            "checksum mismatch",
		strings.Replace(good, "e: a", "e: b", 1): `of the package "b"`,
	} {
		if err := checkDSC(text, "a", files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestChanged(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "good", []byte("x (1) y; z\n\n  * a\n\n -- A <a@b>  Mon, 02 Mar 2026 07:59:41 +0100\n\nx (0) y; z\n"))
	got, err := changed(filepath.Join(dir, "good"))
	if want := time.Date(2026, 3, 2, 6, 59, 41, 0, time.UTC); err != nil || !got.Equal(want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", "x (1) y; z\n", " -- A <a@b>\n", " -- A <a@b>  yesterday\n"} {
		write(t, dir, "bad", []byte(text))
		if got, err := changed(filepath.Join(dir, "bad")); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
