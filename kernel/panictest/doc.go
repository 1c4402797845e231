// Package panictest makes a kernel panic where a program asks for it, so that
// the suite panics can see what becomes of the rest: a system call that panics
// and a file system whose operations do. Only a kernel built with the tag
// panictest has it.
package panictest
