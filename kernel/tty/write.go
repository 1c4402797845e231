package tty

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/vfs"
)

// maxGrowth is how many bytes one character can become on output: a tab.
const maxGrowth = 8

// Write implements write(2).
func (o *openTTY) Write(c vfs.Caller, src vfs.Source, _ int64) (int, error) {
	t := o.tty
	if !o.console && t.stopsBackground() {
		if err := t.checkChange(c); err != nil {
			return 0, err
		}
	}
	t.lock()
	defer t.unlock()
	if o.hung() {
		return 0, abi.EIO
	}
	done, err := t.write(src)
	if done > 0 || err != nil {
		return done, nilIf(done > 0, err)
	}
	if src.Len() == 0 {
		return 0, nil
	}
	return 0, abi.EAGAIN
}

// nilIf returns nil if ok, otherwise err.
func nilIf(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

func (t *TTY) stopsBackground() bool {
	t.lock()
	defer t.unlock()
	return t.lflag(abi.TOSTOP)
}

// write queues as much of src as there is room for.
func (t *TTY) write(src vfs.Source) (done int, err error) {
	buf := t.scratch.bytes()
	for src.Len() > 0 && err == nil {
		n := min(src.Len(), t.writeRoom()/t.growth(), len(buf))
		if n <= 0 {
			break
		}
		n, err = src.Read(buf[:n])
		if t.oflag(abi.OPOST) {
			for _, c := range buf[:n] {
				t.process(c)
			}
		} else {
			t.out.put(buf[:n])
		}
		done += n
		t.pump()
	}
	return done, err
}

// writable reports whether there is room for any character.
func (t *TTY) writable() bool { return t.writeRoom() >= maxGrowth }
