// Package task is threads and processes.
package task
