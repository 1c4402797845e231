package suite

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"kevlar/host/cache"
	"kevlar/host/hostpkg"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
	"kevlar/host/progress"
)

// compiler makes static programs of one source file each.
const compiler = "musl-gcc"

// flags are given to the compiler for every program. The kernel's headers are those of the host.
var flags = []string{"-static", "-O2", "-Wall", "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"}

// ownFlags is a line of a source file with more flags for its compiler.
var ownFlags = regexp.MustCompile(`(?m)^// cflags:(.*)$`)

// Archive returns the archive that puts the suite into a guest's root file system, at
// /suites/NAME. Of its C sources it holds the programs, in bin, which are compiled if the cache
// does not have them.
func (s *Suite) Archive(ctx context.Context, dir cache.Dir, report *progress.Reporter) ([]byte, error) {
	prefix := "suites/" + s.Name
	tree := filetree.New()
	err := tree.AddFS(prefix, s.Dir, func(name string) bool {
		return strings.HasSuffix(name, ".c") || strings.HasSuffix(name, ".h")
	})
	if err != nil {
		return nil, err
	}
	// The script may be a link to another suite's, which the guest does not have.
	script, err := os.ReadFile(filepath.Join(s.Dir, "run"))
	if err != nil {
		return nil, err
	}
	tree.File(prefix+"/run", 0o755, script)
	sources, err := filepath.Glob(filepath.Join(s.Dir, "*.c"))
	if err != nil {
		return nil, err
	}
	if len(sources) > 0 {
		if err := hostpkg.Ensure(ctx, report, hostpkg.Musl, hostpkg.LibC); err != nil {
			return nil, err
		}
	}
	for _, source := range sources {
		program, err := Compile(ctx, source, dir, report)
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(program)
		if err != nil {
			return nil, err
		}
		tree.File(prefix+"/bin/"+strings.TrimSuffix(filepath.Base(source), ".c"), 0o755, data)
	}
	return cpio.Encode(tree)
}

// Compile returns the path of the program that a C source file becomes, which is compiled if the
// cache does not have it. The compiler must be there: hostpkg.Musl and hostpkg.LibC.
func Compile(ctx context.Context, source string, dir cache.Dir, report *progress.Reporter) (string, error) {
	text, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	args := append([]string{}, flags...)
	for _, m := range ownFlags.FindAllSubmatch(text, -1) {
		args = append(args, strings.Fields(string(m[1]))...)
	}
	key := sha256.New()
	version, err := exec.CommandContext(ctx, compiler, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s: %v", compiler, err)
	}
	fmt.Fprintf(key, "%q %q %q", version, args, text)
	headers, _ := filepath.Glob(filepath.Join(filepath.Dir(source), "*.h"))
	for _, h := range headers {
		data, err := os.ReadFile(h)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(key, "%q %q", filepath.Base(h), data)
	}
	return dir.File(func(tmp string) error {
		report.Step("compiling %s", source)
		cmd := exec.CommandContext(ctx, compiler, append(args, "-o", tmp, source)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("compiling %s: %v\n%s", source, err, out)
		}
		return nil
	}, "c", fmt.Sprintf("%x", key.Sum(nil)))
}
