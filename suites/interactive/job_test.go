package interactive

import (
	"regexp"
	"testing"
)

func TestCtrlC(t *testing.T) {
	s := start(t)
	s.foreground("sleep 1000")
	s.send(ctrlC)
	s.expect(`\^C`)
	s.expect(prompt)
	s.command("echo status $?")
	s.expect(`status 130\r\n`)
}

// TestCtrlCForegroundOnly has it go to the whole of a pipeline, and to nothing else.
func TestCtrlCForegroundOnly(t *testing.T) {
	s := start(t)
	s.command("sleep 999 &")
	s.expect(prompt)
	s.command(`cat | sh -c 'echo go; exec cat'`)
	s.expect(`go\r\n`)
	s.send(ctrlC)
	s.expect(prompt)
	s.command("jobs; ps | grep -c '[c]at'")
	s.expect(`\[1\]\+? +Running +sleep 999\r\n0\r\n`)
}

func TestCtrlCAtPrompt(t *testing.T) {
	s := start(t)
	s.send("echo not this" + ctrlC)
	s.expect(prompt)
	s.send("echo alive\r")
	s.expect(`\nalive\r\n`)
}

// TestCtrlBackslash ends a program that says itself that it runs: a shell ignores SIGQUIT until it
// executes what it was told to.
func TestCtrlBackslash(t *testing.T) {
	s := start(t)
	s.command("echo go >/tmp/go; tail -f /tmp/go")
	s.expect(`go\r\n`)
	s.send("\x1c")
	s.expect(prompt)
	s.command("echo status $?")
	s.expect(`status 131\r\n`) // 128 + SIGQUIT
}

func TestCtrlZ(t *testing.T) {
	s := start(t)
	job := regexp.QuoteMeta(s.foreground("sleep 1000"))
	s.send(ctrlZ)
	s.expect(`\[1\]\+ +Stopped +` + job)
	s.expect(prompt)
	s.command("echo status $?")
	s.expect(`status 148\r\n`) // 128 + SIGTSTP
	s.expect(prompt)
	s.command("jobs")
	s.expect(`\[1\]\+ +Stopped +` + job)
	s.expect(prompt)
	s.command("bg")
	s.expect(`\[1\] ` + job)
	s.expect(prompt)
	s.command("jobs")
	s.expect(`\[1\]\+ +Running +` + job)
	s.expect(prompt)
}

// TestStopSignal stops a job by a signal of its own and makes it go on. What it copies shows that the
// terminal is its own again: the shell names the job before that.
func TestStopSignal(t *testing.T) {
	s := start(t)
	job := regexp.QuoteMeta(s.foreground("cat"))
	s.send(ctrlZ)
	s.expect(prompt)
	s.command("kill -STOP %1; fg")
	s.expect(job + `\r\n`)
	s.send("word\r")
	s.expect(`word\r\nword\r\n`)
	s.send(ctrlC)
	s.expect(prompt)
	s.command("jobs; echo none")
	s.expect(`none\r\n`)
}

// TestStoppedJobGoesOn stops a job that has input to come.
func TestStoppedJobGoesOn(t *testing.T) {
	s := start(t)
	s.command("sh -c 'echo go; read a; echo got $a'")
	s.expect(`go\r\n`)
	s.send(ctrlZ)
	s.expect(`Stopped`)
	s.expect(prompt)
	s.command("fg")
	s.expect(`read a.*\r\n`)
	s.send("word\r")
	s.expect(`\ngot word\r\n`)
}

func TestBackgroundReadStops(t *testing.T) {
	s := start(t)
	s.command("cat &")
	s.expect(prompt)
	s.command("sleep 1; jobs")
	s.expect(`Stopped \(tty input\) +cat`)
	s.expect(prompt)
	s.command("fg")
	s.expect(`cat\r\n`)
	s.send("line\r")
	s.expect(`\nline\r\n`)
}

func TestBackgroundJobEnds(t *testing.T) {
	s := start(t)
	s.command("sleep 0.2 &")
	s.expect(prompt)
	s.command("wait")
	s.expect(`\[1\]\+ +Done +sleep 0.2`)
}
