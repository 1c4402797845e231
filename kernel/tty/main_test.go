package tty

import (
	"os"
	"testing"

	"kevlar/kernel/machine/frame"
)

func TestMain(m *testing.M) {
	frame.InitSoft(4096)
	os.Exit(m.Run())
}
