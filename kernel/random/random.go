// Package random is the system's random number generator: ChaCha8, keyed by
// what hardware and users have added, and rekeyed as it is read so that an
// earlier output cannot be computed from a later state.
package random

import (
	"math/rand/v2"
	"sync"
)

// rekeyAfter is how many bytes one key gives.
const rekeyAfter = 1 << 20

var (
	mu   sync.Mutex
	gen  = rand.NewChaCha8([32]byte{}) // guarded by mu; useless before the first Add
	left int                           // bytes until the next key; guarded by mu
)

// Add mixes b into the key. Nothing is lost if b is known to an attacker.
func Add(b []byte) {
	mu.Lock()
	defer mu.Unlock()
	rekey(b)
}

// rekey derives a new key from the present one and b, a block of it at a time:
// the next key is what the generator gives under the present key with the
// block added. mu is held.
func rekey(b []byte) {
	var key [32]byte
	gen.Read(key[:])
	for first := true; first || len(b) > 0; first = false {
		for i := range min(len(b), len(key)) {
			key[i] ^= b[i]
		}
		b = b[min(len(b), len(key)):]
		gen.Seed(key)
		gen.Read(key[:])
	}
	gen.Seed(key)
	left = rekeyAfter
}

// Read fills b.
func Read(b []byte) {
	mu.Lock()
	defer mu.Unlock()
	for len(b) > 0 {
		if left <= 0 {
			rekey(nil)
		}
		n := min(len(b), left)
		gen.Read(b[:n])
		left -= n
		b = b[n:]
	}
}

// Uint64 returns a random number.
func Uint64() uint64 {
	mu.Lock()
	defer mu.Unlock()
	if left < 8 {
		rekey(nil)
	}
	left -= 8
	return gen.Uint64()
}
