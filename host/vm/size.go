package vm

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseSize reads an amount of memory: a number with K, M, G or T (powers of 1024), or without a
// letter in MiB as QEMU counts.
func ParseSize(s string) (int64, error) {
	digits, shift := s, 20
	if s != "" {
		if i := strings.IndexByte("KMGT", upper(s[len(s)-1])); i >= 0 {
			digits, shift = s[:len(s)-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > 1<<62>>shift {
		return 0, fmt.Errorf("%q is not an amount of memory; write 64M or 2G", s)
	}
	return n << shift, nil
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
