// Package suite runs the checks of the suites folder: programs that run in a guest and report in
// TAP, and Go tests that drive a guest from outside.
package suite

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kevlar/host/vm"
)

// Suite is a folder of checks.
type Suite struct {
	Name  string
	Dir   string
	Go    bool // its checks are Go tests on the host; otherwise there is a script "run" for the guest
	Cases int  // number of case files
	Conf  Conf
}

// Conf is what a suite asks of the machine. It comes from the file suite.conf, whose lines are
// "key value" (cpus, mem, timeout, slow, tags, panics) or comments that begin with #. A zero field asks
// for nothing.
type Conf struct {
	CPUs    int
	Mem     int64 // bytes
	Timeout time.Duration
	Slow    bool // run only when it is named
	// Tags are build tags of the Kevlar kernel that the suite needs; no other kernel can run it.
	Tags []string
	// Panics says that the suite makes the kernel contain panics: it must contain some. Any other
	// suite fails if there is one.
	Panics bool
}

// Find returns the suites below the folder dir, by name.
func Find(dir string) ([]Suite, error) {
	folders, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Suite
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		s, ok, err := load(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, s)
		}
	}
	return list, nil
}

// load reads a folder. Ok is false if it holds no suite.
func load(dir string) (s Suite, ok bool, err error) {
	s = Suite{Name: filepath.Base(dir), Dir: dir}
	tests, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	info, err := os.Stat(filepath.Join(dir, "run"))
	switch {
	case err == nil && info.Mode()&0o111 == 0:
		return s, false, fmt.Errorf("%s/run is not executable", dir)
	case err == nil:
	case len(tests) > 0:
		s.Go = true
	default:
		return s, false, nil
	}
	if s.Conf, err = readConf(filepath.Join(dir, "suite.conf")); err != nil {
		return s, false, err
	}
	err = filepath.WalkDir(filepath.Join(dir, "cases"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".case") {
			s.Cases++
		}
		return err
	})
	return s, err == nil, err
}

func readConf(path string) (Conf, error) {
	var c Conf
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, _ := strings.Cut(line, " ")
		value = strings.TrimSpace(value)
		var err error
		switch key {
		case "cpus":
			c.CPUs, err = strconv.Atoi(value)
		case "mem":
			c.Mem, err = vm.ParseSize(value)
		case "timeout":
			c.Timeout, err = time.ParseDuration(value)
		case "slow":
			c.Slow, err = strconv.ParseBool(value)
		case "tags":
			c.Tags = strings.Fields(value)
		case "panics":
			c.Panics, err = strconv.ParseBool(value)
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		if err != nil {
			return c, fmt.Errorf("%s:%d: %v", path, n, err)
		}
	}
	return c, lines.Err()
}
