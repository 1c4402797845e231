// Package fuzz makes system calls with arguments that are half right, in several processes with several
// threads each, as root and as an ordinary user. Whatever they are told to do, the kernel must live, contain no
// panic, end what is killed, and give back what it gave.
//
// The programs are in guest. A failure names the seed with which "kevlar test fuzz --seed N" repeats the run.
package fuzz
