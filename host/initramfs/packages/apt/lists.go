// Package apt runs Debian's APT on lists of packages of its own. The host's sources, keys and proxies
// are used, but nothing of the host is changed, so that any user may run it; and no package counts as
// installed, so that everything a package depends on is found.
package apt

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"kevlar/host/cache"
	"kevlar/host/progress"
)

// Kind is a type of package, as sources.list(5) has it.
type Kind string

const (
	Binary Kind = "deb"
	Source Kind = "deb-src"
)

// Config says where lists of packages come from.
type Config struct {
	Dir     string // where they are kept; made if it is not there
	Kind    Kind
	Sources string // a .list or .sources file, see sources.list(5), in place of the host's; "" for those
	Update  bool   // get the lists anew before they are first used, even if they are there
	Report  *progress.Reporter
}

// Lists are lists of packages. Its methods may be called from several goroutines, and several
// processes may use the same folder.
//
// The lists are in the folder "current", with the sources that they came from. They are fetched into
// a folder beside it that then takes its place, so that they are always complete.
type Lists struct {
	cfg Config
	dir cache.Dir

	mu  sync.Mutex
	old bool // an update was asked for and has not been done
}

const (
	current     = "current"     // the folder of the lists
	fingerprint = "fingerprint" // the file in it that is written last
)

//go:embed apt.conf
var conf []byte

// Open returns the lists in a folder, which may have none yet.
func Open(cfg Config) (*Lists, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, errors.New("apt-get is not on this machine; packages of Debian need it")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	cfg.Dir = dir
	return &Lists{cfg: cfg, dir: cache.Dir(dir), old: cfg.Update}, nil
}

// Fingerprint identifies the lists: it is a digest of them all. It is empty if there are none, if
// they are to be fetched anew, and if they came from other sources than the configuration's. It
// does not notice that the host's own sources were changed.
func (l *Lists) Fingerprint() (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fingerprint()
}

// fingerprint is Fingerprint for a caller that holds the mutex.
func (l *Lists) fingerprint() (string, error) {
	if l.old {
		return "", nil
	}
	if same, err := l.sameSources(); err != nil || !same {
		return "", err
	}
	print, err := os.ReadFile(l.dir.Path(current, fingerprint))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(print), err
}

// Get runs apt-get on the lists, which are fetched first if need be, and returns what it prints.
func (l *Lists) Get(ctx context.Context, args ...string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	unlock, err := l.lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	print, err := l.fingerprint()
	if err != nil {
		return "", err
	}
	if print == "" {
		l.cfg.Report.Step("fetching the lists of packages (%s)", l.cfg.Kind)
		if err := l.update(ctx); err != nil {
			return "", err
		}
		l.old = false
	}
	return run(ctx, "apt-get", l.dir.Path(current), args...)
}

// lock keeps other processes off the lists.
func (l *Lists) lock(ctx context.Context) (unlock func(), err error) {
	type result struct {
		unlock func()
		err    error
	}
	locked := make(chan result, 1)
	go func() {
		unlock, err := l.dir.Lock("lists")
		locked <- result{unlock, err}
	}()
	select {
	case r := <-locked:
		return r.unlock, r.err
	case <-ctx.Done():
		go func() {
			if r := <-locked; r.err == nil {
				r.unlock()
			}
		}()
		return nil, ctx.Err()
	}
}

// update fetches the lists into a new folder and puts it in the place of the old. The caller has
// locked the lists, so that other new folders are what interrupted processes left.
func (l *Lists) update(ctx context.Context) error {
	left, err := os.ReadDir(l.cfg.Dir)
	if err != nil {
		return err
	}
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), "new-") {
			if err := os.RemoveAll(l.dir.Path(entry.Name())); err != nil {
				return err
			}
		}
	}
	tmp, err := os.MkdirTemp(l.cfg.Dir, "new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := prepare(tmp); err != nil {
		return err
	}
	if err := l.takeSources(ctx, tmp); err != nil {
		return err
	}
	if _, err := run(ctx, "apt-get", tmp, "update", "-q"); err != nil {
		return fmt.Errorf("the lists of packages: %w", err)
	}
	print, err := digest(filepath.Join(tmp, "lists"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, fingerprint), []byte(print), 0o644); err != nil {
		return err
	}
	former := tmp + ".old"
	defer os.RemoveAll(former)
	if err := os.Rename(l.dir.Path(current), former); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(tmp, l.dir.Path(current))
}

// prepare makes what APT needs in a folder. The list of installed packages is empty.
func prepare(dir string) error {
	for _, sub := range []string{"lists/partial", "cache/archives/partial", "sources", "preferences"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "status"), nil, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "apt.conf"), conf, 0o644)
}

// digest returns the digest of the files in a folder and their names.
func digest(dir string) (string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, entry := range files {
		if !entry.Type().IsRegular() || entry.Name() == "lock" {
			continue
		}
		f, err := os.Open(filepath.Join(dir, entry.Name()))
		if err != nil {
			return "", err
		}
		part := sha256.New()
		size, err := io.Copy(part, f)
		f.Close()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d %x\n", entry.Name(), size, part.Sum(nil))
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
