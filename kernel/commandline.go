package main

import (
	"slices"
	"strings"
)

// options returns the words of the kernel command line that are meant for the
// kernel, and those behind "--", which are arguments of the first program.
func options(line string) (words, arguments []string) {
	words = strings.Fields(line)
	if i := slices.Index(words, "--"); i >= 0 {
		return words[:i], words[i+1:]
	}
	return words, nil
}

// hasWord reports whether word is one of the command line's options.
func hasWord(line, word string) bool {
	words, _ := options(line)
	return slices.Contains(words, word)
}

// firstProgram returns the arguments of process 1, its path first: /init, or
// what the command line names by rdinit=, the last of them if there are several.
func firstProgram(line string) []string {
	argv := []string{"/init"}
	words, arguments := options(line)
	for _, w := range words {
		if path, ok := strings.CutPrefix(w, "rdinit="); ok && path != "" {
			argv[0] = path
		}
	}
	return append(argv, arguments...)
}
