// Package signal is what a process does about signals, its Actions, and those
// that wait for it, its Queues: signal(7). Who may send, who is woken and how a
// signal is delivered are package task's.
package signal
