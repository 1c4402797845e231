// Package command tests "kevlar run -- COMMAND": the streams, the exit status, the flags. The tests
// boot machines, so they run under "kevlar test" only.
package command
