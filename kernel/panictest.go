//go:build baremetal && panictest

package main

import _ "kevlar/kernel/panictest"
