package tasktest

import (
	"encoding/binary"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// Image returns an ELF file that executes p: one page at codeBase, and a page
// of data with bss after it.
func Image(p Prog) []byte {
	const headerSize, phSize = 64, 56
	entry := register(p)
	b := make([]byte, 0x1100)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(b[16:], 2)
	le.PutUint16(b[18:], 62)
	le.PutUint64(b[24:], entry)
	le.PutUint64(b[32:], headerSize)
	le.PutUint16(b[54:], phSize)
	le.PutUint16(b[56:], 2)
	load := func(i int, flags uint32, off, vaddr, filesz, memsz uint64) {
		ph := b[headerSize+i*phSize:]
		le.PutUint32(ph[0:], 1)
		le.PutUint32(ph[4:], flags)
		le.PutUint64(ph[8:], off)
		le.PutUint64(ph[16:], vaddr)
		le.PutUint64(ph[32:], filesz)
		le.PutUint64(ph[40:], memsz)
		le.PutUint64(ph[48:], 0x1000)
	}
	load(0, 5, 0, codeBase, 0x1000, 0x1000)
	load(1, 6, 0x1000, DataAddr, 0x100, 0x3000)
	for i := range 0x100 {
		b[0x1000+i] = byte(i)
	}
	return b
}

// DataAddr is where the writable memory of every program is: 256 bytes that
// count from 0 to 255, and then zeros.
const DataAddr = 0x700000

// Install writes a program that executes p to path.
func Install(tb testing.TB, path string, p Prog, mode uint32) string {
	return WriteFile(tb, path, Image(p), mode)
}

// WriteFile makes a file.
func WriteFile(tb testing.TB, path string, b []byte, mode uint32) string {
	tb.Helper()
	root := Root()
	fs := vfs.NewFSContext(root)
	defer fs.Put()
	vfs.UnlinkAt(vfs.Kernel, fs, root, path)
	f, err := vfs.OpenAt(vfs.Kernel, fs, root, path, abi.O_CREAT|abi.O_EXCL|abi.O_WRONLY, mode)
	if err != nil {
		tb.Fatalf("open %s: %v", path, err)
	}
	defer f.Put()
	src := vfs.Bytes(b)
	for src.Len() > 0 {
		if _, err := f.Write(vfs.Kernel, &src); err != nil {
			tb.Fatalf("write %s: %v", path, err)
		}
	}
	if err := vfs.Chmod(vfs.Kernel, f.Path(), mode); err != nil {
		tb.Fatalf("chmod %s: %v", path, err)
	}
	return path
}

// Remove removes a file.
func Remove(tb testing.TB, path string) {
	tb.Helper()
	fs := vfs.NewFSContext(Root())
	defer fs.Put()
	if err := vfs.UnlinkAt(vfs.Kernel, fs, Root(), path); err != nil {
		tb.Errorf("unlink %s: %v", path, err)
	}
}

// Exec executes the program at path. It returns only if that fails.
func (u *User) Exec(path string, argv, envp []string) error {
	return u.ExecUser(path, task.Vector{Strings: argv}, task.Vector{Strings: envp})
}

// ExecUser is Exec with strings that may be in user memory.
func (u *User) ExecUser(path string, argv, envp task.Vector) error {
	u.ctx.R12 = 0
	_, err := u.Call(func(t *task.Task) (uintptr, error) {
		err := task.Exec(t, task.ExecArgs{Base: t.FS().Cwd(), Name: path, Argv: argv, Envp: envp})
		if err == nil {
			u.replaced()
		}
		return 0, err
	})
	return err
}

// replaced notes that the context enters another program.
func (u *User) replaced() {
	machine.Lock()
	defer machine.Unlock()
	u.entry = u.ctx.RIP
}
