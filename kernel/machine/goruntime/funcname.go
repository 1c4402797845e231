//go:build baremetal

package goruntime

import "runtime"

// funcName returns the name of the function that contains pc. The tables that
// it reads are in the image; it allocates nothing.
func funcName(pc uintptr) string {
	f := runtime.FuncForPC(pc)
	if f == nil {
		return ""
	}
	return f.Name()
}
