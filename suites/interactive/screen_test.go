package interactive

import (
	"regexp"
	"strings"
	"testing"
)

func TestVi(t *testing.T) {
	s := start(t)
	s.command("printf 'one\\ntwo\\n' >/tmp/f; clear")
	s.send("vi /tmp/f\r")
	s.expect(`one`)
	s.expect(`two`)
	s.expect(`~`)
	s.expect(`(?:- )?/tmp/f.* 1/2 50%`)
	s.send("j")
	s.expect(`2/2 100%`)
	s.send("Aand more")
	s.expect(typed("more"))
	s.send(escape)
	s.expect(`Modified`)
	s.send(":wq\r")
	s.expect(prompt)
	s.command("cat /tmp/f")
	s.expect(`one\r\ntwoand more\r\n`)
}

// typed is a pattern for text that a full-screen program shows as it is typed: it may place the cursor
// between any two letters, as keys come together or one by one.
func typed(text string) string {
	const place = `(?:\x1b\[[0-9;]*H)*`
	letters := strings.Split(text, "")
	for i, letter := range letters {
		letters[i] = regexp.QuoteMeta(letter)
	}
	return strings.Join(letters, place)
}

func TestViFillsTheWindow(t *testing.T) {
	s := start(t)
	// A line that is being typed would be drawn again when the size changes.
	s.command(`until stty size | grep "40 100"; do sleep 0.1; done`)
	s.resize(40, 100)
	s.expect(`40 100\r\n`)
	s.expect(prompt)
	s.send("vi /tmp/new\r")
	// The status line is on the last row.
	s.expect(`\x1b\[40;1H`)
	s.expect(`/tmp/new`)
	s.send(":q!\r")
	s.expect(prompt)
}

func TestTop(t *testing.T) {
	s := start(t)
	s.command("top -b -n1")
	s.expect(`Mem: *\d+K used, *\d+K free`)
	s.expect(`CPU: `)
	s.expect(`Load average: \d`)
	s.expect(`PID +PPID USER +STAT`)
	s.expect(`\b1 +0 root +S`)
}

func TestTopOnScreen(t *testing.T) {
	s := start(t)
	s.send("top -d 1\r")
	s.expect(`Mem: *\d+K used`)
	s.expect(`Mem: *\d+K used`) // it draws again
	s.send("q")
	s.expect(prompt)
}

func TestResize(t *testing.T) {
	s := start(t)
	s.command("stty size")
	s.expect(`24 80\r\n`)
	s.expect(prompt)
	s.command(`sh -c 'trap "stty size" WINCH; echo go; while :; do sleep 0.1; done'`)
	s.expect(`go\r\n`)
	s.resize(50, 132)
	s.expect(`50 132\r\n`)
	s.resize(10, 40)
	s.expect(`10 40\r\n`)
}
