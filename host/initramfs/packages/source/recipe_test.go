package source

import (
	"strings"
	"testing"
)

// TestShipped reads all recipes that come with Kevlar.
func TestShipped(t *testing.T) {
	files, err := shipped.ReadDir("recipes")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".toml")
		r, err := Shipped(name)
		if err != nil {
			t.Error(err)
		} else if r.Name != name {
			t.Errorf("%s is the recipe of %s", f.Name(), r.Name)
		}
	}
	for _, name := range []string{"nosuch", "../recipes/bash", ""} {
		if _, err := Shipped(name); err == nil {
			t.Errorf("%q: there is a recipe", name)
		}
	}
}

func TestCheck(t *testing.T) {
	good := func() Recipe {
		return Recipe{Name: "hello", Build: "make", Install: []Install{{From: "hello", To: "bin/hello"}}}
	}
	if r := good(); r.Check() != nil {
		t.Fatal(r.Check())
	}
	for _, tt := range []struct {
		change func(*Recipe)
		want   string
	}{
		{func(r *Recipe) { r.Name = "-o" }, `"-o" is not the name of a source package`},
		{func(r *Recipe) { r.Name = "" }, `"" is not the name of a source package`},
		{func(r *Recipe) { r.Version = "1 2" }, `recipe of hello: "1 2" is not a version`},
		{func(r *Recipe) { r.Needs = []string{"a b"} }, `"a b" is not the name of a package`},
		{func(r *Recipe) { r.Env = map[string]string{"A=B": ""} }, `"A=B" cannot be in the environment`},
		{func(r *Recipe) { r.Build = "" }, "nothing is built"},
		{func(r *Recipe) { r.Install = nil }, "nothing is installed"},
		{func(r *Recipe) { r.Install[0].From = "../x" }, `install from "../x"`},
		{func(r *Recipe) { r.Install[0].From = "/etc/passwd" }, `install from "/etc/passwd"`},
		{func(r *Recipe) { r.Install[0].From = "" }, `install from ""`},
		{func(r *Recipe) { r.Install[0].To = "a/../../b" }, `install to "a/../../b"`},
		{func(r *Recipe) { r.Install[0].To = "" }, `install to ""`},
		{func(r *Recipe) { r.Install[0].Links = []string{"x", ""} }, `install to ""`},
		{func(r *Recipe) { r.Install[0].Mode = 0o17777 }, "17777 is not a mode"},
	} {
		r := good()
		tt.change(&r)
		if err := r.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
}
