package epoll

import (
	"bytes"
	"fmt"

	"kevlar/kernel/vfs"
)

// An itemInfo is what /proc/PID/fdinfo tells of an item.
type itemInfo struct {
	id     int64
	key    key
	events uint32
	data   uint64
}

// infoBatch is how many items are looked up at once.
const infoBatch = 64

// FDInfo writes a line for each item, in the order in which they were added:
// proc_pid_fdinfo(5). The position of an item is its number.
func (e *Epoll) FDInfo(pos int64, w *bytes.Buffer, more func(next int64) bool) {
	var batch [infoBatch]itemInfo
	for {
		n := e.infos(&batch, pos)
		for i := range n {
			it := &batch[i]
			f := it.key.file
			fmt.Fprintf(w, "tfd: %8d events: %8x data: %16x  pos:%d ino:%x sdev:%x\n",
				it.key.fd, it.events, it.data, filePos(f), f.Inode().Attr().Ino, f.Inode().FS().Dev)
			if pos = it.id + 1; !more(pos) {
				return
			}
		}
		if n < infoBatch {
			return
		}
	}
}

// filePos returns the position of a file that has one: a stream may be read
// for as long as its reader likes, a position is held for as long.
func filePos(f *vfs.File) int64 {
	if f.IsStream() {
		return 0
	}
	return f.Pos()
}

// infos fills batch with the items from number first on, and returns how many.
func (e *Epoll) infos(batch *[infoBatch]itemInfo, first int64) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.order.places[e.order.search(first):] {
		if p.item == nil {
			continue
		}
		if n == infoBatch {
			break
		}
		batch[n] = itemInfo{p.id, p.item.key, p.item.events.Load(), p.item.data}
		n++
	}
	return n
}
