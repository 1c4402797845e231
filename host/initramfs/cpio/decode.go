package cpio

import (
	"bytes"
	"io"

	"kevlar/host/initramfs/filetree"
)

// Decode reads a tree back from what Encode or Pack made of it.
func Decode(archive []byte) (*filetree.Tree, error) {
	t := filetree.New()
	r := reader{r: bytes.NewReader(archive)}
	waiting := map[uint32][]string{} // names of files with several, of which none had the content yet
	for {
		h, err := r.next()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(&r)
		if err != nil {
			return nil, err
		}
		if h.mode&filetree.TypeMask == filetree.Regular && h.links > 1 {
			if waiting[h.inode] = append(waiting[h.inode], h.name); len(waiting[h.inode]) < int(h.links) {
				continue
			}
		}
		e := filetree.Entry{Mode: h.mode, UID: h.uid, GID: h.gid, Major: h.major, Minor: h.minor, Time: h.time, Data: data}
		names := waiting[h.inode]
		if len(names) == 0 {
			names = []string{h.name}
		}
		delete(waiting, h.inode)
		if err := t.Insert(names[0], e); err != nil {
			return nil, err
		}
		for _, name := range names[1:] {
			if err := t.HardLink(name, names[0]); err != nil {
				return nil, err
			}
		}
	}
}
