package bench

import (
	"bufio"
	"io"
	"math"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	text := []byte("a kernel speaks\r\nbegan 500 1\r\nrow calls/getpid 1000 201000 200000\r\nx y z\nrow bad 0 1 1\nrow a/b 2 -4 -6\nend 0 1\n")
	if err := complete(text); err != nil {
		t.Error(err)
	}
	if c := parseCounts(text); c["began"] != 500 {
		t.Errorf("%v", c)
	}
	want := []Count{{"calls/getpid", 201, 200}, {"a/b", -2, -3}}
	if diff := cmp.Diff(want, parseOperations(text)); diff != "" {
		t.Error(diff)
	}
	for text, says := range map[string]string{
		"": "did not come", "getpid 1 1\n": "did not come", "end 0 0\n": "did not come", "row a 1 1 1\r\nfailed wc: it\r\nend 0 1\n": "failed wc: it",
	} {
		if err := complete([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestChosen(t *testing.T) {
	for _, c := range []struct {
		pattern string
		want    bool
	}{{"*", true}, {"pipe_1", true}, {"pipes/*", true}, {"pipe*", true}, {"pipes", false}, {"calls/*", false}, {"*/pipe_1", true}} {
		if got := Chosen(c.pattern, "pipes/pipe_1"); got != c.want {
			t.Errorf("%q: %v", c.pattern, got)
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
	c := Column{
		Title: title, Linux: linux,
		Boot:       Counts{began: 100 + boot, clockBegan: 100},
		Operations: []Count{{loopName, 2, 2}, {"calls/getpid", getpid, getpid - 10}, {"files/stat", 100, 90}},
	}
	if !linux {
		c.Interrupts = map[int]float64{1: 1, 2: 1}
	}
	return c
}

func TestPrint(t *testing.T) {
	linux, lean := full("linux", true, 6_000_000, 400), full("lean", true, 7_000_000, 320)
	linux.Boot[clockBegan] = 5_000_000 // it starts its clock late
	lean.Operations[2].Mean = 200
	for _, tt := range []struct {
		name         string
		boot, getpid float64
		kept         bool
	}{
		{"at the limits", 3_000_000, 160, true},
		{"slow boot", 3_000_001, 160, false},
		{"slow getpid", 3_000_000, 165, false},
	} {
		var out strings.Builder
		kept := NewReport([]Column{full("kevlar", false, tt.boot, tt.getpid), linux, lean}).Print(&out, nil)
		if kept != tt.kept || strings.Contains(out.String(), "exceeded") == kept {
			t.Errorf("%s: %v\n%s", tt.name, kept, out.String())
		}
		for _, want := range []string{
			`6,000,000 +7,000,000 +0.50`,              // Linux's boot is counted from the firmware's end
			`calls/getpid +15\d +16\d +400 +320 +0.5`, // the cheaper
			`files/stat +90 +100 +100 +200 +1.00`,
		} {
			if !regexp.MustCompile(want).MatchString(out.String()) {
				t.Errorf("%s: no %q in\n%s", tt.name, want, out.String())
			}
		}
	}
	var out strings.Builder
	if !NewReport([]Column{linux}).Print(&out, nil) || strings.Contains(out.String(), "164") {
		t.Errorf("Linux has Kevlar's limits:\n%s", out.String())
	}
}

func TestGeometricMean(t *testing.T) {
	kevlar, linux := full("kevlar", false, 1, 100), full("linux", true, 1, 200)
	kevlar.Operations = append(kevlar.Operations, Count{"files/open", 400, 400})
	linux.Operations = append(linux.Operations, Count{"files/open", 100, 100})
	var out strings.Builder
	NewReport([]Column{kevlar, linux}).Print(&out, nil)
	if !strings.Contains(out.String(), "geometric mean of files") || !regexp.MustCompile(`mean of files +2.00`).MatchString(out.String()) {
		t.Errorf("not 2, of 1 and 4:\n%s", out.String())
	}
}

func TestMissing(t *testing.T) {
	c := full("kevlar", false, 1, 1)
	if missing := NewReport([]Column{c}).Missing(); len(missing) != 0 {
		t.Errorf("missing %v", missing)
	}
	c.Operations = nil
	delete(c.Interrupts, 2)
	if diff := cmp.Diff([]string{"calls/getpid", InterruptName(2)}, NewReport([]Column{c}).Missing()); diff != "" {
		t.Error(diff)
	}
}

func TestBefore(t *testing.T) {
	before := NewReport([]Column{full("kevlar", false, 1_000_000, 100)})
	for getpid, want := range map[float64]bool{50: true, 100: true, 103: true, 104: false} {
		var out strings.Builder
		kept := NewReport([]Column{full("kevlar", false, 1_000_000, getpid)}).Print(&out, before)
		if kept != want || strings.Contains(out.String(), "grown") == kept {
			t.Errorf("%v after 100: %v\n%s", getpid, kept, out.String())
		}
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
