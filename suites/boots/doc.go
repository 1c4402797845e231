// Package boots boots a machine many times in a row: none may hang, panic or lose output.
package boots
