package task

// HandleSignals lets tests deliver signals from inside of the kernel.
func (t *Task) HandleSignals() bool { return t.handleSignals() }
