package abi

// Clocks and timers: clock_gettime(2), timer_settime(2).
const (
	CLOCK_DEFAULT            = 0x0
	CLOCK_REALTIME           = 0x0
	CLOCK_EXT                = 0x1
	CLOCK_MONOTONIC          = 0x1
	CLOCK_INT                = 0x2
	CLOCK_PROCESS_CPUTIME_ID = 0x2
	CLOCK_THREAD_CPUTIME_ID  = 0x3
	CLOCK_TXINT              = 0x3
	CLOCK_MONOTONIC_RAW      = 0x4
	CLOCK_TXFROMRX           = 0x4
	CLOCK_REALTIME_COARSE    = 0x5
	CLOCK_MONOTONIC_COARSE   = 0x6
	CLOCK_BOOTTIME           = 0x7
	CLOCK_REALTIME_ALARM     = 0x8
	CLOCK_BOOTTIME_ALARM     = 0x9
	CLOCK_TAI                = 0xb

	ITIMER_REAL    = 0x0
	ITIMER_VIRTUAL = 0x1
	ITIMER_PROF    = 0x2

	TIMER_ABSTIME = 0x1
)
