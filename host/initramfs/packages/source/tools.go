package source

import (
	"context"
	"os/exec"
	"slices"
	"strings"

	"kevlar/host/hostpkg"
	"kevlar/host/progress"
)

// everyBuild are the Debian packages on the host without which nothing is built: dpkg-source unpacks,
// as it alone applies patches as every format of source package wants it.
var everyBuild = []string{"binutils", "dpkg-dev", "gcc", "libc6-dev", "make"}

// prepareHost installs what a build needs and is missing, and returns the names and versions of it all.
func prepareHost(ctx context.Context, report *progress.Reporter, more []string) ([]string, error) {
	names := append(slices.Clone(everyBuild), more...)
	slices.Sort(names)
	names = slices.Compact(names)
	have := installed(ctx, names)
	var needs []hostpkg.Need
	for _, name := range names {
		if have[name] == "" {
			needs = append(needs, hostpkg.Need{Package: name, Present: func() bool {
				return installed(ctx, []string{name})[name] != ""
			}})
		}
	}
	if len(needs) > 0 {
		if err := hostpkg.Ensure(ctx, report, needs...); err != nil {
			return nil, err
		}
		have = installed(ctx, names)
	}
	var tools []string
	for _, name := range names {
		tools = append(tools, name+" "+have[name])
	}
	return tools, nil
}

// installed returns the versions of those packages that are installed on the host.
func installed(ctx context.Context, names []string) map[string]string {
	args := append([]string{"-W", "-f", `${Package} ${Version} ${db:Status-Status}\n`}, names...)
	// Its status is 1 if a package is not known, which is no more than the output tells.
	out, _ := exec.CommandContext(ctx, "dpkg-query", args...).Output()
	have := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 && f[2] == "installed" {
			have[f[0]] = f[1]
		}
	}
	return have
}
