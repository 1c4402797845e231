package vfs

// A Map is a map that gives memory back as keys are deleted, which Go's maps do
// not. The zero value is empty and ready for use.
type Map[K comparable, V any] struct {
	m map[K]V
	// most is how many keys there were since the map was made.
	most int
}

// Names is a map from names.
type Names[V any] = Map[string, V]

// Get returns the value of a key, and whether there is one.
func (m *Map[K, V]) Get(key K) (V, bool) {
	v, ok := m.m[key]
	return v, ok
}

// Len returns the number of keys.
func (m *Map[K, V]) Len() int { return len(m.m) }

// Set gives a key a value.
func (m *Map[K, V]) Set(key K, v V) {
	if m.m == nil {
		m.m = make(map[K]V)
	}
	m.m[key] = v
	m.most = max(m.most, len(m.m))
}

// Delete removes a key.
func (m *Map[K, V]) Delete(key K) {
	delete(m.m, key)
	const few = 32
	if len(m.m) > m.most/4 || m.most <= few {
		return
	}
	left := make(map[K]V, len(m.m))
	for key, v := range m.m {
		left[key] = v
	}
	m.m, m.most = left, len(left)
}

// Each calls f for all keys in no particular order. f may delete the key that it
// is given.
func (m *Map[K, V]) Each(f func(key K, v V)) {
	for key, v := range m.m {
		f(key, v)
	}
}
