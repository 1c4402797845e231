package debian

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages"
)

// repository is a folder from which APT fetches packages.
type repository struct {
	dir   string
	lists bytes.Buffer
}

// add adds a package of one file. More are fields of its control file, such as Depends.
func (r *repository) add(t *testing.T, name, version, more string) {
	t.Helper()
	fields := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\n%s", name, version, more)
	deb := pack(member{"debian-binary", []byte("2.0\n")}, control(t, fields),
		member{"data.tar", tarOf(t, regular("./bin/"+name, version))})
	r.write(t, name+".deb", deb)
	fmt.Fprintf(&r.lists, "%sFilename: ./%s.deb\nSize: %d\nSHA256: %x\n\n", fields, name, len(deb), sha256.Sum256(deb))
	r.write(t, "Packages", r.lists.Bytes())
}

func (r *repository) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// provider returns the provider of what is in the repository.
func (r *repository) provider(t *testing.T) packages.Provider {
	t.Helper()
	sources := filepath.Join(t.TempDir(), "test.list")
	if err := os.WriteFile(sources, []byte("deb [trusted=yes] copy:"+r.dir+" ./\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Dir: t.TempDir(), Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func needAPT(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("apt-get is not on this machine")
	}
}

func TestProvider(t *testing.T) {
	needAPT(t)
	r := &repository{dir: t.TempDir()}
	r.add(t, "app", "1:2.0-1+b1", "Depends: libone (>= 1), libtwo\nRecommends: extra\n")
	r.add(t, "libone", "1.0~rc1+really1.0", "Depends: libtwo\n")
	r.add(t, "libtwo", "3", "")
	r.add(t, "extra", "4", "")
	r.add(t, "g++", "1", "")
	p := r.provider(t)

	if print, err := p.Fingerprint(); print != "" || err != nil {
		t.Errorf("fingerprint at first: %q, %v", print, err)
	}
	list, err := p.Resolve(t.Context(), []string{"app", "g++=1"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, pkg := range list {
		got = append(got, pkg.Name+" "+pkg.Version+" "+pkg.Arch)
	}
	want := []string{"libtwo 3 amd64", "libone 1.0~rc1+really1.0 amd64", "app 1:2.0-1+b1 amd64", "g++ 1 amd64"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if print, err := p.Fingerprint(); print == "" || err != nil {
		t.Errorf("fingerprint afterwards: %q, %v", print, err)
	}
	tree, err := p.Fetch(t.Context(), list[2])
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := tree.Lookup("usr/bin/app"); !ok || string(e.Data) != "1:2.0-1+b1" {
		t.Errorf("in app: %q", tree.Paths())
	}

	if list, err := p.Resolve(t.Context(), nil); len(list) != 0 || err != nil {
		t.Errorf("no names: %v, %v", list, err)
	}
}

func TestResolveRefuses(t *testing.T) {
	needAPT(t)
	r := &repository{dir: t.TempDir()}
	r.add(t, "app", "1", "Depends: lib\n")
	r.add(t, "lib", "1", "")
	r.add(t, "rival", "1", "Conflicts: lib\n")
	p := r.provider(t)
	for names, want := range map[string]string{
		"nosuch":    "Unable to locate package nosuch",
		"app rival": "rival : Conflicts: lib",
		"app=2":     "Version '2' for 'app' was not found",
		"app-":      `"app-" is not the name`,
		"-o":        `"-o" is not the name`,
		"^a.*":      `"^a.*" is not the name`,
		"app=":      `"app=" is not the name`,
	} {
		_, err := p.Resolve(t.Context(), strings.Fields(names))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", names, err, want)
		}
	}
}

// TestFetchRefuses has a mirror that serves something else than its lists say.
func TestFetchRefuses(t *testing.T) {
	needAPT(t)
	r := &repository{dir: t.TempDir()}
	r.add(t, "app", "1", "")
	p := r.provider(t)
	list, err := p.Resolve(t.Context(), []string{"app"})
	if err != nil {
		t.Fatal(err)
	}
	app := list[0]
	good, err := os.ReadFile(filepath.Join(r.dir, "app.deb"))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(pkg packages.Package, want string) {
		t.Helper()
		_, err := p.Fetch(t.Context(), pkg)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "Debian package app ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	other := bytes.Clone(good)
	other[len(other)-1] ^= 1
	r.write(t, "app.deb", other)
	refused(app, "checksum mismatch")
	r.write(t, "app.deb", good[:100])
	refused(app, "100 bytes came in place of")
	if err := os.Remove(filepath.Join(r.dir, "app.deb")); err != nil {
		t.Fatal(err)
	}
	refused(app, "Failed to")

	r.write(t, "app.deb", good)
	mislabelled := app
	mislabelled.Version = "2"
	refused(mislabelled, `its own Version is "1"`)
}

// TestFromDebian fetches a dynamically linked program from the host's sources and runs it.
func TestFromDebian(t *testing.T) {
	needAPT(t)
	p, err := New(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	list, err := p.Resolve(t.Context(), []string{"jq"})
	if err != nil {
		if strings.Contains(err.Error(), "Failed to fetch") && os.Getenv("CI") == "" {
			t.Skipf("no network: %v", err)
		}
		t.Fatal(err)
	}
	root := filetree.New()
	for _, pkg := range list {
		tree, err := p.Fetch(t.Context(), pkg)
		if err != nil {
			t.Fatal(err)
		}
		if err := root.Merge(tree); err != nil {
			t.Fatal(err)
		}
	}
	if last := list[len(list)-1]; last.Name != "jq" {
		t.Errorf("unpacked last: %v", last)
	}
	if os.Geteuid() != 0 {
		t.Skip("running it in a root of its own takes the superuser")
	}
	dir := t.TempDir()
	unpack(t, root, dir)
	cmd := exec.Command("/bin/jq", "-c", "{b: .a, c: (.a | test(\"^k\"))}")
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir}
	cmd.Stdin = strings.NewReader(`{"a": "kevlar"}`)
	out, err := cmd.CombinedOutput()
	if got := string(out); got != "{\"b\":\"kevlar\",\"c\":true}\n" || err != nil {
		t.Errorf("jq: %q, %v", got, err)
	}
}

// unpack writes folders, regular files and symbolic links to a folder of the host.
func unpack(t *testing.T, tree *filetree.Tree, dir string) {
	t.Helper()
	for n := range tree.All() {
		path := filepath.Join(dir, n.Path)
		var err error
		switch n.Type() {
		case filetree.Dir:
			err = os.Mkdir(path, 0o755)
		case filetree.Symlink:
			err = os.Symlink(string(n.Data), path)
		case filetree.Regular:
			err = os.WriteFile(path, n.Data, os.FileMode(n.Mode&0o777))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
