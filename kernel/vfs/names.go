package vfs

// A Names is a map from names that gives memory back as names are deleted, which
// Go's maps do not. The zero value is empty and ready for use.
type Names[V any] struct {
	m map[string]V
	// most is how many names there were since the map was made.
	most int
}

// Get returns the value of a name, and whether there is one.
func (n *Names[V]) Get(name string) (V, bool) {
	v, ok := n.m[name]
	return v, ok
}

// Len returns the number of names.
func (n *Names[V]) Len() int { return len(n.m) }

// Set gives a name a value.
func (n *Names[V]) Set(name string, v V) {
	if n.m == nil {
		n.m = make(map[string]V)
	}
	n.m[name] = v
	n.most = max(n.most, len(n.m))
}

// Delete removes a name.
func (n *Names[V]) Delete(name string) {
	delete(n.m, name)
	const few = 32
	if len(n.m) > n.most/4 || n.most <= few {
		return
	}
	m := make(map[string]V, len(n.m))
	for name, v := range n.m {
		m[name] = v
	}
	n.m, n.most = m, len(m)
}

// Each calls f for all names in no particular order.
func (n *Names[V]) Each(f func(name string, v V)) {
	for name, v := range n.m {
		f(name, v)
	}
}
