package alpine

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// pkg is a package as the index of its repository describes it.
type pkg struct {
	name, version string
	checksum      string       // SHA-1 of the control member of its file, in hexadecimal
	size          int64        // of its file, in bytes
	depends       []dependency // what must be there
	excludes      []dependency // what must not be there
	offers        []provision  // what it can be had by: its own name first
	replaces      []dependency
	priority      int    // among those that provide the same name; the higher the better
	repository    int    // its place in the configuration
	record        string // the lines of the index, as they are
	broken        string // why it cannot be had; empty if it can
}

func (p *pkg) String() string {
	if p.name == "" {
		return "the manifest" // see root
	}
	return p.name + "-" + p.version
}

// meets says whether the package is one that the dependency speaks of.
func (p *pkg) meets(d dependency) bool {
	for _, o := range p.offers {
		if o.name == d.name && d.admits(o.version) {
			return true
		}
	}
	return false
}

// readIndex reads an index out of a .tar.gz archive whose signature has been checked and taken off.
func readIndex(archive []byte) ([]*pkg, error) {
	z, err := gunzip(archive, maxIndex)
	if err != nil {
		return nil, err
	}
	text, err := fileOf(z, "APKINDEX")
	if err != nil {
		return nil, err
	}
	return parseIndex(text)
}

// parseIndex reads the records of an index. They are separated by empty lines; each line is a letter,
// a colon and a value.
func parseIndex(text string) ([]*pkg, error) {
	var list []*pkg
	line := 1
	for record := range strings.SplitSeq(text, "\n\n") {
		first := line
		line += strings.Count(record, "\n") + 2
		trimmed := strings.TrimLeft(record, "\n")
		first += len(record) - len(trimmed)
		record = strings.TrimRight(trimmed, "\n")
		if record == "" {
			continue
		}
		p, err := parseRecord(record)
		if err != nil {
			return nil, fmt.Errorf("APKINDEX, record at line %d: %v", first, err)
		}
		list = append(list, p)
	}
	return list, nil
}

// Names and versions of packages become part of an URL and of the database in the guest.
var (
	packageName    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}$`)
	packageVersion = regexp.MustCompile(`^[0-9][A-Za-z0-9._~+-]{0,199}$`)
)

// parseRecord reads the record of one package. A record without the fields that tell a package from
// others is an error; what else is strange makes a package that cannot be had, and harms no other.
func parseRecord(record string) (*pkg, error) {
	p := &pkg{record: record}
	var checksum, size, arch string
	var depends []dependency
	var provides []provision
	for line := range strings.SplitSeq(record, "\n") {
		if len(line) < 2 || line[1] != ':' {
			return nil, fmt.Errorf("%.40q is not a field", line)
		}
		value := line[2:]
		var err error
		switch line[0] {
		case 'P':
			p.name = value
		case 'V':
			p.version = value
		case 'C':
			checksum = value
		case 'S':
			size = value
		case 'A':
			arch = value
		case 'D':
			depends, err = parseWords(value, parseDependency)
		case 'p':
			provides, err = parseWords(value, parseProvision)
		case 'r':
			p.replaces, err = parseWords(value, parseDependency)
		case 'k':
			p.priority, err = strconv.Atoi(value)
		case 'I', 'L', 'T', 'U':
		default:
			// By apk's rule, what is written with a capital must be understood.
			if 'A' <= line[0] && line[0] <= 'Z' {
				err = errors.New("its meaning is not known")
			}
		}
		if err != nil {
			p.broken = fmt.Sprintf("field %c of its index record: %v", line[0], err)
		}
	}
	if !packageName.MatchString(p.name) {
		return nil, fmt.Errorf("%.40q is not the name of a package", p.name)
	}
	if !packageVersion.MatchString(p.version) {
		return nil, fmt.Errorf("%s: %.40q is not the version of a package", p.name, p.version)
	}
	var err error
	if p.checksum, err = parseChecksum(checksum); err != nil {
		return nil, fmt.Errorf("%s: %v", p, err)
	}
	if p.size, err = strconv.ParseInt(size, 10, 64); err != nil || p.size <= 0 {
		return nil, fmt.Errorf("%s: a size of %.40q bytes", p, size)
	}
	if p.size > maxPackage {
		p.broken = fmt.Sprintf("its file has more than %d bytes", maxPackage)
	}
	if arch != Arch && arch != "noarch" {
		p.broken = fmt.Sprintf("it is for the architecture %.40q", arch)
	}
	p.depends, p.excludes = splitDependencies(depends)
	p.offers = append([]provision{{p.name, p.version}}, provides...)
	return p, nil
}

// parseWords reads a list whose words are separated by spaces.
func parseWords[T any](list string, parse func(string) (T, error)) ([]T, error) {
	var all []T
	for _, word := range strings.Fields(list) {
		one, err := parse(word)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// parseChecksum turns "Q1" and a SHA-1 in base64 into hexadecimal.
func parseChecksum(s string) (string, error) {
	text, ok := strings.CutPrefix(s, "Q1")
	sum, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(sum) != 20 {
		return "", fmt.Errorf("%.60q is not a checksum that begins with Q1", s)
	}
	return hex.EncodeToString(sum), nil
}

// openIndex checks the signature of an APKINDEX.tar.gz, which is a gzip member before the others, and
// returns the packages in it.
func (k keys) openIndex(file []byte) ([]*pkg, error) {
	signatures, rest, err := cutSignatures(file)
	if err != nil {
		return nil, err
	}
	if err := k.verify(signatures, rest); err != nil {
		return nil, err
	}
	return readIndex(rest)
}
