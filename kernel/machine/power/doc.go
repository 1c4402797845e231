// Package power ends or restarts the machine. It works in any context.
package power
