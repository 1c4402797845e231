package task

import (
	"kevlar/kernel/mm"
	"kevlar/kernel/vfs"
)

var _ vfs.MemoryHolder = (*Task)(nil)

// HoldMemory implements vfs.MemoryHolder. Only the owner calls it.
func (t *Task) HoldMemory(n int64) error {
	if t.held.Load() == 0 {
		t.heldBy = t.Cred().Account // whatever becomes of the credentials: execve(2)
	}
	if err := t.heldBy.Charge(n); err != nil {
		return err
	}
	t.held.Add(n)
	return nil
}

// DropMemory implements vfs.MemoryHolder. Only the owner calls it.
func (t *Task) DropMemory(n int64) {
	t.held.Add(-n)
	t.heldBy.Uncharge(n)
}

// setBuilding notes the address space that an execve under way fills: others
// find it by acquireBuilding.
func (t *Task) setBuilding(as *mm.AddressSpace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.building = as
}

// acquireBuilding returns the address space that an execve under way fills, or
// nil: Put.
func (t *Task) acquireBuilding() *mm.AddressSpace {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.building != nil {
		t.building.Get()
	}
	return t.building
}
