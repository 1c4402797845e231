package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages/apt"
	"kevlar/host/initramfs/packages/deb822"
)

// buildVersion changes when the same recipe with the same sources gives something else.
const buildVersion = 1

// build is a build in a folder of its own.
type build struct {
	recipe Recipe
	dir    string // holds all of the following
	files  string // what was fetched
	source string // the unpacked sources
	log    string // what the scripts print
	dsc    string
}

func newBuild(r Recipe) (*build, error) {
	dir, err := os.MkdirTemp("", "kevlar-build-")
	if err != nil {
		return nil, err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	b := &build{recipe: r, dir: dir, files: in("files"), source: in("source"), log: in("log")}
	for _, sub := range []string{b.files, in("home"), in("tmp")} {
		if err := os.Mkdir(sub, 0o755); err != nil {
			b.remove()
			return nil, err
		}
	}
	return b, nil
}

// remove removes the folder. A build may have left folders in it that cannot be written to.
func (b *build) remove() {
	if os.RemoveAll(b.dir) == nil {
		return
	}
	filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	os.RemoveAll(b.dir)
}

// fetch gets the files of a source package and checks them, and that they are those that the .dsc,
// which is the first of them, speaks of; see dsc(5).
func (b *build) fetch(ctx context.Context, lists *apt.Lists, files []apt.File) error {
	for _, f := range files {
		if err := lists.Fetch(ctx, f, filepath.Join(b.files, f.Name)); err != nil {
			return err
		}
	}
	b.dsc = files[0].Name
	text, err := os.ReadFile(filepath.Join(b.files, b.dsc))
	if err != nil {
		return err
	}
	if err := checkDSC(string(text), b.recipe.Name, files[1:]); err != nil {
		return fmt.Errorf("%s: %w", b.dsc, err)
	}
	return nil
}

// checkDSC says whether a .dsc names these files and no others, with the same checksums.
func checkDSC(text, name string, files []apt.File) error {
	p, err := deb822.Parse(text)
	if err != nil {
		return err
	}
	if got := p.Get("Source"); got != name {
		return fmt.Errorf("it is of the package %q", got)
	}
	var want, got []string
	for _, f := range files {
		want = append(want, fmt.Sprintf("%s %d %s", f.SHA256, f.Size, f.Name))
	}
	for line := range strings.Lines(p.Get("Checksums-Sha256")) {
		if words := strings.Fields(line); len(words) > 0 {
			got = append(got, strings.Join(words, " "))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return errors.New("checksum mismatch: its files are not those in the list of packages")
	}
	return nil
}

// run unpacks the sources, builds, and returns what is to be installed.
func (b *build) run(ctx context.Context) (*filetree.Tree, error) {
	err := b.command(ctx, "unpacking", append(os.Environ(), "LC_ALL=C"), b.dir, "dpkg-source", "-q", "--no-check", "-x", filepath.Join(b.files, b.dsc), b.source)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(b.dir, "config")
	if err := os.WriteFile(config, []byte(b.recipe.Config), 0o644); err != nil {
		return nil, err
	}
	env, err := b.environment(config)
	if err != nil {
		return nil, err
	}
	if err := b.command(ctx, "configure", env, b.source, "/bin/sh", "-e", "-c", b.recipe.Configure); err != nil {
		return nil, err
	}
	if err := b.command(ctx, "build", env, b.source, "/bin/sh", "-e", "-c", b.recipe.Build); err != nil {
		return nil, err
	}
	return b.install()
}

// environment returns all that the scripts see of the host. Nothing in it makes a difference to what
// is built but what is in the recipe.
func (b *build) environment(config string) ([]string, error) {
	date, err := changed(filepath.Join(b.source, "debian", "changelog"))
	if err != nil {
		return nil, err
	}
	env := []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + filepath.Join(b.dir, "home"),
		"TMPDIR=" + filepath.Join(b.dir, "tmp"),
		"LC_ALL=C",
		"TZ=UTC",
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", date.Unix()),
		"CC=gcc",
		"CFLAGS=-O2 -ffile-prefix-map=" + b.source + "=.",
		fmt.Sprintf("MAKEFLAGS=-j%d", runtime.NumCPU()),
		"CONFIG=" + config,
	}
	for name, value := range b.recipe.Env {
		env = append(env, name+"="+value) // of two with the same name the last counts
	}
	return env, nil
}

// changed returns when a source package was changed last: the date at the end of the first entry of its
// changelog; see deb-changelog(5).
func changed(changelog string) (time.Time, error) {
	text, err := os.ReadFile(changelog)
	if err != nil {
		return time.Time{}, err
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, " -- ") {
			continue
		}
		_, date, ok := strings.Cut(line, ">  ")
		if !ok {
			break
		}
		return mail.ParseDate(strings.TrimSpace(date))
	}
	return time.Time{}, errors.New("debian/changelog: no date in its first entry")
}

// command runs a program to its end. If it fails, the error ends with the last lines it printed.
func (b *build) command(ctx context.Context, what string, env []string, dir, program string, args ...string) error {
	log, err := os.Create(b.log)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdout, cmd.Stderr = log, log
	// Compilers are processes of processes, which end with their group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	text, rerr := os.ReadFile(b.log)
	if rerr != nil {
		return rerr
	}
	return fmt.Errorf("%s: %v; the end of its log:\n%s", what, err, lastLines(string(text), 20))
}

// lastLines returns the last n lines of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
