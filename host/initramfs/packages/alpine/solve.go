package alpine

import (
	"fmt"
	"slices"
	"strings"
)

// maxDeadEnds bounds a search, which could take forever.
const maxDeadEnds = 10_000

// resolve returns packages that meet the roots and each other's dependencies, in the order in which
// they are to be unpacked.
func (l *lists) resolve(roots []dependency) ([]*pkg, error) {
	root := &pkg{}
	root.depends, root.excludes = splitDependencies(roots)
	s := solver{lists: l, names: map[string][]offer{}}
	if !s.search(s.add(root)) {
		return nil, s.problem
	}
	return s.order(root), nil
}

// solver is a search for packages that go together. Where there is a choice it takes what is
// preferable, and comes back to it if that leads nowhere.
type solver struct {
	lists    *lists
	chosen   []*pkg             // in the order in which they were chosen
	names    map[string][]offer // what the chosen packages offer
	deadEnds int
	problem  error // at the first dead end, which is that of the choices preferred
}

// need is a dependency that must be met, and the package that has it.
type need struct {
	dependency
	by *pkg
}

// add chooses a package and returns its needs.
func (s *solver) add(p *pkg) []need {
	s.chosen = append(s.chosen, p)
	for _, o := range p.offers {
		s.names[o.name] = append(s.names[o.name], offer{p, o.version})
	}
	needs := make([]need, len(p.depends))
	for i, d := range p.depends {
		needs[i] = need{d, p}
	}
	return needs
}

// undo takes back the choices made last, down to n packages.
func (s *solver) undo(n int) {
	for _, p := range slices.Backward(s.chosen[n:]) {
		for _, o := range slices.Backward(p.offers) {
			s.names[o.name] = s.names[o.name][:len(s.names[o.name])-1]
		}
	}
	s.chosen = s.chosen[:n]
}

// search meets the needs and those of the packages it chooses.
func (s *solver) search(needs []need) bool {
	var open []need // with several packages to choose from and no rule to choose by
	for len(needs) > 0 {
		n := needs[0]
		needs = needs[1:]
		if s.met(n.dependency) {
			continue
		}
		candidates, err := s.candidates(n)
		switch {
		case err != nil:
			return s.deadEnd(err)
		case arbitrary(candidates):
			open = append(open, n)
		case len(candidates) == 1:
			needs = slices.Concat(needs, s.add(candidates[0].pkg), open) // there may be less to choose from now
			open = nil
		default:
			return s.choose(candidates, append(needs, open...))
		}
	}
	if len(open) == 0 {
		return true
	}
	n := open[0]
	candidates, err := s.candidates(n)
	if err == nil {
		err = fmt.Errorf("%s needs %s, which several packages provide; name one of them: %s", n.by, n, join(candidates))
	}
	return s.deadEnd(err)
}

// choose takes the first of the candidates with which the needs can be met.
func (s *solver) choose(candidates []offer, needs []need) bool {
	before := len(s.chosen)
	for _, c := range candidates {
		if s.search(slices.Concat(needs, s.add(c.pkg))) {
			return true
		}
		s.undo(before)
		if s.deadEnds > maxDeadEnds {
			break
		}
	}
	return false
}

// deadEnd notes why the choices made so far lead nowhere.
func (s *solver) deadEnd(problem error) bool {
	s.deadEnds++
	if s.problem == nil {
		s.problem = problem
	}
	return false
}

// met says whether a chosen package meets the dependency.
func (s *solver) met(d dependency) bool {
	return slices.ContainsFunc(s.names[d.name], func(o offer) bool { return d.admits(o.version) })
}

// candidates returns the packages that meet a need and can be added to the chosen ones, the most
// preferable first. There is at least one.
func (s *solver) candidates(n need) ([]offer, error) {
	var list []offer
	var obstacle error
	for _, o := range s.lists.offers[n.name] {
		if !n.admits(o.version) || slices.ContainsFunc(list, func(c offer) bool { return c.pkg == o.pkg }) {
			continue
		}
		if err := s.obstacle(o.pkg); err == nil {
			list = append(list, o)
		} else if obstacle == nil {
			obstacle = err
		}
	}
	switch all := s.lists.offers[n.name]; {
	case len(list) > 0:
		return list, nil
	case obstacle != nil:
		return nil, fmt.Errorf("%s needs %s: %w", n.by, n, obstacle)
	case len(all) > 0:
		return nil, fmt.Errorf("%s needs %s; there is only %s", n.by, n, join(all))
	}
	return nil, fmt.Errorf("%s needs %s, which no package provides", n.by, n)
}

// arbitrary says whether there is a choice among packages that offer a name without a version or a
// priority. Apk leaves that choice to the user, and so does this package.
func arbitrary(list []offer) bool {
	if slices.ContainsFunc(list, func(o offer) bool { return o.version != "" || o.pkg.priority != 0 }) {
		return false
	}
	return slices.ContainsFunc(list, func(o offer) bool { return o.pkg.name != list[0].pkg.name })
}

// obstacle says why a package cannot be added to those that are chosen.
func (s *solver) obstacle(p *pkg) error {
	if p.broken != "" {
		return fmt.Errorf("%s cannot be had: %s", p, p.broken)
	}
	for _, o := range p.offers {
		for _, q := range s.names[o.name] {
			if q.pkg != p && (o.version != "" || q.version != "") {
				return fmt.Errorf("%s and %s exclude each other: both provide %s", p, q.pkg, o.name)
			}
		}
	}
	for _, q := range s.chosen {
		for _, d := range q.excludes {
			if p.meets(d) {
				return fmt.Errorf("%s excludes %s with %s", q, p, d)
			}
		}
	}
	for _, d := range p.excludes {
		for _, q := range s.names[d.name] {
			if d.admits(q.version) {
				return fmt.Errorf("%s excludes %s with %s", p, q.pkg, d)
			}
		}
	}
	return nil
}

// join writes the packages of a list for a message.
func join(list []offer) string {
	const most = 5
	var names []string
	for i, o := range list {
		if i == most {
			names = append(names, "...")
			break
		}
		names = append(names, o.pkg.String())
	}
	return strings.Join(names, ", ")
}

// order returns the chosen packages but the root, those that others depend on first. A package comes
// behind those whose files it declares to replace, so that its own stay.
func (s *solver) order(root *pkg) []*pkg {
	list := postorder([]*pkg{root}, func(p *pkg) []*pkg { return s.meeting(p.depends) })
	list = postorder(list, func(p *pkg) []*pkg { return s.meeting(p.replaces) })
	return slices.DeleteFunc(list, func(p *pkg) bool { return p == root })
}

// meeting returns the chosen packages that meet dependencies.
func (s *solver) meeting(list []dependency) []*pkg {
	var all []*pkg
	for _, d := range list {
		for _, o := range s.names[d.name] {
			if d.admits(o.version) {
				all = append(all, o.pkg)
			}
		}
	}
	return all
}

// postorder returns what is reached from the packages by following next, each once, behind what it
// leads to. In a circle the one that is reached last comes first.
func postorder(from []*pkg, next func(*pkg) []*pkg) []*pkg {
	var list []*pkg
	seen := map[*pkg]bool{}
	var visit func(*pkg)
	visit = func(p *pkg) {
		if seen[p] {
			return
		}
		seen[p] = true
		for _, q := range next(p) {
			visit(q)
		}
		list = append(list, p)
	}
	for _, p := range from {
		visit(p)
	}
	return list
}
