package apt

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// File is a file that a list of packages names.
type File struct {
	URL    string
	Name   string // such as hello_2.10-3_amd64.deb
	Size   int64  // in bytes
	SHA256 string // in hexadecimal
}

// ParseFiles reads what apt-get --print-uris prints among other lines: for each file its URL in
// quotes, its name, its size and a digest. Binary packages are in the order of unpacking.
func ParseFiles(out string) ([]File, error) {
	var list []File
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "'") {
			continue
		}
		file, err := parseFile(strings.Fields(line))
		if err != nil {
			return nil, fmt.Errorf("APT says %.200q: %v", strings.TrimSpace(line), err)
		}
		list = append(list, file)
	}
	if len(list) == 0 {
		return nil, errors.New("APT names no files")
	}
	return list, nil
}

func parseFile(words []string) (File, error) {
	if len(words) != 4 {
		return File{}, errors.New("not a URL, a name, a size and a digest")
	}
	name, err := url.PathUnescape(words[1])
	if err != nil {
		return File{}, err
	}
	if name == "" || name[0] == '.' || strings.Contains(name, "/") {
		return File{}, errors.New("the name is not that of a file")
	}
	size, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return File{}, err
	}
	digest, ok := strings.CutPrefix(words[3], "SHA256:")
	if sum, err := hex.DecodeString(digest); !ok || err != nil || len(sum) != sha256.Size {
		return File{}, errors.New("no digest by SHA-256")
	}
	return File{URL: strings.Trim(words[0], "'"), Name: name, Size: size, SHA256: digest}, nil
}

// Check compares the file at a path with what is known of it.
func (f File) Check(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	size, err := io.Copy(h, file)
	if err != nil {
		return err
	}
	if size != f.Size {
		return fmt.Errorf("%s: %d bytes came in place of %d", f.Name, size, f.Size)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != f.SHA256 {
		return fmt.Errorf("%s: checksum mismatch: %s came in place of %s", f.Name, got, f.SHA256)
	}
	return nil
}
