package vm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kevlar/host/accel"
)

func stream(t *testing.T) *Stream {
	t.Helper()
	s, err := NewStream()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestArgs(t *testing.T) {
	root, err := InitramfsData([]byte("archive"))
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Machine: "q35", Accel: accel.Choice{Mode: accel.TCG}, CPUs: 2, Mem: 64 << 20,
		Kernel: "kevlar.img", Initramfs: root, Append: "strace x=y",
		Serial: []*Stream{stream(t)}, DebugCon: stream(t),
		Ports:     []Port{{4, stream(t)}, {1, stream(t)}},
		DebugExit: true, GDB: "tcp::1234", Extra: []string{"-icount", "shift=0"},
	}
	want := strings.Fields(`-nodefaults -no-user-config -display none -monitor none -no-reboot
		-machine q35 -accel tcg,thread=multi -cpu max -smp 2 -m 64M
		-chardev socket,id=com1,fd=3 -device isa-serial,chardev=com1
		-chardev socket,id=debugcon,fd=4 -device isa-debugcon,iobase=0xe9,chardev=debugcon
		-device virtio-serial-pci,max_ports=5
		-chardev socket,id=port4,fd=5 -device virtserialport,nr=4,chardev=port4
		-chardev socket,id=port1,fd=6 -device virtserialport,nr=1,chardev=port1
		-device isa-debug-exit,iobase=0xf4,iosize=0x4
		-chardev socket,id=qmp,fd=8 -mon chardev=qmp,mode=control
		-gdb tcp::1234 -S -kernel kevlar.img -initrd /proc/self/fd/7 -append`)
	want = append(want, "strace x=y", "-icount", "shift=0")
	if diff := cmp.Diff(want, c.Args()); diff != "" {
		t.Error(diff)
	}
	if n := len(c.files()); n != 5 {
		t.Errorf("%d files are inherited, the control channel would not be the next one", n)
	}
}

func TestArgsMicroVM(t *testing.T) {
	c := Config{
		Machine: "microvm", Accel: accel.Choice{Mode: accel.KVM}, CPUs: 1, Mem: 64 << 20,
		Kernel: "k", Initramfs: InitramfsFile("root.cpio"), Ports: []Port{{1, stream(t)}},
	}
	args := strings.Join(c.Args(), " ")
	for _, want := range []string{"-machine microvm -accel", "-accel kvm", "-cpu host", "-device virtio-serial-device,max_ports=2", "-initrd root.cpio"} {
		if !strings.Contains(args, want) {
			t.Errorf("no %q in %s", want, args)
		}
	}
	c.CPU = "EPYC"
	args = strings.Join(c.Args(), " ")
	if !strings.Contains(args, "-cpu EPYC") {
		t.Error(args)
	}
}

func TestCheck(t *testing.T) {
	good := Config{Machine: "pc", CPUs: 255, Mem: 1 << 20}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, c := range []Config{
		{Machine: "pc", CPUs: 0, Mem: 1 << 20},
		{Machine: "pc", CPUs: 256, Mem: 1 << 20},
		{Machine: "pc", CPUs: 1, Mem: 1<<20 - 1},
		{Machine: "virt", CPUs: 1, Mem: 1 << 20},
	} {
		if c.Check() == nil {
			t.Errorf("%+v passed", c)
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{
		"64M": 64 << 20, "64m": 64 << 20, "2G": 2 << 30, "512": 512 << 20, "1T": 1 << 40, "2048k": 2 << 20,
	} {
		if got, err := ParseSize(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "M", "-1M", "0", "1.5G", "64MB", "9999999999T", "0x10", " 1"} {
		if got, err := ParseSize(s); err == nil {
			t.Errorf("%q is %d", s, got)
		}
	}
}

func TestCleanMessage(t *testing.T) {
	got := clean("qemu-system-x86_64: unable to find CPU model 'x'\n")
	if got != "unable to find CPU model 'x'" {
		t.Errorf("%q", got)
	}
}

func TestArgsCount(t *testing.T) {
	c := Config{Machine: "q35", Accel: accel.Choice{Mode: accel.TCG}, CPUs: 1, Mem: 64 << 20, Count: true}
	args := strings.Join(c.Args(), " ")
	if !strings.Contains(args, "-icount shift=0,sleep=off") || strings.Contains(args, "thread=multi") {
		t.Error(args)
	}
}
