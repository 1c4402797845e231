package tasktest

import "testing"

func TestExitStatus(t *testing.T) {
	if got := Run(t, func(u *User) int { return 42 }); got != 42<<8 {
		t.Errorf("status %#x, want %#x", got, 42<<8)
	}
}
