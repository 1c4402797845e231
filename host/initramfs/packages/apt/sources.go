package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// takeSources copies the configured sources, with the host's preferences if they are the host's
// sources, into a folder of lists.
func (l *Lists) takeSources(ctx context.Context, lists string) error {
	if l.cfg.Sources != "" {
		text, name, err := l.ownSources()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(lists, "sources", name), text, 0o644)
	}
	host, err := hostPlaces(ctx)
	if err != nil {
		return err
	}
	found := false
	sources := func(text []byte, ext string) []byte {
		text = ofKind(text, ext, l.cfg.Kind)
		found = found || oneLine.Match(text) || types.Match(text)
		return text
	}
	if err := copyFile(host["LIST"], filepath.Join(lists, "sources", "main.list"), sources); err != nil {
		return err
	}
	if err := copyParts(host["PARTS"], filepath.Join(lists, "sources"), sources); err != nil {
		return err
	}
	if !found {
		return errors.New("APT has no sources on this machine; see sources.list(5)")
	}
	asIs := func(text []byte, ext string) []byte { return text }
	if err := copyFile(host["PREFS"], filepath.Join(lists, "preferences", "main"), asIs); err != nil {
		return err
	}
	return copyParts(host["PREFPARTS"], filepath.Join(lists, "preferences"), asIs)
}

// own begins the name of the file, in a folder of lists, that holds the configuration's own sources.
// The lists of the host's sources have no such file.
const own = "kevlar-own"

// sameSources says whether the lists came from the sources that the configuration names.
func (l *Lists) sameSources() (bool, error) {
	if l.cfg.Sources == "" {
		for _, ext := range []string{".list", ".sources"} {
			if _, err := os.Stat(l.dir.Path(current, "sources", own+ext)); err == nil {
				return false, nil
			}
		}
		return true, nil
	}
	want, name, err := l.ownSources()
	if err != nil {
		return false, err
	}
	got, err := os.ReadFile(l.dir.Path(current, "sources", name))
	return err == nil && bytes.Equal(got, want), nil
}

// ownSources returns the configuration's own sources and the name of their file.
func (l *Lists) ownSources() (text []byte, name string, err error) {
	ext := filepath.Ext(l.cfg.Sources)
	if ext != ".list" && ext != ".sources" {
		return nil, "", fmt.Errorf("%s: the name of a file of sources ends with .list or .sources", l.cfg.Sources)
	}
	text, err = os.ReadFile(l.cfg.Sources)
	return ofKind(text, ext, l.cfg.Kind), own + ext, err
}

// hostPlaces returns where the host's configuration of APT has its sources and preferences.
func hostPlaces(ctx context.Context) (map[string]string, error) {
	cmd := exec.CommandContext(ctx, "apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d",
		"PREFS", "Dir::Etc::preferences/f", "PREFPARTS", "Dir::Etc::preferencesparts/d")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("apt-config: %v", err)
	}
	places := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), "=")
		places[name] = strings.Trim(path, "'")
	}
	return places, nil
}

// copyFile copies a file through a function that also gets the extension of its name. There may be
// no such file.
func copyFile(from, to string, change func(text []byte, ext string) []byte) error {
	text, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(to, change(text, filepath.Ext(to)), 0o644)
}

// copyParts copies the files of a folder, which may not be there, except those that APT ignores.
func copyParts(from, to string, change func(text []byte, ext string) []byte) error {
	files, err := os.ReadDir(from)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, f := range files {
		switch filepath.Ext(f.Name()) {
		case ".list", ".sources", ".pref", "":
			if err := copyFile(filepath.Join(from, f.Name()), filepath.Join(to, f.Name()), change); err != nil {
				return err
			}
		}
	}
	return nil
}

var (
	oneLine = regexp.MustCompile(`(?m)^([ \t]*)deb(?:-src)?([ \t])`)
	types   = regexp.MustCompile(`(?mi)^(Types:).*$`)
)

// ofKind turns sources into those of a kind of package: who publishes a binary package publishes its
// source beside it. Ext tells the format, as in sources.list(5).
func ofKind(text []byte, ext string, kind Kind) []byte {
	switch {
	case kind == Binary:
		return text // lists of source packages do no harm
	case ext == ".sources":
		return types.ReplaceAll(text, []byte("$1 deb-src"))
	}
	return oneLine.ReplaceAll(text, []byte("${1}deb-src$2"))
}
