// Package manifest reads what a root file system is to be made of: a file in TOML, of which the one
// that Kevlar comes with, host/initramfs/default.toml, is an example with explanations.
package manifest

import (
	"io/fs"
	"os"
	"path/filepath"

	"kevlar/host/initramfs/packages/source"
)

// A Manifest is what a root file system is made of. Later kinds in it replace files of earlier ones, in
// the order of the fields here.
type Manifest struct {
	// Name is what messages call the manifest: the path of its file.
	Name string `toml:"-"`
	// Dir is the folder to which the paths of sources are relative. It is absolute.
	Dir string `toml:"-"`
	// Embedded, if it is not nil, has the sources of files in place of Dir.
	Embedded fs.FS `toml:"-"`

	Debian Debian `toml:"debian"`
	Alpine Alpine `toml:"alpine"`
	Source Source `toml:"source"`

	Packages []Packages `toml:"packages"`
	Busybox  []Busybox  `toml:"busybox"`
	Folders  []Folder   `toml:"folder"`
	C        []C        `toml:"c"`
	Go       []Go       `toml:"go"`
	Dirs     []Dir      `toml:"dir"`
	Links    []Link     `toml:"link"`
	Devices  []Device   `toml:"device"`
	Files    []File     `toml:"file"`

	described map[string]Pos // all paths that are given in full
}

// Debian says where Debian's packages come from.
type Debian struct {
	Sources string `toml:"sources"` // a file as in sources.list(5), in place of the host's
}

// Alpine says where Alpine's packages come from.
type Alpine struct {
	Mirror       string   `toml:"mirror"`       // URL of the folder that the repositories are in
	Repositories []string `toml:"repositories"` // such as "v3.20/main"
	Keys         []string `toml:"keys"`         // files with the public keys of the signers, in PEM
}

// Source says what is built from Debian's source packages, besides the recipes that Kevlar has.
type Source struct {
	Recipes []source.Recipe `toml:"recipe"`
}

// An Owner is who a file belongs to, the superuser if nothing is said.
type Owner struct {
	UID uint32 `toml:"uid"`
	GID uint32 `toml:"gid"`
}

// Packages are packages of one provider, with all that they depend on.
type Packages struct {
	At    Pos      `toml:"-"`
	From  string   `toml:"from"` // "debian", "alpine" or "source"
	Names []string `toml:"names"`
}

// Busybox is the host's static BusyBox, with links for all its applets but those that packages bring.
type Busybox struct {
	At   Pos    `toml:"-"`
	Path string `toml:"path"`
}

// Folder is a copy of a folder of the host, owned by the superuser, with the files' execute bits.
type Folder struct {
	At     Pos      `toml:"-"`
	Path   string   `toml:"path"`
	Source string   `toml:"source"`
	Skip   []string `toml:"skip"`  // patterns of names to leave out, as for path.Match
	Times  bool     `toml:"times"` // keep the times of its files, on which the archive then depends
}

// C are C programs of one source file each.
type C struct {
	At       Pos      `toml:"-"`
	To       string   `toml:"to"`   // the folder for the programs, which are named after their sources
	Path     string   `toml:"path"` // of the program, if there is one source
	Sources  []string `toml:"sources"`
	Compiler string   `toml:"compiler"` // musl-gcc if nothing is said
	Flags    []string `toml:"flags"`
}

// Go is a Go program, linked statically.
type Go struct {
	At      Pos      `toml:"-"`
	Path    string   `toml:"path"`
	Package string   `toml:"package"` // such as "./cmd/hello"
	Flags   []string `toml:"flags"`   // of go build
}

// Dir is a folder.
type Dir struct {
	At   Pos     `toml:"-"`
	Path string  `toml:"path"`
	Mode *uint32 `toml:"mode"` // 755 if nothing is said
	Owner
}

// File is a regular file.
type File struct {
	At     Pos     `toml:"-"`
	Path   string  `toml:"path"`
	Source string  `toml:"source"` // a file of the host
	Text   *string `toml:"text"`   // in place of Source
	Mode   *uint32 `toml:"mode"`   // 644 if nothing is said
	Owner
}

// Link is a symbolic link.
type Link struct {
	At     Pos    `toml:"-"`
	Path   string `toml:"path"`
	Target string `toml:"target"`
	Owner
}

// Device is a device or a FIFO.
type Device struct {
	At    Pos     `toml:"-"`
	Path  string  `toml:"path"`
	Kind  string  `toml:"kind"` // "char", "block" or "fifo"
	Major uint32  `toml:"major"`
	Minor uint32  `toml:"minor"`
	Mode  *uint32 `toml:"mode"` // 600 if nothing is said
	Owner
}

// Perm returns the mode that was given, or what it is if none was.
func Perm(mode *uint32, otherwise uint32) uint32 {
	if mode == nil {
		return otherwise
	}
	return *mode
}

// Read reads the manifest in a file.
func Read(file string) (*Manifest, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	m, err := Parse(file, text)
	if err != nil {
		return nil, err
	}
	m.Dir = dir
	return m, nil
}

// Described says where in the manifest a path, relative to the root, is described in full: not as that of
// a program which is named after its source. The manifest must have been checked.
func (m *Manifest) Described(path string) (at Pos, ok bool) {
	at, ok = m.described[path]
	return at, ok
}

// SourcePath returns the path on the host of a source that the manifest names.
func (m *Manifest) SourcePath(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(m.Dir, name)
}
