package cpio

import (
	"bytes"
	"compress/gzip"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Compressions are the names that Compress knows. Linux unpacks all of them, if it is configured to;
// Kevlar's kernel unpacks none and gzip.
var Compressions = []string{"none", "gzip", "zstd"}

// Compress compresses an archive. Equal archives give equal results on any number of processors.
func Compress(archive []byte, name string) ([]byte, error) {
	var b bytes.Buffer
	switch name {
	case "none":
		return archive, nil
	case "gzip":
		w := gzip.NewWriter(&b)
		if _, err := w.Write(archive); err != nil {
			return nil, err
		}
		err := w.Close()
		return b.Bytes(), err
	case "zstd":
		w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(archive); err != nil {
			return nil, err
		}
		err = w.Close()
		return b.Bytes(), err
	}
	return nil, fmt.Errorf("unknown compression %q; there are none, gzip and zstd", name)
}
