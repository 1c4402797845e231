// Package machine looks at the kernel from below: it boots it under a plain QEMU, reads the registers of the
// processors and the page tables through the monitor, and does to the machine what no guest can.
package machine
