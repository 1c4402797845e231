// Package boots boots a machine many times in a row: none may hang, panic or lose output. The
// environment variable BOOTS makes it fewer of each kind.
package boots
