package compile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Shadows are the files that a compiler may take for a header, if they appear, in place of the one that
// it has read: those of the same name in a folder that it searches.
type Shadows struct {
	Folders []string // that are searched for headers, relative to the manifest's folder or absolute
	Present []string // files of a header's name in them that were there, but are not what was read
}

// includeFolders returns where, besides the folders of the system, headers may come from: the folders of
// the program's own files, and those that the flags name.
func includeFolders(flags []string, files []fileInput) (folders []string) {
	add := func(folder string) {
		if folder != "" && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	for _, f := range files {
		if !filepath.IsAbs(f.Path) {
			add(filepath.Dir(f.Path))
		}
	}
	for i, f := range flags {
		for _, option := range []string{"-I", "-iquote", "-isystem", "-idirafter"} {
			folder, ok := strings.CutPrefix(f, option)
			if ok && folder == "" && i+1 < len(flags) {
				folder = flags[i+1]
			}
			if ok {
				add(folder)
			}
		}
	}
	return folders
}

// present returns the files in the folders that have the name of a header and are not in the list. A
// header may be included by its name alone or with one or two folders before it, as <sys/stat.h> is.
func (t *Toolbox) present(dir string, folders []string, files []fileInput) (list []string) {
	known := map[string]bool{}
	for _, f := range files {
		known[filepath.Clean(f.Path)] = true
	}
	for _, f := range files {
		if f.What != "header" {
			continue
		}
		parts := strings.Split(filepath.Clean(f.Path), "/")
		for n := 1; n <= min(3, len(parts)); n++ {
			name := filepath.Join(parts[len(parts)-n:]...)
			for _, folder := range folders {
				path := filepath.Join(folder, name)
				if !known[path] && t.exists(absolute(dir, path)) {
					list = append(list, path)
				}
			}
		}
	}
	return list
}

// exists says whether a file is there. It looks once, as programs have most headers in common.
func (t *Toolbox) exists(path string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	there, ok := t.there[path]
	if !ok {
		_, err := os.Stat(path)
		there = err == nil
		t.there[path] = there
	}
	return there
}
