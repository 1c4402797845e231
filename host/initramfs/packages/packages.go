// Package packages is what the builder of root file systems knows of distributions. A Provider turns
// names of packages into exact packages, and each of those into a tree of files. There is a folder
// for each provider.
package packages

import (
	"context"

	"kevlar/host/initramfs/filetree"
)

// Package is one package in one version.
type Package struct {
	Name    string
	Version string
	Arch    string
	URL     string // where it is fetched from
	Size    int64  // of the file at URL, in bytes
	Digest  string // of what is fetched, in hexadecimal after its kind, as "sha256:..."; the same digest, the same files
}

// A Provider knows a distribution. Its methods may be called from several goroutines at once.
type Provider interface {
	// Fingerprint tells, without the network and in less than a millisecond, in which state the
	// provider's lists of packages are: as long as it stays the same, Resolve gives the same answer
	// for the same names. It is empty when there are no lists yet, before the first Resolve.
	Fingerprint() (string, error)

	// Resolve returns the packages of these names and all that they depend on, each once, in the
	// order in which they are to be unpacked. It gets the lists of packages if there are none.
	Resolve(ctx context.Context, names []string) ([]Package, error)

	// Fetch gets a package, checks it against its digest, and returns the files in it.
	Fetch(ctx context.Context, p Package) (*filetree.Tree, error)
}
