package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"kevlar/host/initramfs"
	"kevlar/host/initramfs/cpio"
	"kevlar/host/initramfs/filetree"
)

// checkUser looks at the value of --user before a machine is booted for it.
func checkUser(user string) error {
	name, group, both := strings.Cut(user, ":")
	if user == "" || name != "" && (!both || group != "") && !strings.ContainsAny(user, " \t\n/") && strings.Count(user, ":") < 2 {
		return nil
	}
	return fmt.Errorf("--user %q: USER or USER:GROUP, names or numbers", user)
}

// variable is the name of a variable that a shell passes on.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// environment returns the variables that --env sets. One without a value has that of the host, if it is
// set there.
func environment(list []string, lookup func(string) (string, bool)) (env []string, err error) {
	for _, word := range list {
		name, _, valued := strings.Cut(word, "=")
		if !variable.MatchString(name) {
			return nil, fmt.Errorf("--env %q: NAME=VALUE, and a NAME of letters, digits and _", word)
		}
		if !valued {
			value, ok := lookup(name)
			if !ok {
				continue
			}
			word = name + "=" + value
		}
		env = append(env, word)
	}
	return env, nil
}

// copyArchive returns an archive of what --copy has copied into the guest, where init puts everything into
// its place.
func copyArchive(list []string) ([]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	t := filetree.New()
	t.Dir("kevlar/copies", 0o700)
	for i, word := range list {
		from, to, ok := cutCopy(word)
		if !ok {
			return nil, fmt.Errorf("--copy %q: IN:OUT, a path of the host and an absolute one in the guest", word)
		}
		full, err := filepath.Abs(from)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(full)
		if name == "/" {
			return nil, errors.New("--copy /: not the whole host")
		}
		place := fmt.Sprintf("kevlar/copies/%d", i)
		t.Dir(place, 0o700)
		t.File(place+".to", 0o600, []byte(name+"\n"+to+"\n"))
		if err := addCopy(t, path.Join(place, name), full); err != nil {
			return nil, plainError(err)
		}
	}
	return cpio.Pack(t)
}

// cutCopy takes a value of --copy apart.
func cutCopy(word string) (from, to string, ok bool) {
	i := strings.LastIndex(word, ":/")
	if i <= 0 || strings.Contains(word, "\n") {
		return "", "", false
	}
	return word[:i], word[i+1:], true
}

// addCopy adds a file or folder of the host, which is to be root's in the guest.
func addCopy(t *filetree.Tree, place, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	seconds := filetree.Seconds(info.ModTime().Unix())
	switch {
	case info.IsDir():
		folder, err := filetree.ReadDir(file, initramfs.RootLimit)
		if err != nil {
			return err
		}
		t.Add(place, filetree.Entry{Mode: filetree.Dir | uint32(info.Mode().Perm()), Time: seconds})
		for f := range folder.All() {
			f.UID, f.GID = 0, 0
			t.Add(path.Join(place, f.Path), f.Entry)
		}
		return nil
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: neither a file nor a folder", file)
	}
	data, err := os.ReadFile(file)
	t.Add(place, filetree.Entry{Mode: filetree.Regular | uint32(info.Mode().Perm()), Time: seconds, Data: data})
	return err
}
