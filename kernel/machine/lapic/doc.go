// Package lapic drives the local APIC of each CPU: its timer, and interrupts
// from one CPU to another. Intel SDM volume 3, chapter 11.
package lapic
