// Package source holds the kernel's sources, so that a program that was installed has what it builds the
// kernel from.
package source

import "embed"

// Tree is as much of the source tree as the kernel is built from.
//
//go:embed go.mod go.sum kernel
var Tree embed.FS
