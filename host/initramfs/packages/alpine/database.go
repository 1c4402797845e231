package alpine

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"kevlar/host/initramfs/filetree"
	"kevlar/host/initramfs/packages"
)

// Database returns the files by which apk in the guest knows what is installed: etc/apk/world with the
// names that were asked for, and lib/apk/db/installed with the packages and the files in each. The
// trees are what Fetch returned for the packages of the list. The scripts of the packages are not in
// the database, so that apk does not run those for their removal either.
//
// The lists must be those from which the packages were resolved; it is an error if a package is not in
// them.
func (p *Provider) Database(names []string, list []packages.Package, trees []*filetree.Tree) (*filetree.Tree, error) {
	if len(list) != len(trees) {
		return nil, errors.New("alpine: not as many trees as packages")
	}
	if _, err := parseRoots(names); err != nil {
		return nil, err
	}
	l, err := p.loadStored()
	if err != nil {
		return nil, err
	}
	var installed strings.Builder
	for i, one := range list {
		found := l.find(one)
		if found == nil {
			return nil, fmt.Errorf("alpine package %s-%s: it is not in the stored index", one.Name, one.Version)
		}
		installed.WriteString(found.record + "\n")
		if err := writeFiles(&installed, trees[i]); err != nil {
			return nil, fmt.Errorf("alpine package %s-%s: %v", one.Name, one.Version, err)
		}
		installed.WriteString("\n")
	}
	t := filetree.New()
	t.File("lib/apk/db/installed", 0o644, []byte(installed.String()))
	t.File("etc/apk/world", 0o644, []byte(strings.Join(slices.Sorted(slices.Values(names)), "\n")+"\n"))
	return t, nil
}

// loadStored returns the lists in the file. It is an error if there are none.
func (p *Provider) loadStored() (*lists, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, err := p.stored()
	if l == nil && err == nil {
		err = errors.New("alpine: no index is stored")
	}
	return l, err
}

// find returns the package of the lists that Resolve described so; nil if there is none.
func (l *lists) find(one packages.Package) *pkg {
	for _, o := range l.offers[one.Name] {
		if o.pkg.name == one.Name && o.pkg.version == one.Version && digestPrefix+o.pkg.checksum == one.Digest {
			return o.pkg
		}
	}
	return nil
}

// writeFiles writes the lines for the files of a package: for each folder an "F:" with its path, then
// for each file in it an "R:" with its name. Owner and mode follow if they are not the usual ones, and
// the SHA-1 of a file or of a link's target.
func writeFiles(b *strings.Builder, t *filetree.Tree) error {
	inside := map[string][]filetree.Name{}
	folders := []filetree.Name{{Entry: filetree.Entry{Mode: filetree.Dir | 0o755}}} // the root
	for n := range t.All() {
		if strings.Contains(n.Path, "\n") {
			return fmt.Errorf("%q: apk's database has no room for a name with a line break", n.Path)
		}
		if n.Type() == filetree.Dir {
			folders = append(folders, n)
			continue
		}
		dir := path.Dir(n.Path)
		if dir == "." {
			dir = ""
		}
		inside[dir] = append(inside[dir], n)
	}
	for _, folder := range folders {
		if folder.Path == "" && len(inside[""]) == 0 {
			continue
		}
		fmt.Fprintf(b, "F:%s\n", folder.Path)
		writeOwner(b, 'M', folder.Entry, 0o755)
		for _, n := range inside[folder.Path] {
			fmt.Fprintf(b, "R:%s\n", path.Base(n.Path))
			writeOwner(b, 'a', n.Entry, 0o644)
			if t := n.Type(); t == filetree.Regular || t == filetree.Symlink {
				sum := sha1.Sum(n.Data)
				fmt.Fprintf(b, "Z:Q1%s\n", base64.StdEncoding.EncodeToString(sum[:]))
			}
		}
	}
	return nil
}

// writeOwner writes the line with owner and mode, unless they are root and the usual mode.
func writeOwner(b *strings.Builder, field byte, e filetree.Entry, usual uint32) {
	if perm := e.Mode &^ filetree.TypeMask; e.UID != 0 || e.GID != 0 || perm != usual {
		fmt.Fprintf(b, "%c:%d:%d:%o\n", field, e.UID, e.GID, perm)
	}
}
