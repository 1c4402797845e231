package bench

import (
	"bufio"
	"io"
	"math"
	"net"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	c, err := parse([]byte("a kernel speaks\r\nbegan 500 1\r\ngetpid 201000 1000\nx y z\nend 0 1\r\nlate 1 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c) != 2 || c["began"] != 500 || c["getpid"] != 201 {
		t.Errorf("%v", c)
	}
	for _, text := range []string{"", "getpid 1 1\n", "end 0 0\n", "failed fork\n"} {
		if c, err := parse([]byte(text)); err == nil {
			t.Errorf("%q is complete: %v", text, c)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.6: "1,234,568", -2000: "-2,000", 999.7: "1,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
	if got := grouped(math.NaN()); got != "-" {
		t.Errorf("nothing: %s", got)
	}
}

// full returns a column with a boot from 100 to 100+boot and with getpid at a cost.
func full(title string, linux bool, boot, getpid float64) Column {
	return Column{
		Title: title, Linux: linux,
		Boot:       Counts{began: 100 + boot, clockBegan: 100},
		Operations: Counts{"getpid": getpid + 4},
		Interrupts: map[int]float64{1: 1, 2: 1},
	}
}

func TestPrint(t *testing.T) {
	linux := full("linux", true, 6_000_000, 300)
	linux.Boot[clockBegan] = 5_000_000 // it starts its clock late
	for _, tt := range []struct {
		name         string
		boot, getpid float64
		kept         bool
	}{
		{"at the limits", 3_000_000, 160, true},
		{"slow boot", 3_000_001, 160, false},
		{"slow getpid", 3_000_000, 161, false},
	} {
		var out strings.Builder
		kept := Print(&out, []Column{full("kevlar", false, tt.boot, tt.getpid), linux})
		if kept != tt.kept || strings.Contains(out.String(), "exceeded") == kept {
			t.Errorf("%s: %v\n%s", tt.name, kept, out.String())
		}
		if !strings.Contains(out.String(), "6,000,000") {
			t.Errorf("%s: Linux's boot is not counted from the firmware's end\n%s", tt.name, out.String())
		}
	}
	var out strings.Builder
	if !Print(&out, []Column{linux}) || strings.Contains(out.String(), "160") {
		t.Errorf("Linux has Kevlar's limits:\n%s", out.String())
	}
}

// TestPrintNothing has a count missing that has a limit.
func TestPrintNothing(t *testing.T) {
	c := full("kevlar", false, 1, 1)
	c.Operations = Counts{}
	if Print(new(strings.Builder), []Column{c}) {
		t.Error("a count that is missing keeps its limit")
	}
	c = full("kevlar", false, 1, 1)
	delete(c.Interrupts, 2)
	if Print(new(strings.Builder), []Column{c}) {
		t.Error("an interrupt that is missing keeps its limit")
	}
}

// TestConverse has a guest that asks for a key twice.
func TestConverse(t *testing.T) {
	here, there := net.Pipe()
	go func() {
		keys := bufio.NewReader(there)
		for _, line := range []string{"hello", "press", "press"} {
			io.WriteString(there, line+"\r\n")
			if line == "press" {
				if key, err := keys.ReadString('\n'); err != nil || key != "\n" {
					t.Errorf("the key is %q: %v", key, err)
				}
			}
		}
		io.WriteString(there, "no end of line")
		there.Close()
	}()
	text, err := converse(here)
	if err != nil || string(text) != "hello\r\npress\r\npress\r\nno end of line" {
		t.Errorf("%q, %v", text, err)
	}
}
