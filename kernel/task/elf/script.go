package elf

import (
	"bytes"

	"kevlar/kernel/abi"
)

// ScriptMax is how many bytes of a script's first line count, "#!" included:
// execve(2).
const ScriptMax = 256

// IsScript reports whether b begins like a script.
func IsScript(b []byte) bool { return len(b) >= 2 && b[0] == '#' && b[1] == '!' }

// ParseScript decodes the first line of a script. b is what the file begins
// with: at least ScriptMax bytes, or all of it. The argument is everything
// after the interpreter, without the blanks around it; there may be none. An
// interpreter whose name may be cut off by the limit is refused with ENOEXEC.
func ParseScript(b []byte) (interp, arg string, err error) {
	if !IsScript(b) {
		return "", "", abi.ENOEXEC
	}
	cut := false
	line := b[2:min(len(b), ScriptMax)]
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	} else if len(b) >= ScriptMax {
		line, cut = b[2:ScriptMax-1], true
	}
	if i := bytes.IndexByte(line, 0); i >= 0 {
		line, cut = line[:i], false
	}
	line = bytes.TrimLeft(line, " \t")
	end := bytes.IndexAny(line, " \t")
	if end < 0 {
		if cut {
			return "", "", abi.ENOEXEC
		}
		end = len(line)
	}
	if end == 0 {
		return "", "", abi.ENOEXEC
	}
	return string(line[:end]), string(bytes.Trim(line[end:], " \t")), nil
}
