// Package panicfs is a file system whose operations panic when they are told to: a test of what a
// panic in the middle of a system call leaves behind. A kernel has it only if it is built with the
// tag panictest.
//
// There is one directory. Its files hold up to a page, which can be mapped.
package panicfs
