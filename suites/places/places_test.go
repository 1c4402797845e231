package places

import (
	"bufio"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kevlar/host/accel"
	"kevlar/host/vm"
	"kevlar/kernel/machine/layout"
)

// TestPlaces looks through the monitor at where the kernel is: in every boot
// somewhere else, and in each the same program. What hash tables are seeded with
// differs, too.
func TestPlaces(t *testing.T) {
	image, initrd := files(t)
	program, err := elf.Open(filepath.Join(filepath.Dir(image), "kevlar.elf"))
	if err != nil {
		t.Skipf("the kernel's symbols: %v", err)
	}
	defer program.Close()
	const boots = 6
	seen := map[string]map[uint64]bool{}
	for range boots {
		m := start(t, image, initrd, "")
		p := m.places(t, program)
		m.check(t, program, p)
		for name, v := range map[string]uint64{
			"direct map": uint64(p.Direct), "Go arenas": uint64(p.GoArena), "Go's other mappings": uint64(p.GoOther),
			"trap stacks": uint64(p.Stacks), "image": uint64(p.Image), "physical image": p.ImagePhysical,
			"the Go runtime's random bytes":  m.word(t, program, "kevlar/kernel/machine/boot.random"),
			"the hash key of the Go runtime": m.word(t, program, "runtime.aeskeysched"),
			"the hash key of futexes":        m.word(t, program, "kevlar/kernel/ipc/futex.seeds"),
		} {
			if seen[name] == nil {
				seen[name] = map[uint64]bool{}
			}
			seen[name][v] = true
		}
		m.stop()
	}
	for name, values := range seen {
		// Two of the boots may agree by chance, of hundreds of thousands of
		// possible places, but not more.
		if len(values) < boots-1 {
			t.Errorf("%s: %d of %d differ: %#x", name, len(values), boots, slices.Collect(maps.Keys(values)))
		}
	}
}

func TestNoKASLR(t *testing.T) {
	image, initrd := files(t)
	program, err := elf.Open(filepath.Join(filepath.Dir(image), "kevlar.elf"))
	if err != nil {
		t.Skipf("the kernel's symbols: %v", err)
	}
	defer program.Close()
	m := start(t, image, initrd, "nokaslr")
	p := m.places(t, program)
	m.check(t, program, p)
	want := layout.Fixed()
	want.ImagePhysical = p.ImagePhysical
	if p != want {
		t.Errorf("places %#x, want %#x", p, want)
	}
	m.stop()
}

// files returns the image of the kernel and the initramfs that kevlar run
// boots.
func files(t *testing.T) (image, initrd string) {
	t.Helper()
	kevlar := os.Getenv("KEVLAR")
	if kevlar == "" {
		t.Skip("needs a machine; run: kevlar test places")
	}
	args := append(append([]string{"run", "--dry-run"}, strings.Fields(os.Getenv("KEVLAR_FLAGS"))...), "--", "true")
	out, err := exec.Command(kevlar, args...).Output()
	if err != nil {
		t.Fatalf("kevlar %q: %v", args, err)
	}
	words := strings.Fields(string(out))
	for i := range words[:max(len(words)-1, 0)] {
		switch words[i] {
		case "-kernel":
			image = words[i+1]
		case "-initrd":
			initrd = words[i+1]
		}
	}
	if image == "" || initrd == "" {
		t.Fatalf("no kernel and initramfs in %s", out)
	}
	return image, initrd
}

// A machine is one that has booted to its shell and is looked at through QEMU's
// monitor.
type machine struct {
	*vm.Machine
	config  *vm.Config
	monitor net.Conn
	replies *json.Decoder
	delta   uint64 // where the image is, minus where it is linked
	idt     uint64
}

func start(t *testing.T, image, initrd, appendix string) *machine {
	t.Helper()
	console, err := vm.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "monitor")
	m := &machine{config: &vm.Config{
		Machine: "q35", Accel: accel.Choice{Mode: accel.TCG}, CPUs: 1, Mem: 512 << 20,
		Kernel: image, Initramfs: vm.InitramfsFile(initrd), Append: appendix, Serial: []*vm.Stream{console},
		Extra: []string{"-qmp", "unix:" + socket + ",server=on,wait=off"},
	}}
	if m.Machine, err = vm.Start(m.config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.stop)
	timer := time.AfterFunc(time.Minute, m.Kill)
	defer timer.Stop()
	if text, err := readUntil(console, "# "); err != nil {
		t.Fatalf("no shell: %v: %s", err, text)
	}
	go io.Copy(io.Discard, console)
	if m.monitor, err = net.Dial("unix", socket); err != nil {
		t.Fatal(err)
	}
	m.replies = json.NewDecoder(m.monitor)
	m.execute(t, "qmp_capabilities", "")
	m.execute(t, "stop", "")
	return m
}

func readUntil(r io.Reader, end string) (string, error) {
	var text strings.Builder
	for b := bufio.NewReader(r); ; {
		c, err := b.ReadByte()
		if err != nil {
			return text.String(), err
		}
		text.WriteByte(c)
		if strings.HasSuffix(text.String(), end) {
			return text.String(), nil
		}
	}
}

// stop ends the machine; it may be called more than once.
func (m *machine) stop() {
	m.Kill()
	if m.monitor != nil {
		m.monitor.Close()
	}
	m.config.Close()
}

// execute has the monitor execute a command of QEMU's machine protocol and
// returns its answer. The argument, if any, is that of human-monitor-command.
func (m *machine) execute(t *testing.T, command, argument string) string {
	t.Helper()
	request := map[string]any{"execute": command}
	if argument != "" {
		request["arguments"] = map[string]string{"command-line": argument}
	}
	if err := json.NewEncoder(m.monitor).Encode(request); err != nil {
		t.Fatal(err)
	}
	for {
		var reply struct {
			Return json.RawMessage
			Error  any
		}
		if err := m.replies.Decode(&reply); err != nil {
			t.Fatal(err)
		}
		if reply.Error != nil {
			t.Fatalf("%s %s: %v", command, argument, reply.Error)
		}
		if reply.Return != nil {
			var text string
			json.Unmarshal(reply.Return, &text)
			return text
		}
	}
}

// memory returns n words at an address: virtual ones for x, physical ones for
// xp.
func (m *machine) memory(t *testing.T, command string, addr uint64, n int) []uint64 {
	t.Helper()
	text := m.execute(t, "human-monitor-command", fmt.Sprintf("%s /%dgx %#x", command, n, addr))
	var words []uint64
	for _, line := range strings.Split(text, "\n") {
		_, line, _ = strings.Cut(line, ":")
		for _, f := range strings.Fields(line) {
			w, err := strconv.ParseUint(f, 0, 64)
			if err != nil {
				t.Fatalf("%s: %s", command, text)
			}
			words = append(words, w)
		}
	}
	if len(words) != n {
		t.Fatalf("%d words at %#x: %s", n, addr, text)
	}
	return words
}

// handler returns the address of the code that a gate leads to.
func handler(gate []uint64) uint64 { return gate[0]&0xffff | gate[0]>>48<<16 | gate[1]<<32 }

// places finds the image by the code that the interrupt descriptor table leads to,
// and reads where it says that all parts are.
func (m *machine) places(t *testing.T, program *elf.File) (p layout.Places) {
	t.Helper()
	registers := m.execute(t, "human-monitor-command", "info registers")
	base := func(name string) uint64 {
		_, after, _ := strings.Cut(registers, name+"=")
		if fields := strings.Fields(after); len(fields) > 0 {
			if v, err := strconv.ParseUint(fields[0], 16, 64); err == nil {
				return v
			}
		}
		t.Fatalf("no %s: %s", name, registers)
		return 0
	}
	m.idt = base("IDT")
	// Programs may learn these two addresses from the processor.
	for i, v := range []uint64{m.idt, base("GDT")} {
		if want := layout.Descriptors + uint64(i)*0x2000; v&^0xfff != want {
			t.Errorf("descriptor table %d is at %#x, which depends on the image's place; want it at %#x", i, v, want)
		}
	}
	gate := m.memory(t, "x", m.idt, 2)
	m.delta = handler(gate) - m.symbol(t, program, "kevlar/kernel/machine/cpu.exception0")
	w := m.memory(t, "x", m.symbol(t, program, "kevlar/kernel/machine/layout.Placed"), 6)
	return layout.Places{
		Direct: uintptr(w[0]), GoArena: uintptr(w[1]), GoOther: uintptr(w[2]), Stacks: uintptr(w[3]), Image: uintptr(w[4]),
		ImagePhysical: w[5],
	}
}

// word returns the first word of a variable of the program.
func (m *machine) word(t *testing.T, program *elf.File, name string) uint64 {
	t.Helper()
	return m.memory(t, "x", m.symbol(t, program, name), 1)[0]
}

// symbol returns where the machine has a symbol of the program.
func (m *machine) symbol(t *testing.T, program *elf.File, name string) uint64 {
	t.Helper()
	symbols, err := program.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name == name {
			return s.Value + m.delta
		}
	}
	t.Fatalf("no symbol %s", name)
	return 0
}

// check looks at whether the parts of the kernel are where p says.
func (m *machine) check(t *testing.T, program *elf.File, p layout.Places) {
	t.Helper()
	if p.Image != uintptr(layout.KernelImage+m.delta) {
		t.Errorf("the image is at %#x, not at %#x", layout.KernelImage+m.delta, p.Image)
	}
	// The image begins with the headers of the ELF file, and they, like text, are where they were loaded. What
	// its data has to say is where the physical place of the image tells.
	const magic, loaded = 0x00010102464c457f, layout.KernelImage - layout.KernelBase
	const data = "kevlar/kernel/machine/boot.random"
	at, random := m.symbol(t, program, data)-uint64(p.Image), m.word(t, program, data)
	if random == 0 {
		t.Errorf("%s is 0", data)
	}
	for _, place := range []struct {
		command    string
		addr, want uint64
	}{
		{"x", uint64(p.Image), magic},
		{"xp", loaded, magic},
		{"x", uint64(p.Direct) + loaded, magic},
		{"xp", p.ImagePhysical + at, random},
		{"x", uint64(p.Direct) + p.ImagePhysical + at, random},
	} {
		if w := m.memory(t, place.command, place.addr, 1)[0]; w != place.want {
			t.Errorf("%s %#x: %#x, want %#x", place.command, place.addr, w, place.want)
		}
	}
	if m.delta != 0 {
		old := fmt.Sprintf("x /1gx %#x", uint64(layout.KernelImage))
		if text := m.execute(t, "human-monitor-command", old); !strings.Contains(text, "Cannot access") {
			t.Errorf("the place that the kernel is linked for is mapped: %s", text)
		}
	}
	text, err := textSection(program)
	if err != nil {
		t.Fatal(err)
	}
	gates := m.memory(t, "x", m.idt, 512)
	present := 0
	for i := 0; i < len(gates); i += 2 {
		if gates[i]>>47&1 == 0 {
			continue
		}
		present++
		h := handler(gates[i:])
		if at := h - m.delta; at < text.Addr || at >= text.Addr+text.Size {
			t.Errorf("the handler of vector %d is at %#x, outside of the text", i/2, h)
		}
	}
	if present < 34 {
		t.Errorf("%d gates", present)
	}
}

func textSection(program *elf.File) (*elf.Section, error) {
	if s := program.Section(".text"); s != nil {
		return s, nil
	}
	return nil, errors.New("the kernel has no text")
}
