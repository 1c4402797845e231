// Package nested runs Kevlar on real KVM, on hosts that have none: in an emulated machine whose
// processor has AMD's virtualisation, under Debian's kernel with its KVM, and there in QEMU with
// that. The BusyBox suite must pass inside. The environment variable NESTED_CASES picks cases of it
// by patterns, such as "text/* files/*".
//
// The emulated processor has no AVX. QEMU's emulation does not let KVM know when its guest executes
// XSETBV, so KVM would take AVX away from a guest that uses it.
package nested
