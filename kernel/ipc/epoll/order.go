package epoll

import (
	"cmp"
	"slices"
)

// An order is the items of an instance in the order in which they were added,
// which is that of their numbers.
type order struct {
	places []place
	empty  int // places whose item is gone: no more than half, and a few
}

// A place is where an item is or was.
type place struct {
	id   int64
	item *item // nil if it is gone
}

// fewEmpty is how many places may be empty in any case.
const fewEmpty = 16

// search returns the index of the first place with number id or a higher one.
func (o *order) search(id int64) int {
	i, _ := slices.BinarySearchFunc(o.places, id, func(p place, id int64) int { return cmp.Compare(p.id, id) })
	return i
}

// add puts it, whose number is the highest so far, at the end.
func (o *order) add(it *item) { o.places = append(o.places, place{it.id, it}) }

// remove takes it out.
func (o *order) remove(it *item) {
	o.places[o.search(it.id)].item = nil
	if o.empty++; o.empty <= fewEmpty+len(o.places)/2 {
		return
	}
	// In memory that fits what is left.
	left := make([]place, 0, len(o.places)-o.empty)
	for _, p := range o.places {
		if p.item != nil {
			left = append(left, p)
		}
	}
	*o = order{places: left}
}
