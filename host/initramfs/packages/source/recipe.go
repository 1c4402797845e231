package source

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Recipe tells how a source package of Debian is built, and which files are wanted of it.
//
// Configure and Build are scripts for /bin/sh -e, run one after the other in the unpacked sources,
// with Debian's patches in them. Besides Env they find in their environment CC, CFLAGS, MAKEFLAGS
// for all CPUs, and CONFIG, the path of a file that holds Config.
type Recipe struct {
	Name      string            `toml:"name"`      // of the source package
	Version   string            `toml:"version"`   // of the source package; "" is the newest
	Needs     []string          `toml:"needs"`     // Debian packages that must be on the host, beyond those of every build
	Env       map[string]string `toml:"env"`       // more environment variables
	Config    string            `toml:"config"`    // the text of a configuration file
	Configure string            `toml:"configure"` // the script that prepares the build
	Build     string            `toml:"build"`     // the script that builds
	Install   []Install         `toml:"install"`   // what is kept
}

// Install is a built file, or a folder with all that is in it. Its owner is root.
type Install struct {
	From  string   `toml:"from"`  // its path in the sources
	To    string   `toml:"to"`    // its path in the root file system
	Mode  uint32   `toml:"mode"`  // permissions of a file; 0 is 755, and a folder's files have 755 or 644
	Links []string `toml:"links"` // paths of symbolic links to it
}

//go:embed recipes
var shipped embed.FS

// Shipped returns the recipe of that name that comes with Kevlar.
func Shipped(name string) (Recipe, error) {
	if !names.MatchString(name) {
		return Recipe{}, fmt.Errorf("%q is not the name of a source package", name)
	}
	text, err := shipped.ReadFile("recipes/" + name + ".toml")
	if err != nil {
		return Recipe{}, fmt.Errorf("source package %s: there is no recipe for it", name)
	}
	var r Recipe
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Recipe{}, fmt.Errorf("recipes/%s.toml: %v", name, err)
	}
	return r, r.Check()
}

// The syntax of names and versions is that of deb-src-control(5) and deb-version(7).
var (
	names    = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	versions = regexp.MustCompile(`^[A-Za-z0-9.+~:-]*$`)
	envNames = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Check says what is wrong with a recipe.
func (r *Recipe) Check() error {
	if !names.MatchString(r.Name) {
		return fmt.Errorf("%q is not the name of a source package", r.Name)
	}
	if err := r.check(); err != nil {
		return fmt.Errorf("recipe of %s: %w", r.Name, err)
	}
	return nil
}

func (r *Recipe) check() error {
	if !versions.MatchString(r.Version) {
		return fmt.Errorf("%q is not a version", r.Version)
	}
	for _, name := range r.Needs {
		if !names.MatchString(name) {
			return fmt.Errorf("%q is not the name of a package", name)
		}
	}
	for name, value := range r.Env {
		if !envNames.MatchString(name) || strings.Contains(value, "\x00") {
			return fmt.Errorf("%q cannot be in the environment", name)
		}
	}
	if r.Build == "" {
		return errors.New("nothing is built")
	}
	if len(r.Install) == 0 {
		return errors.New("nothing is installed")
	}
	for _, i := range r.Install {
		if err := i.check(); err != nil {
			return err
		}
	}
	return nil
}

func (i *Install) check() error {
	if i.From == "" || path.IsAbs(i.From) || climbs(i.From) {
		return fmt.Errorf("install from %q: not a path in the sources", i.From)
	}
	for _, to := range append([]string{i.To}, i.Links...) {
		if climbs(to) || path.Clean("/"+to) == "/" && (to == "" || len(i.Links) > 0) {
			return fmt.Errorf("install to %q: not a path in the root file system", to)
		}
	}
	if i.Mode > 0o7777 {
		return fmt.Errorf("install to %q: %o is not a mode", i.To, i.Mode)
	}
	return nil
}

func climbs(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}
