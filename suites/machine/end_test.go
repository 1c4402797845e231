package machine

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestLogOnSerial checks that the log is seen where nothing but a serial port shows it, and that quiet
// leaves only errors.
func TestLogOnSerial(t *testing.T) {
	v := boot(t, append(root(t), "-m", "128M", "-cpu", "max")...)
	v.await(`\[ *[0-9.]+\] Kevlar .*\r\n`)
	v.await(`~ # `)
	v.typed("echo '<1>some''thing is wrong' >/dev/kmsg; for i in 1 2 3; do echo line $i; done; exit")
	v.await(`\[ *[0-9.]+\] something is wrong\r\n`)
	v.await(`line 1\r\nline 2\r\nline 3\r\n`)
	v.await(`power off`)
	v.end()

	v = boot(t, append(root(t), "-m", "128M", "-cpu", "max", "-append", "quiet")...)
	v.await(`~ # `)
	v.typed("echo '<1>some''thing is wrong' >/dev/kmsg; exit")
	v.await(`something is wrong`)
	v.end()
	if strings.Contains(v.shown(), "Kevlar") {
		t.Error("quiet is not quiet")
	}
}

// TestLittleMemory boots machines of all small sizes: each works or says why not.
func TestLittleMemory(t *testing.T) {
	for _, mib := range []int{24, 22, 18, 16, 12, 8, 4} {
		v := boot(t, append(root(t), "-m", fmt.Sprint(mib, "M"), "-cpu", "max", "-device", "isa-debug-exit,iobase=0xf4,iosize=4")...)
		if mib < 17 {
			v.await(`kevlar: too little memory`)
			if status := v.end(); status != 255 {
				t.Errorf("%d MiB: status %d", mib, status)
			}
			continue
		}
		v.await(`~ # |kevlar: `)
	}
}

// TestNoInitramfs checks that a machine without one says so and ends soon, however time goes by in it.
func TestNoInitramfs(t *testing.T) {
	for _, clock := range [][]string{nil, {"-icount", "shift=0,sleep=off"}} {
		v := boot(t, append([]string{"-m", "128M", "-cpu", "max"}, clock...)...)
		v.await("kevlar: no initramfs")
		begin := time.Now()
		v.end()
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%v: it took %v to end", clock, took)
		}
	}
}

// TestNMI sends non-maskable interrupts while programs run: nobody must notice.
func TestNMI(t *testing.T) {
	v := boot(t, append(root(t), "-m", "128M", "-cpu", "max", "-smp", "2")...)
	v.await(`~ # `)
	v.typed("f() { i=0; while [ $i -lt 3000 ]; do i=$((i+1)); [ $((i % 100)) = 0 ] && ls / >/dev/null; done; echo counted $1 $i; }; f a & f b; wait; echo all d''one")
	done := func() bool { return strings.Contains(v.shown(), "all done") }
	n := 0
	for end := time.Now().Add(patience); !done() && time.Now().Before(end); n++ {
		v.qmp("inject-nmi", nil)
		time.Sleep(time.Millisecond)
	}
	v.await("counted a 3000")
	v.await("counted b 3000")
	v.await("all done")
	if n < 20 {
		t.Errorf("only %d interrupts were sent", n)
	}
}

// TestFatal makes an idle processor jump to nowhere, and reads the report.
func TestFatal(t *testing.T) {
	v := boot(t, append(root(t), "-m", "128M", "-cpu", "max", "-smp", "2", "-device", "isa-debug-exit,iobase=0xf4,iosize=4")...)
	v.await(`~ # `)
	v.typed("while :; do :; done & echo it r''uns")
	v.await("it runs")
	g := &debugger{t: t, c: v.dial("gdb")}
	g.r = bufio.NewReader(g.c)
	idle := 0
	g.ask("?") // the connection has stopped the machine
	v.until("idle processor", func() bool {
		for i := 1; i <= 2; i++ {
			if v.halted(i - 1) {
				idle = i
				return true
			}
		}
		g.send("vCont;c")
		time.Sleep(20 * time.Millisecond)
		io.WriteString(g.c, "\x03")
		g.answer("stop")
		return false
	})
	g.ask(fmt.Sprintf("Hg%x", idle))
	const rip = 16
	g.ask("qXfer:features:read:target.xml:0,ffb")         // without it there are no registers to write to
	g.ask(fmt.Sprintf("P%x=%s", rip, "3412000000000000")) // 0x1234
	g.send("vCont;c")
	v.until("fatal error", func() bool {
		v.typed("echo wake up") // an idle processor may have nothing to do for long
		return strings.Contains(v.shown(), "kevlar: fatal: exception in ring 0")
	})
	v.await(`rip=1234 `)
	v.await(`stack:\r\n +1234\r\n`)
	v.await(`cpu [01] was in user mode at [0-9a-f]+\r\n|cpu [01] was in the kernel:\r\n +[0-9a-f]+ [^ \r\n]+\+0x`)
	v.await(`last in user mode: sh`)
	if status := v.end(); status != 255 {
		t.Errorf("status %d", status)
	}
}

// halted reports whether a processor waits for an interrupt.
func (v *vm) halted(cpu int) bool {
	text := strings.Split(v.hmp("info registers -a"), "CPU#")
	return strings.Contains(text[cpu+1], "HLT=1")
}

// A debugger speaks GDB's remote protocol.
type debugger struct {
	t *testing.T
	c io.ReadWriter
	r *bufio.Reader
}

func (g *debugger) send(command string) {
	sum := byte(0)
	for i := range len(command) {
		sum += command[i]
	}
	fmt.Fprintf(g.c, "$%s#%02x", command, sum)
}

// ask sends a command and returns the answer.
func (g *debugger) ask(command string) string {
	g.t.Helper()
	g.send(command)
	return g.answer(command)
}

// answer returns the answer to a command.
func (g *debugger) answer(command string) string {
	g.t.Helper()
	if _, err := g.r.ReadString('$'); err != nil {
		g.t.Fatalf("%s: %v", command, err)
	}
	text, err := g.r.ReadString('#')
	if err != nil {
		g.t.Fatalf("%s: %v", command, err)
	}
	g.r.Discard(2)
	io.WriteString(g.c, "+")
	if strings.HasPrefix(text, "E") || text == "#" {
		g.t.Fatalf("%s: %s", command, text)
	}
	return text
}
