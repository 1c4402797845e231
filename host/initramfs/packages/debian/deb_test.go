package debian

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"kevlar/host/initramfs/filetree"
)

// member is a member of an ar archive.
type member struct {
	name string
	data []byte
}

// pack makes an ar archive.
func pack(members ...member) []byte {
	b := bytes.NewBufferString(arMagic)
	for _, m := range members {
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", m.name, 0, 0, 0, 0o100644, len(m.data), m.data)
		if len(m.data)%2 != 0 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

// tarOf makes a tar archive. A header's link name is the content of a regular file.
func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		data := ""
		if h.Typeflag == tar.TypeReg {
			data, h.Linkname = h.Linkname, ""
			h.Size = int64(len(data))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func regular(name, data string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Linkname: data}
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

var version = member{"debian-binary", []byte("2.0\n")}

// control is a control.tar that is not compressed.
func control(t testing.TB, fields string) member {
	t.Helper()
	return member{"control.tar", tarOf(t, regular("./control", fields))}
}

const fields = "Package: hello\nVersion: 1.0\nArchitecture: amd64\n"

// xzData returns what "xz" has made of a tar archive with the file usr/bin/hello, which holds "hello\n".
func xzData(tb testing.TB) []byte {
	tb.Helper()
	data, err := base64.StdEncoding.DecodeString("" +
		"/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4Cf/AHpdABcLyyeJ8uv7sv6J4fnJCB0cKx5/hlD7z8AiblPuVvXoYIuc" +
		"EPTnK6pVQDhEbCDLQEcTOnbJIDn2Nwf0oat2WbJphafjZTvHG0559CwxRcxFSzCBgmZVItFDE6jJBIs9uZ2wLJTb" +
		"7IuLuXKRyJQTa3zZ5OoDq9P4FqtgAAAAMzhXNc0sUWwAAZYBgFAAALiQ77SxxGf7AgAAAAAEWVo=")
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestReadDeb(t *testing.T) {
	xz := xzData(t)
	data := tarOf(t, tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o700}, regular("./usr/bin/hello", "hello\n"))
	for _, tt := range []struct {
		name    string
		members []member
	}{
		{"plain", []member{version, control(t, fields), {"data.tar", data}}},
		{"gzip", []member{version, {"control.tar.gz", zip(t, control(t, fields).data)}, {"data.tar.gz", zip(t, data)}}},
		{"xz", []member{version, control(t, fields), {"data.tar.xz", xz}}},
		{"zstd", []member{version, {"control.tar.zst", zst(t, control(t, fields).data)}, {"data.tar.zst", zst(t, data)}}},
		{"slashes", []member{{"debian-binary/", version.data}, {"control.tar/", control(t, fields).data}, {"data.tar/", data}}},
		{"later minor version", []member{{"debian-binary", []byte("2.1\nnew line\n")}, control(t, fields), {"data.tar", data}}},
		{"more members", []member{version, {"_new", []byte("odd")}, control(t, fields), {"_new", nil}, {"data.tar", data}, {"later", nil}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := readDeb(bytes.NewReader(pack(tt.members...)))
			if err != nil {
				t.Fatal(err)
			}
			if got := d.control.Get("Package"); got != "hello" {
				t.Errorf("package %q", got)
			}
			if diff := cmp.Diff([]string{"usr", "usr/bin", "usr/bin/hello"}, d.files.Paths()); diff != "" {
				t.Error(diff)
			}
			if e, _ := d.files.Lookup("usr/bin/hello"); string(e.Data) != "hello\n" || e.Mode != filetree.Regular|0o755 {
				t.Errorf("%o %q", e.Mode, e.Data)
			}
		})
	}
}

func TestReadDebRefuses(t *testing.T) {
	data := member{"data.tar", tarOf(t, regular("./hello", "hello\n"))}
	good := pack(version, control(t, fields), data)
	zipped := zip(t, data.data)
	damaged := bytes.Clone(zipped)
	damaged[len(damaged)-5] ^= 1 // the size
	xz := xzData(t)
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "no ar archive"},
		{"text", []byte("<html>not found</html>"), "no ar archive"},
		{"no members", pack(), "does not begin with debian-binary"},
		{"other archive", pack(member{"a.o", nil}), "does not begin with debian-binary"},
		{"version", pack(member{"debian-binary", []byte("3.0\n")}), `version "3.0"`},
		{"no control", pack(version), "no control.tar in it"},
		{"no control file", pack(version, member{"control.tar", tarOf(t)}), "no file control"},
		{"bad control file", pack(version, control(t, "hello\n")), "is no field"},
		{"no data", pack(version, control(t, fields)), "no data.tar in it"},
		{"wrong order", pack(version, data, control(t, fields)), `"data.tar" where control.tar must be`},
		{"unknown compression", pack(version, control(t, fields), member{"data.tar.lz4", nil}), `".lz4", which is not supported`},
		{"truncated header", good[:len(arMagic)+30], "does not begin with debian-binary"},
		{"truncated control", good[:len(arMagic)+300], "ends too early"},
		{"truncated data", good[:len(good)-700], "ends too early"},
		{"truncated padding of the tar archive", good[:len(good)-10], "ends too early"},
		{"no size", bytes.Replace(good, []byte("4         `"), []byte("-4        `"), 1), "does not begin with debian-binary"},
		{"no second header", bytes.Replace(good, []byte("\ncontrol.tar"), []byte("\n\ncontrol.tar"), 1), "no header of a member"},
		{"truncated gzip", pack(version, control(t, fields), member{"data.tar.gz", zipped[:len(zipped)-8]}), "unexpected EOF"},
		{"damaged gzip", pack(version, control(t, fields), member{"data.tar.gz", damaged}), "invalid checksum"},
		{"truncated xz", pack(version, control(t, fields), member{"data.tar.xz", xz[:len(xz)-20]}), "truncated"},
		{"garbage for zstd", pack(version, control(t, fields), member{"data.tar.zst", []byte("garbage garbage")}), "data.tar.zst: "},
		{"climbing name", pack(version, control(t, fields), member{"data.tar", tarOf(t, regular("../etc/passwd", "x"))}), "climbs"},
		{"absolute name", pack(version, control(t, fields), member{"data.tar", tarOf(t, regular("/etc/passwd", "x"))}), "absolute"},
		{"too much behind the end", pack(version, control(t, fields), member{"data.tar.gz", zip(t, append(bytes.Clone(data.data), make([]byte, 2*maxTail)...))}), "too large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readDeb(bytes.NewReader(tt.data))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestBomb has a member that is small as long as it is compressed.
func TestBomb(t *testing.T) {
	const limit = 1 << 20
	zeros := strings.Repeat("\x00", limit+1)
	bomb := bytes.NewReader(zst(t, tarOf(t, regular("zeros", zeros))))
	if _, err := readMember(bomb, ".zst", limit); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("one file: %v", err)
	}
	folders := bytes.Repeat(tarOf(t, tar.Header{Typeflag: tar.TypeDir, Name: "a"})[:512], 4*limit/512)
	bomb = bytes.NewReader(zst(t, folders))
	if _, err := readMember(bomb, ".zst", limit); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("one folder many times: %v", err)
	}
}

func FuzzReadDeb(f *testing.F) {
	data := tarOf(f, regular("./bin/hello", "hello\n"))
	f.Add(pack(version, control(f, fields), member{"data.tar", data}))
	f.Add(pack(version, member{"control.tar.gz", zip(f, control(f, fields).data)}, member{"data.tar.zst", zst(f, data)}))
	xz := xzData(f)
	f.Add(pack(version, control(f, fields), member{"data.tar.xz", xz}))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := readDeb(bytes.NewReader(data))
		if err != nil {
			return
		}
		merged, err := mergeUsr(d.files)
		if err != nil {
			return
		}
		for _, name := range aliases {
			if e, _ := merged.Lookup(name); e.Type() != filetree.Symlink {
				t.Errorf("/%s is no link", name)
			}
		}
	})
}
