// Package rootfs tests what takes too long for a unit test of the root file system's builder: the
// recipes of source packages. It builds BusyBox from Debian's sources and boots it. The environment
// variable RECIPES names the recipes to build instead, or is "all".
package rootfs
