package mm

import "kevlar/kernel/machine/frame"

// A fixedObject is a run of frames that exist for ever, such as the vDSO.
type fixedObject struct {
	Mappings
	ino    uint64
	frames []frame.Frame
}

// NewFixedObject returns an object whose pages are frames. It takes over the
// caller's references and never gives them up.
func NewFixedObject(frames []frame.Frame) Object {
	return &fixedObject{ino: lastAnon.Add(1), frames: frames}
}

// Page returns a page of the run.
func (o *fixedObject) Page(idx uint64, write bool) (frame.Frame, error) {
	if idx >= uint64(len(o.frames)) {
		return 0, ErrBeyondEOF
	}
	f := o.frames[idx]
	f.Get()
	return f, nil
}

// Present returns every page of the run.
func (o *fixedObject) Present(first uint64, out []frame.Frame) {
	for i := range out {
		out[i] = 0
		if j := first + uint64(i); j < uint64(len(o.frames)) {
			out[i] = o.frames[j]
			out[i].Get()
		}
	}
}

// Key identifies the object.
func (o *fixedObject) Key() (dev, ino uint64) { return anonDev, o.ino }
