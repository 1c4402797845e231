package kernelbuild

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"kevlar/host/cache"
)

// A program may carry the kernel's image behind its own end, where the system does not look: the image,
// then a trailer.
type trailer struct {
	Digest [sha256.Size]byte // of the image
	Size   uint64            // of the image in bytes
	Magic  [16]byte
}

var trailerMagic = [16]byte([]byte("kevlar image v1\n"))

// Standalone returns this program with an image that it carries, which then needs neither the sources nor
// a Go toolchain.
func Standalone(image []byte) ([]byte, error) {
	program, err := self()
	if err != nil {
		return nil, err
	}
	if old, size, err := readTrailer(bytes.NewReader(program), int64(len(program))); err == nil {
		program = program[:len(program)-size-int(old.Size)]
	}
	b := bytes.NewBuffer(program)
	b.Write(image)
	err = binary.Write(b, binary.LittleEndian, trailer{sha256.Sum256(image), uint64(len(image)), trailerMagic})
	return b.Bytes(), err
}

func self() ([]byte, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

var errNoImage = errors.New("the program carries no image")

// readTrailer returns the trailer of a program of that size, and the trailer's own size.
func readTrailer(program io.ReaderAt, size int64) (t trailer, length int, err error) {
	length = binary.Size(t)
	if size < int64(length) {
		return t, length, errNoImage
	}
	r := io.NewSectionReader(program, size-int64(length), int64(length))
	if err := binary.Read(r, binary.LittleEndian, &t); err != nil {
		return t, length, err
	}
	if t.Magic != trailerMagic || t.Size > uint64(size)-uint64(length) {
		return t, length, errNoImage
	}
	return t, length, nil
}

// carried returns the kernel whose image this program carries, or nil.
func carried(dir cache.Dir) (*Kernel, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t, length, err := readTrailer(f, info.Size())
	if err != nil {
		return nil, nil
	}
	image, err := dir.File(func(tmp string) error {
		data := make([]byte, t.Size)
		if _, err := f.ReadAt(data, info.Size()-int64(length)-int64(t.Size)); err != nil {
			return err
		}
		if sha256.Sum256(data) != t.Digest {
			return fmt.Errorf("%s is damaged: the kernel in it is not the one that was put there", path)
		}
		return os.WriteFile(tmp, data, 0o644)
	}, "kernel", fmt.Sprintf("carried-%x.img", t.Digest))
	if err != nil {
		return nil, err
	}
	return &Kernel{Image: image}, nil
}
