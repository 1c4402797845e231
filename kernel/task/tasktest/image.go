//go:build !baremetal

package tasktest

import (
	"encoding/binary"
	"testing"

	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

const (
	headerSize = 64
	phSize     = 56
)

// newImage returns the beginning of an ELF file with n program headers.
func newImage(entry uint64, n, size int) []byte {
	b := make([]byte, size)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(b[16:], 2)  // ET_EXEC
	le.PutUint16(b[18:], 62) // EM_X86_64
	le.PutUint64(b[24:], entry)
	le.PutUint64(b[32:], headerSize)
	le.PutUint16(b[54:], phSize)
	le.PutUint16(b[56:], uint16(n))
	return b
}

// putHeader writes program header i.
func putHeader(b []byte, i int, typ, flags uint32, off, vaddr, filesz, memsz uint64) {
	ph := b[headerSize+i*phSize:]
	le := binary.LittleEndian
	le.PutUint32(ph[0:], typ)
	le.PutUint32(ph[4:], flags)
	le.PutUint64(ph[8:], off)
	le.PutUint64(ph[16:], vaddr)
	le.PutUint64(ph[32:], filesz)
	le.PutUint64(ph[40:], memsz)
	le.PutUint64(ph[48:], 0x1000)
}

// Types of program headers.
const (
	ptLoad   = 1
	ptInterp = 3
)

// Image returns an ELF file that executes p: one page at codeBase, and a page
// of data with bss after it.
func Image(p Prog) []byte {
	b := newImage(register(p), 2, 0x1100)
	putHeader(b, 0, ptLoad, 5, 0, codeBase, 0x1000, 0x1000)
	putHeader(b, 1, ptLoad, 6, 0x1000, DataAddr, 0x100, 0x3000)
	for i := range 0x100 {
		b[0x1000+i] = byte(i)
	}
	return b
}

// Where DynamicImage loads and begins.
const (
	DynamicBase  = 0x20000000
	DynamicEntry = DynamicBase + 0x123
)

// DynamicImage returns an ELF file that is executed by the program interp.
func DynamicImage(interp string) []byte {
	b := newImage(DynamicEntry, 2, 0x1000)
	at := copy(b[0x800:], interp+"\x00")
	putHeader(b, 0, ptInterp, 4, 0x800, DynamicBase+0x800, uint64(at), uint64(at))
	putHeader(b, 1, ptLoad, 5, 0, DynamicBase, 0x1000, 0x1000)
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
	if err := writeFile(path, b, mode); err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	return path
}

func writeFile(path string, b []byte, mode uint32) error {
	root := Root()
	fs := vfs.NewFSContext(root)
	defer fs.Put()
	vfs.UnlinkAt(vfs.Kernel, fs, root, path)
	f, err := vfs.OpenAt(vfs.Kernel, fs, root, path, abi.O_CREAT|abi.O_EXCL|abi.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer f.Put()
	src := vfs.Bytes(b)
	for src.Len() > 0 {
		if _, err := f.Write(vfs.Kernel, &src); err != nil {
			return err
		}
	}
	return vfs.Chmod(vfs.Kernel, f.Path(), mode)
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
