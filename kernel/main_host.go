//go:build !baremetal

package main

// main is no kernel without a machine below it. What the kernel's main package
// decides by itself is tested on a host.
func main() { panic("the kernel is built with -tags baremetal") }
