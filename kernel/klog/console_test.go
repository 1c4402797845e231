package klog

import "testing"

func TestConsoleLevel(t *testing.T) {
	defer SetConsoleLevel(DefaultConsoleLevel)
	// levels returns the levels of the records that people see.
	levels := func() (seen []int) {
		for level := Emerg; level <= Debug; level++ {
			if r := (Record{Level: level + 8}); r.ForConsole() {
				seen = append(seen, level)
			}
		}
		return seen
	}
	for _, step := range []struct {
		what string
		do   func()
		want int
	}{
		{"default", func() {}, 7},
		{"level 8", func() { SetConsoleLevel(8) }, 8},
		{"off", ConsoleOff, 1},
		{"off again", ConsoleOff, 1},
		{"on", ConsoleOn, 8},
		{"on again", ConsoleOn, 8},
		{"off", ConsoleOff, 1},
		{"a level switches it on", func() { SetConsoleLevel(4) }, 4},
		{"on when it is on", ConsoleOn, 4},
	} {
		step.do()
		if got := levels(); len(got) != step.want {
			t.Errorf("%s: levels %v, want the first %d", step.what, got, step.want)
		}
	}
}
