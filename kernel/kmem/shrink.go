package kmem

import "sync"

// A Shrinker drops what can be made again, such as dentries that nobody uses,
// until about so many bytes are uncharged from account a, of the machine's any,
// and returns how many were. It is called with locks of the caller of Charge
// held: it takes its own only if they are free, or are leaves under which nothing
// is charged; it waits for nothing and charges nothing.
type Shrinker func(a *Account, bytes int64) (freed int64)

var shrinkers struct {
	mu   sync.Mutex // one shrinks at a time; a leaf but for what shrinkers try
	list []namedShrinker
}

type namedShrinker struct {
	name   string
	shrink Shrinker
	freed  int64 // bytes since boot
}

// RegisterShrinker adds s to those that are asked when memory is short, in
// order of registration.
func RegisterShrinker(name string, s Shrinker) {
	shrinkers.mu.Lock()
	defer shrinkers.mu.Unlock()
	shrinkers.list = append(shrinkers.list, namedShrinker{name: name, shrink: s})
}

// Shrink makes the shrinkers free about so many bytes of a, or of all if a is
// the machine's, and returns how many were uncharged.
func Shrink(a *Account, bytes int64) (freed int64) {
	a = a.orMachine()
	shrinkers.mu.Lock()
	defer shrinkers.mu.Unlock()
	for i := range shrinkers.list {
		s := &shrinkers.list[i]
		n := s.shrink(a, bytes-freed)
		s.freed += n
		if freed += n; freed >= bytes {
			break
		}
	}
	return freed
}

// EachShrinker calls f for every shrinker with what it has freed since boot.
func EachShrinker(f func(name string, freed int64)) {
	shrinkers.mu.Lock()
	defer shrinkers.mu.Unlock()
	for i := range shrinkers.list {
		f(shrinkers.list[i].name, shrinkers.list[i].freed)
	}
}
