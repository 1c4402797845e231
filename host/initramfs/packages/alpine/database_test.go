package alpine

import (
	"archive/tar"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/initramfs/filetree"
)

func TestDatabase(t *testing.T) {
	r := serve(t, apk{name: "a", version: "1-r0", fields: "D:b\n", files: []*tar.Header{
		file("init", 0o755, "#!/bin/sh\n"),
		{Name: "tmp", Typeflag: tar.TypeDir, Mode: 0o1777},
		file("etc/shadow", 0o640, "abc"),
		file("etc/motd", 0o644, "abc"),
		{Name: "etc/link", Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: "motd"},
		{Name: "dev/null", Typeflag: tar.TypeChar, Mode: 0o666, Devmajor: 1, Devminor: 3, Gid: 5},
	}}, apk{name: "b", version: "2"})
	p := r.provider(t, t.TempDir())
	_, err := p.Database(nil, nil, nil)
	wantError(t, err, "no index is stored")
	names := []string{"b>1", "a"}
	list, err := p.Resolve(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	var trees []*filetree.Tree
	for _, one := range list {
		tree, err := p.Fetch(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, tree)
	}
	db, err := p.Database(names, list, trees)
	if err != nil {
		t.Fatal(err)
	}
	world, _ := db.Lookup("etc/apk/world")
	if got := string(world.Data); got != "a\nb>1\n" {
		t.Errorf("world is %q", got)
	}
	installed, _ := db.Lookup("lib/apk/db/installed")
	var got []string
	for line := range strings.Lines(string(installed.Data)) {
		if !strings.Contains("CSITUL", line[:1]) {
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
	}
	want := []string{
		"P:b", "V:2", "A:x86_64", "",
		"P:a", "V:1-r0", "A:x86_64", "D:b",
		"F:", "R:init", "a:0:0:755", "Z:Q1vZcb7IgUmVZFihD8nF7LPrmd1FI=",
		"F:dev", "R:null", "a:0:5:666",
		"F:etc", "R:link", "a:0:0:777", "Z:Q1X09P4wPJGiettDsoWlrJe5HzAr8=",
		"R:motd", "Z:Q1qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
		"R:shadow", "a:0:0:640", "Z:Q1qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
		"F:tmp", "M:0:0:1777", "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	trees[1].File("a\nP:evil", 0o644, nil)
	_, err = p.Database(names, list, trees)
	wantError(t, err, "alpine package a-1-r0: ", "line break")
	list[0].Version = "3"
	_, err = p.Database(names, list, trees)
	wantError(t, err, "alpine package b-3: ", "not in the stored index")
	_, err = p.Database(names, list, nil)
	wantError(t, err, "not as many")
}
