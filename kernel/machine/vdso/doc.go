// Package vdso makes the shared object that every program finds in its memory:
// vdso(7). It tells the time and the CPU number without a system call.
//
// The functions are Go assembly, copied from this package's text into an ELF
// image. They are position-independent but for one thing: they read the clock's
// parameters, the vvar page, which is mapped just below the image. Each
// function finds it by an instruction that loads an address relative to itself;
// Image fills in the distance.
package vdso
