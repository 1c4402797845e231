// Package bombs lets programs take all of the kernel's memory that they can get, of every kind, as root and
// as a user, in small machines. No machine may be lost, nobody killed but the bomb; another user goes on,
// and all memory comes back.
package bombs
