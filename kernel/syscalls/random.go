package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/random"
	"kevlar/kernel/task"
)

// sysGetrandom fills a buffer from the system's generator, which is seeded
// before the first program runs. Only a signal after the first 256 bytes ends
// it early.
func sysGetrandom(t *task.Task, a *Args) (uintptr, error) {
	const known = abi.GRND_NONBLOCK | abi.GRND_RANDOM | abi.GRND_INSECURE
	if flags := uint32(a[2]); flags&^known != 0 || flags&(abi.GRND_RANDOM|abi.GRND_INSECURE) == abi.GRND_RANDOM|abi.GRND_INSECURE {
		return 0, abi.EINVAL
	}
	n := min(a[1], abi.MAX_RW_COUNT)
	done := uintptr(0)
	for done < n {
		b := t.Scratch[:min(n-done, 256)]
		random.Read(b)
		m, err := t.CopyOut(a[0]+done, b)
		clear(b)
		done += uintptr(m)
		if err != nil {
			if done > 0 {
				return done, nil
			}
			return 0, err
		}
		if t.Sleeper().Interrupted() {
			break
		}
	}
	return done, nil
}
