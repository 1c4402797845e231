package abi

// Limits that are part of the ABI: limits.h.
const (
	PATH_MAX     = 4096 // bytes of a path, the terminating NUL included
	NAME_MAX     = 255  // bytes of one name
	PIPE_BUF     = 4096 // bytes a pipe takes at once or not at all
	UIO_MAXIOV   = 1024 // vectors of one readv(2)
	NGROUPS_MAX  = 65536
	RLIM_NLIMITS = 16

	// MAX_RW_COUNT is the most one read or write moves, in bytes.
	MAX_RW_COUNT = 0x7ffff000
	// TASK_COMM_LEN is the size of a thread's name, the NUL included.
	TASK_COMM_LEN = 16
	// USER_HZ is the unit of times(2), in ticks a second.
	USER_HZ = 100
)
