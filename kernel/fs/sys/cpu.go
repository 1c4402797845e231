package sys

import "fmt"

// A CPU is a processor's place in the machine.
type CPU struct {
	PackageID, CoreID int
	// Threads and Package are the sets of processors of the same core and
	// of the same package, as ranges: "0-1".
	Threads, Package string
}

// AddCPUs makes the processors known, which are all online and numbered from
// 0.
func (fs *FS) AddCPUs(cpus []CPU) {
	const base = "devices/system/cpu"
	all := fixed("0")
	if n := len(cpus); n > 1 {
		all = fixed(fmt.Sprintf("0-%d", n-1))
	}
	fs.AddAttributes(base,
		Attribute{"online", all},
		Attribute{"offline", fixed("")},
		Attribute{"possible", all},
		Attribute{"present", all},
		Attribute{"kernel_max", fixed(fmt.Sprint(len(cpus) - 1))},
	)
	for i, c := range cpus {
		fs.AddAttributes(fmt.Sprintf("%s/cpu%d/topology", base, i),
			Attribute{"physical_package_id", fixed(fmt.Sprint(c.PackageID))},
			Attribute{"core_id", fixed(fmt.Sprint(c.CoreID))},
			Attribute{"thread_siblings_list", fixed(c.Threads)},
			Attribute{"core_cpus_list", fixed(c.Threads)},
			Attribute{"core_siblings_list", fixed(c.Package)},
			Attribute{"package_cpus_list", fixed(c.Package)},
		)
	}
}

func fixed(s string) func() string {
	return func() string { return s }
}
