package alpine

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"kevlar/host/initramfs/filetree"
)

// A package's file is three gzip members, each with a tar archive in it: a signature of the second;
// the control member with .PKGINFO and scripts; and the package's files. The index of the repository
// holds the SHA-1 of the second, .PKGINFO the SHA-256 of the third.

// open checks the file of a package of that name and version, the checksum of whose control member is
// known from the index, and returns the files in it.
func (k keys) open(file []byte, name, version, checksum string) (*filetree.Tree, error) {
	data, err := k.check(file, name, version, checksum)
	if err != nil {
		return nil, err
	}
	z, err := gunzip(data, maxUnpacked)
	if err != nil {
		return nil, err
	}
	return filetree.ReadTar(z, maxUnpacked)
}

// check returns the data member of a package's file, if all is as it should be.
func (k keys) check(file []byte, name, version, checksum string) ([]byte, error) {
	signatures, rest, err := cutSignatures(file)
	if err != nil {
		return nil, err
	}
	content, control, data, err := cutMember(rest, maxControl)
	if err != nil {
		return nil, err
	}
	if sum := sha1.Sum(control); hex.EncodeToString(sum[:]) != checksum {
		return nil, errors.New("its checksum is not the one in the index")
	}
	if err := k.verify(signatures, control); err != nil {
		return nil, err
	}
	i, err := readInfo(content)
	if err != nil {
		return nil, err
	}
	if i.name != name || i.version != version {
		return nil, fmt.Errorf("it is the package %.80q", i.name+"-"+i.version)
	}
	if i.arch != Arch && i.arch != "noarch" {
		return nil, fmt.Errorf("it is for the architecture %.40q", i.arch)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != i.datahash {
		return nil, errors.New("the checksum of its files is not the one in its .PKGINFO")
	}
	return data, nil
}

// info is what is needed of a .PKGINFO.
type info struct {
	name, version, arch string
	datahash            string // SHA-256 of the data member, in hexadecimal
}

// readInfo reads the .PKGINFO in an unpacked control member.
func readInfo(control []byte) (*info, error) {
	text, err := fileOf(bytes.NewReader(control), ".PKGINFO")
	if err != nil {
		return nil, err
	}
	return parseInfo(text)
}

// parseInfo reads lines of the form "key = value". Those that begin with "#" are comments.
func parseInfo(text string) (*info, error) {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf(".PKGINFO: %.40q is not a field", line)
		}
		values[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	for _, key := range []string{"pkgname", "pkgver", "arch", "datahash"} {
		if values[key] == "" {
			return nil, fmt.Errorf(".PKGINFO: there is no %s", key)
		}
	}
	return &info{values["pkgname"], values["pkgver"], values["arch"], values["datahash"]}, nil
}
