package filetree

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pack makes a tar archive. The size of a file is that of its content.
func pack(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := h.PAXRecords["content"]
		h.PAXRecords = nil
		h.Size = int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(content))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tarFile is the header of a regular file with that content.
func tarFile(name, content string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o640, PAXRecords: map[string]string{"content": content}}
}

const megabyte = 1 << 20

func TestReadTar(t *testing.T) {
	long := strings.Repeat("long/", 60) + "name"
	owned := tarFile("./etc/owned", "text")
	owned.Uid, owned.Gid = 1000, 3000000
	gnu := tarFile(strings.Repeat("gnu/", 60)+"name", "g")
	gnu.Format = tar.FormatGNU
	tree, err := ReadTar(bytes.NewReader(pack(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeDir, Name: "./etc/", Mode: 0o2755},
		owned,
		tar.Header{Typeflag: tar.TypeLink, Name: "./etc/again", Linkname: "./etc/owned"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "/etc/owned"},
		tar.Header{Typeflag: tar.TypeChar, Name: "dev/null", Mode: 0o666, Devmajor: 1, Devminor: 3},
		tar.Header{Typeflag: tar.TypeBlock, Name: "dev/vda", Mode: 0o600, Devmajor: 254},
		tar.Header{Typeflag: tar.TypeFifo, Name: "fifo", Mode: 0o600},
		tarFile(long, ""), gnu,
	)), megabyte)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Entry{
		"etc":       {Mode: Dir | 0o2755},
		"etc/owned": {Mode: Regular | 0o640, UID: 1000, GID: 3000000, Data: []byte("text")},
		"etc/again": {Mode: Regular | 0o640, UID: 1000, GID: 3000000, Data: []byte("text")},
		"link":      link("/etc/owned"),
		"dev/null":  {Mode: CharDev | 0o666, Major: 1, Minor: 3},
		"dev/vda":   {Mode: BlockDev | 0o600, Major: 254},
		"fifo":      {Mode: FIFO | 0o600},
	} {
		got, _ := tree.Lookup(name)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if e, ok := tree.Lookup(long); !ok || e.Mode != Regular|0o640 {
		t.Errorf("the long name: %v", ok)
	}
	if e, _ := tree.Lookup(gnu.Name); string(e.Data) != "g" {
		t.Errorf("the long name of GNU tar: %q", e.Data)
	}
}

// zip compresses with gzip.
func zip(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(data)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadTarOfGzip(t *testing.T) {
	tree, err := ReadTar(bytes.NewReader(zip(t, pack(t, tarFile("a", "content")))), megabyte)
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := tree.Lookup("a"); string(e.Data) != "content" {
		t.Errorf("%q", e.Data)
	}
}

func TestReadTarRefuses(t *testing.T) {
	good := pack(t, tarFile("a", strings.Repeat("x", 5000)))
	for name, test := range map[string]struct {
		data []byte
		err  string
	}{
		"climbing":            {pack(t, tarFile("../a", "")), "climbs"},
		"climbing inside":     {pack(t, tarFile("a/../../b", "")), "climbs"},
		"absolute":            {pack(t, tarFile("/etc/passwd", "")), "absolute"},
		"hard link up":        {pack(t, tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "../b"}), "climbs"},
		"hard link absolute":  {pack(t, tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "/b"}), "absolute"},
		"hard link nowhere":   {pack(t, tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "b"}), "not there"},
		"truncated content":   {good[:600], "ends too early"},
		"truncated header":    {good[:300], "ends too early"},
		"damaged":             {append(bytes.Clone(good[:512+5120]), bytes.Repeat([]byte("text"), 500)...), "damaged"},
		"no tar":              {bytes.Repeat([]byte("text"), 500), "no tar archive, but something else"},
		"short text":          {[]byte("text"), "no tar archive, but something else"},
		"empty":               {nil, "the file is empty"},
		"cpio":                {[]byte("070701" + strings.Repeat("0", 600)), "that is for --initramfs"},
		"xz":                  {[]byte("\xfd7zXZ" + strings.Repeat("0", 600)), "xz data: unpack it first"},
		"gzip of text":        {zip(t, []byte("text")), "no tar archive, but something else"},
		"gzip that is cut":    {zip(t, good)[:30], "damaged tar archive"},
		"too large":           {pack(t, tarFile("a", strings.Repeat("x", megabyte+1))), "too large"},
		"too large together":  {pack(t, tarFile("a", strings.Repeat("x", megabyte/2)), tarFile("b", strings.Repeat("x", megabyte/2))), "too large"},
		"below a file":        {pack(t, tarFile("a", ""), tarFile("a/b", "")), "not a folder"},
		"through linked file": {pack(t, tarFile("a", ""), tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "a"}, tarFile("l/b", "")), "not a folder"},
	} {
		_, err := ReadTar(bytes.NewReader(test.data), megabyte)
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: %v, want %q", name, err, test.err)
		}
	}
}

// TestReadTarBomb promises more than it holds: what a header says must not be believed.
func TestReadTarBomb(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: 1 << 40})
	if _, err := ReadTar(bytes.NewReader(b.Bytes()), 1<<41); err == nil || !strings.Contains(err.Error(), "ends too early") {
		t.Error(err)
	}
	if _, err := ReadTar(bytes.NewReader(b.Bytes()), 1<<39); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Error(err)
	}
}

// TestReadTarSparse has a file that GNU tar wrote with its holes left out.
func TestReadTarSparse(t *testing.T) {
	program, err := exec.LookPath("tar")
	if err != nil {
		t.Skip("tar(1) is not on this machine")
	}
	for _, format := range []string{"gnu", "pax"} {
		dir := t.TempDir()
		f, err := os.Create(filepath.Join(dir, "hole"))
		if err != nil {
			t.Fatal(err)
		}
		f.WriteAt([]byte("end"), megabyte)
		f.Close()
		data, err := exec.Command(program, "-C", dir, "-S", "--format", format, "-c", "hole").Output()
		if err != nil {
			t.Fatal(err)
		}
		tree, err := ReadTar(bytes.NewReader(data), 2*megabyte)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		e, _ := tree.Lookup("hole")
		if want := append(make([]byte, megabyte), "end"...); !bytes.Equal(e.Data, want) {
			t.Errorf("%s: %d bytes, not those that were written", format, len(e.Data))
		}
		if _, err := ReadTar(bytes.NewReader(data), megabyte); err == nil || !strings.Contains(err.Error(), "too large") {
			t.Errorf("%s: holes beyond the limit: %v", format, err)
		}
	}
}

func FuzzReadTar(f *testing.F) {
	f.Add(pack(f, tarFile("a/b", "text"), tar.Header{Typeflag: tar.TypeLink, Name: "c", Linkname: "a/b"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "/a"}, tarFile("l/x", "y")))
	f.Add(pack(f, tar.Header{Typeflag: tar.TypeSymlink, Name: "up", Linkname: "../../.."}, tarFile("up/x", "")))
	f.Add([]byte("text"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := ReadTar(bytes.NewReader(data), megabyte)
		if err != nil {
			return
		}
		for _, name := range tree.Paths() {
			if err := checkName(name); err != nil {
				t.Errorf("%q is in the tree: %v", name, err)
			}
			for dir := name; ; {
				cut := strings.LastIndexByte(dir, '/')
				if cut < 0 {
					break
				}
				dir = dir[:cut]
				if e, ok := tree.Lookup(dir); !ok || e.Type() != Dir {
					t.Errorf("%q is not below a folder", name)
				}
			}
		}
	})
}
