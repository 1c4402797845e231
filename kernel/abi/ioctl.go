package abi

// FIGETBSZ asks for the block size of a file's file system: ioctl(2).
const FIGETBSZ = 0x2
