// Package abi holds the Linux application binary interface of x86-64: error
// numbers, system call numbers, flags and structure layouts. It is data only:
// it imports nothing from the kernel and holds no state.
package abi
