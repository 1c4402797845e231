package alpine

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The indexes of all repositories are kept in one file, so that they change together: a line with
// the SHA-256, the size and the name of each, an empty line, and the indexes as they came, signed.
// The lines alone tell one state of the lists from another.

// lists is what the indexes say.
type lists struct {
	state  string             // the lines at the head of the file
	offers map[string][]offer // by the name that is offered, the most preferable first
}

// offer is a package under one of the names that it can be had by.
type offer struct {
	pkg     *pkg
	version string // of the name, not the package; empty if there is none
}

// prefer is negative if a is to be taken rather than b for the name that they both offer. As apk has
// it, the version of the name counts first, then the priority that packages declare, then the order
// of the repositories.
func prefer(a, b offer) int {
	switch {
	case a.version == "" && b.version != "":
		return 1
	case a.version != "" && b.version == "":
		return -1
	}
	c := -compareVersions(a.version, b.version, false)
	if c == 0 && a.pkg.name == b.pkg.name {
		c = -compareVersions(a.pkg.version, b.pkg.version, false)
	}
	return cmp.Or(c,
		cmp.Compare(b.pkg.priority, a.pkg.priority),
		cmp.Compare(a.pkg.repository, b.pkg.repository),
		strings.Compare(a.pkg.name, b.pkg.name))
}

func newLists(state string, packages []*pkg) *lists {
	l := &lists{state: state, offers: map[string][]offer{}}
	for _, p := range packages {
		for _, o := range p.offers {
			l.offers[o.name] = append(l.offers[o.name], offer{p, o.version})
		}
	}
	for _, all := range l.offers {
		slices.SortStableFunc(all, prefer)
	}
	return l
}

// load returns the lists that the file holds. Without a file, or with a damaged one, they are fetched.
func (p *Provider) load(ctx context.Context) (*lists, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, err := p.stored()
	if l == nil && err == nil {
		return p.fetch(ctx)
	}
	return l, err
}

// stored returns the lists that the file holds, nil if it is missing or damaged. The caller holds mu.
func (p *Provider) stored() (*lists, error) {
	file, err := os.ReadFile(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	state, rest := splitState(file)
	if p.lists != nil && p.lists.state == state {
		return p.lists, nil
	}
	indexes := make([][]byte, len(p.repositories))
	for i, line := range strings.Split(state, "\n") {
		var sum string
		var size int
		fmt.Sscan(line, &sum, &size) // a line with something else in it does not stand the comparison below
		if i == len(indexes) || size < 0 || size > len(rest) {
			return nil, nil
		}
		indexes[i], rest = rest[:size], rest[size:]
	}
	if p.stateOf(indexes) != state {
		return nil, nil
	}
	return p.take(indexes)
}

// maxState is more than the lines at the head of the file have, in bytes.
const maxState = 64 << 10

// splitState takes the lines at its head off the file of lists. There are none in a file that holds
// something else.
func splitState(file []byte) (state string, rest []byte) {
	head, rest, ok := bytes.Cut(file, []byte("\n\n"))
	if !ok || len(head) > maxState {
		return "", nil
	}
	return string(head), rest
}

// storedState reads the lines at the head of the file of lists, and no more. There are none if it is
// missing.
func (p *Provider) storedState() (string, error) {
	f, err := os.Open(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, maxState+2))
	state, _ := splitState(head)
	return state, err
}

// stateOf makes the lines for the head of the file.
func (p *Provider) stateOf(indexes [][]byte) string {
	lines := make([]string, len(indexes))
	for i, index := range indexes {
		lines[i] = fmt.Sprintf("%x %d %s", sha256.Sum256(index), len(index), p.repositories[i])
	}
	return strings.Join(lines, "\n")
}

// take checks and reads the indexes of all repositories, and keeps what they say.
func (p *Provider) take(indexes [][]byte) (*lists, error) {
	var all []*pkg
	for i, index := range indexes {
		packages, err := p.keys.openIndex(index)
		if err != nil {
			return nil, fmt.Errorf("alpine repository %s: the index: %v", p.repositories[i], err)
		}
		for _, one := range packages {
			one.repository = i
		}
		all = append(all, packages...)
	}
	p.lists = newLists(p.stateOf(indexes), all)
	return p.lists, nil
}

// fetch gets the indexes from the mirror and stores them if all are good. The caller holds mu.
func (p *Provider) fetch(ctx context.Context) (*lists, error) {
	indexes := make([][]byte, len(p.repositories))
	for i, name := range p.repositories {
		var err error
		indexes[i], err = get(ctx, p.address(i, "APKINDEX.tar.gz"), maxArchive, p.patience)
		if err != nil {
			return nil, fmt.Errorf("alpine repository %s: %w", name, err)
		}
	}
	l, err := p.take(indexes)
	if err != nil {
		return nil, err
	}
	return l, p.store(l.state, indexes)
}

// store writes the file of lists beside the old one, and puts it in its place.
func (p *Provider) store(state string, indexes [][]byte) error {
	if err := os.MkdirAll(filepath.Dir(p.file), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(p.file), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if _, err := io.WriteString(tmp, state+"\n\n"); err != nil {
		return err
	}
	for _, index := range indexes {
		if _, err := tmp.Write(index); err != nil {
			return err
		}
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), p.file)
}
