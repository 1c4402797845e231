package debian

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"kevlar/host/initramfs/filetree"
)

// aliases are the folders at the top that are links to those of the same names below usr.
var aliases = []string{"bin", "lib", "lib64", "sbin"}

// mergeUsr moves the files of a package into the layout in which the folders of aliases are links.
// It is the only one that Debian supports since version 12, where packages still ship files on both
// sides and a maintainer script makes the links; later a program's interpreter, say
// /lib64/ld-linux-x86-64.so.2, is found through such a link only. Every package gets all links, so
// that it does not matter which packages come together.
//
// Two files that come to be at the same place are an error. A link to the file of the same name on
// the other side would come to point at itself and is left out.
func mergeUsr(files *filetree.Tree) (*filetree.Tree, error) {
	merged := filetree.New()
	for _, dir := range aliases {
		merged.Dir(behind(dir), 0o755)
		merged.Link(dir, behind(dir))
	}
	for n := range files.All() {
		where := behind(n.Path)
		if n.Type() == filetree.Symlink && target(n) == where {
			continue
		}
		if slices.Contains(aliases, n.Path) && n.Type() != filetree.Dir {
			return nil, fmt.Errorf("/%s is neither a folder nor a link to /%s", n.Path, where)
		}
		if other, ok := merged.Lookup(where); ok && (other.Type() != filetree.Dir || n.Type() != filetree.Dir) {
			return nil, fmt.Errorf("/%s is not the only file that is to be at /%s", n.Path, where)
		}
		var err error
		if n.First != n.Path {
			err = merged.HardLink(where, behind(n.First))
		} else {
			err = merged.Insert(where, n.Entry)
		}
		if err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// behind returns the path, relative to the root, behind the links of aliases.
func behind(name string) string {
	top, _, _ := strings.Cut(name, "/")
	if slices.Contains(aliases, top) {
		return path.Join("usr", name)
	}
	return name
}

// target returns the path, relative to the root, that a symbolic link leads to, if there are no other
// links on the way than those of aliases.
func target(n filetree.Name) string {
	to := string(n.Data)
	if !path.IsAbs(to) {
		to = path.Join("/", path.Dir(n.Path), to)
	}
	return behind(strings.TrimPrefix(path.Clean(to), "/"))
}
