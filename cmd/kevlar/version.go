package main

import (
	"runtime/debug"
	"strings"
)

// version tells which Kevlar this is, as far as the Go toolchain knows: the version of the module, the
// commit and whether something was changed since, the toolchain.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of unknown origin"
	}
	setting := map[string]string{}
	for _, s := range info.Settings {
		setting[s.Key] = s.Value
	}
	words := []string{info.Main.Version}
	if words[0] == "" {
		words[0] = "(devel)"
	}
	if revision := setting["vcs.revision"]; revision != "" && !strings.Contains(words[0], revision[:min(12, len(revision))]) {
		words = append(words, "commit "+revision[:min(12, len(revision))])
	}
	if setting["vcs.modified"] == "true" && !strings.HasSuffix(words[0], "+dirty") {
		words = append(words, "changed")
	}
	return strings.Join(append(words, "built with "+info.GoVersion), ", ")
}
