package tty

import "kevlar/kernel/abi"

// Character classes: those of ISO 8859-1, by which Linux's terminals go
// whatever the locale.

func isControl(c byte) bool { return c < 0x20 || c == 0x7f }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' || 0xc0 <= c && c <= 0xde && c != 0xd7 }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' || 0xdf <= c && c != 0xf7 }

// isWord reports whether c is part of a word for VWERASE.
func isWord(c byte) bool {
	return isUpper(c) || isLower(c) || '0' <= c && c <= '9' || c == '_'
}

func lower(c byte) byte {
	if isUpper(c) {
		return c + 0x20
	}
	return c
}

func upper(c byte) byte {
	if isLower(c) {
		return c - 0x20
	}
	return c
}

// isContinuation reports whether c is part of a UTF-8 character but not its
// first byte, if IUTF8 says that input is UTF-8.
func (t *TTY) isContinuation(c byte) bool { return t.iflag(abi.IUTF8) && c&0xc0 == 0x80 }
