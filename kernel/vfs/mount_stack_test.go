package vfs

import (
	"math/rand"
	"testing"
)

// A placeDir is a directory that is only a place to mount onto.
type placeDir struct {
	ReadOnlyDir
	s *Super
}

func (d *placeDir) Attr() Attr                                                { return Attr{} }
func (d *placeDir) SetAttr(Caller, SetAttr) error                             { return nil }
func (d *placeDir) FS() *Super                                                { return d.s }
func (d *placeDir) Open(Caller, *File) (FileOps, error)                       { return NoFile{}, nil }
func (d *placeDir) Lookup(Caller, string) (Inode, error)                      { return nil, nil }
func (d *placeDir) ReadDir(Caller, int64, func(DirEntry) bool) (int64, error) { return 0, nil }

// TestMountStacks makes random changes to a tree of mounts and compares what the
// stacks say with a walk over the attachments.
func TestMountStacks(t *testing.T) {
	s := &Super{Medium: Memory}
	s.Root = &placeDir{s: s}
	var places []*Dentry // of the one file system that all mounts show
	for range 3 {
		places = append(places, newDentry(s, s.root(), "d", &placeDir{s: s}))
	}
	places = append(places, s.root())
	for seed := range int64(30) {
		r := rand.New(rand.NewSource(seed))
		root, err := NewRootMount(s, 0)
		if err != nil {
			t.Fatal(err)
		}
		ns := root.Mount.ns.Load()
		mounts := func() (list []*Mount) { return ns.some(0, make([]*Mount, 0, 1000)) }
		for range 300 {
			all := mounts()
			m, at := all[r.Intn(len(all))], all[r.Intn(len(all))]
			p := Path{at, places[r.Intn(len(places))]}
			ns.mu.Lock()
			switch place, err := ns.place(p); {
			case err != nil:
				t.Fatal(err)
			case r.Intn(3) == 0 && m != root.Mount && !place.Mount.standsOn(m):
				ns.move(m, place)
			case r.Intn(4) == 0 && m != root.Mount:
				var tree []*Mount
				for x := m; x != nil; x = x.below(m) {
					tree = append(tree, x)
				}
				for i := len(tree) - 1; i >= 0; i-- {
					ns.detach(tree[i])
				}
			case len(all) < 60:
				n, err := newMount(nil, s, places[3-3*r.Intn(2)], "", 0)
				if err != nil {
					t.Fatal(err)
				}
				ns.attach(n, place)
			}
			ns.mu.Unlock()
			for _, m := range mounts() {
				checkStack(t, ns, m)
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
}

// checkStack compares what m's stack says with the attachments.
func checkStack(t *testing.T, ns *Namespace, m *Mount) {
	bottom, level := m, int32(0)
	for a := bottom.at.Load(); a != nil && a.dentry == a.parent.root; a = bottom.at.Load() {
		bottom = a.parent
		level++
	}
	top := m
	for x := ns.at[attachment{top, top.root}]; x != nil; x = ns.at[attachment{top, top.root}] {
		top = x
	}
	if s := m.stack.Load(); s.bottom != bottom || s.top.Load() != top || m.level.Load() != level {
		t.Errorf("mount %d: stack from %d to %d, level %d; it is from %d to %d, level %d",
			m.id, s.bottom.id, s.top.Load().id, m.level.Load(), bottom.id, top.id, level)
	}
	if p := m.Root().down(); p != top.Root() {
		t.Errorf("down from mount %d: %d, want %d", m.id, p.Mount.id, top.id)
	}
	want, ok := m.Root(), false
	if a := bottom.at.Load(); a != nil {
		want, ok = Path{a.parent, a.dentry}, true
	}
	if p, up := m.Root().up(Path{}); p != want || up != ok {
		t.Errorf("up from mount %d: %v, %v", m.id, p, up)
	}
	for x := m; x != bottom; {
		x = x.at.Load().parent
		if p, up := m.Root().up(x.Root()); p != x.Root() || !up {
			t.Errorf("up from mount %d to %d does not stop there", m.id, x.id)
		}
	}
}
