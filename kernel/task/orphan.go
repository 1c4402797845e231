package task

import "kevlar/kernel/abi"

// reparentChildrenLocked gives the children that t has made to another
// thread, or, if it was the last, to whoever adopts orphans.
func (t *Task) reparentChildrenLocked() {
	g := t.group
	if g.children.head == nil {
		return
	}
	heir, group := t.heirLocked()
	for k := g.children.head; k != nil; {
		c, next := k.group, k.next
		if c.parentThread == t {
			c.parentThread = heir
			t.signalDeath(c)
		}
		if group != g {
			c.reparentLocked(g, group)
		}
		k = next
	}
}

// signalDeath sends child c what its threads have asked for when the thread
// that has made it ends: prctl(2), PR_SET_PDEATHSIG.
func (t *Task) signalDeath(c *ThreadGroup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := c.threads.head; p != nil; p = p.next {
		if sig := int(p.parentDeathSignal.Load()); sig != 0 {
			c.sendLocked(nil, p, t.userSiginfo(sig, abi.SI_USER), true, false)
		}
	}
}

// heirLocked returns who becomes the parent of t's children.
func (t *Task) heirLocked() (*Task, *ThreadGroup) {
	g := t.group
	if p := t.siblingThread(); p != nil {
		return p, g
	}
	for a := g.parent; a != nil; a = a.parent {
		if (a.subreaper || a.tgid == 1) && !a.zombie {
			return a.leader, a
		}
	}
	return nil, nil
}

// siblingThread returns another thread of the process that is not ending, or
// nil.
func (t *Task) siblingThread() *Task {
	g := t.group
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := g.threads.head; p != nil; p = p.next {
		if p != t && !p.sig.exiting {
			return p
		}
	}
	return nil
}

// reparentLocked moves c from the children of old to those of heir, nil for
// nobody.
func (c *ThreadGroup) reparentLocked(old, heir *ThreadGroup) {
	old.children.remove(&c.sibling)
	c.parent = heir
	if heir != nil {
		heir.children.add(&c.sibling, c)
		c.exitSignal = abi.SIGCHLD
	}
	if c.zombie && !c.reaped && c.tellParentLocked() {
		c.reapLocked()
		return
	}
	hangUpIfOrphanedLocked(c, old)
}
