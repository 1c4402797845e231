package vm

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Initramfs is the archive that QEMU loads behind the kernel. The zero value is none.
type Initramfs struct {
	path string
	file *os.File
}

// InitramfsFile is an archive in the file system.
func InitramfsFile(path string) Initramfs { return Initramfs{path: path} }

// InitramfsData is an archive that exists in memory only, put together from parts; the kernel sees
// one archive after the other. Close releases the memory.
func InitramfsData(parts ...[]byte) (Initramfs, error) {
	fd, err := unix.MemfdCreate("initramfs", unix.MFD_CLOEXEC)
	if err != nil {
		return Initramfs{}, fmt.Errorf("memfd_create: %v", err)
	}
	f := os.NewFile(uintptr(fd), "initramfs")
	for _, part := range parts {
		if _, err := f.Write(part); err != nil {
			f.Close()
			return Initramfs{}, fmt.Errorf("no memory for the initramfs: %v", err)
		}
	}
	return Initramfs{file: f}, nil
}

// Close releases what InitramfsData holds. A machine that was started keeps its copy.
func (i Initramfs) Close() error {
	if i.file == nil {
		return nil
	}
	return i.file.Close()
}
