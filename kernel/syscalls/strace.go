package syscalls

import (
	"strconv"
	"strings"

	"kevlar/kernel/abi"
	"kevlar/kernel/klog"
	"kevlar/kernel/task"
)

// maxTraceString is how many bytes of a buffer the trace shows.
const maxTraceString = 32

// traced returns a function that serves a call by f and logs it. A line looks
// like strace(1)'s:
//
//	[12] openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3
//
// A call appears when it returns, one that does not return when it begins.
func traced(c *Call, f Func) Func {
	return func(t *task.Task, a *Args) (uintptr, error) { return trace(t, uintptr(t.CallNumber()), c, f, a) }
}

func trace(t *task.Task, nr uintptr, c *Call, f Func, a *Args) (uintptr, error) {
	args, result := splitKinds(c.Args)
	tr := tracer{t: t, args: *a}
	shown := make([]string, len(args))
	for i, k := range args {
		if kinds().out[k] == nil {
			shown[i] = tr.in(k, i)
		}
	}
	tid := t.TID()
	if c.Func != nil && (nr == abi.SYS_EXIT || nr == abi.SYS_EXIT_GROUP) {
		klog.Printf("[%d] %s(%s) = ?", tid, callName(nr), strings.Join(shown, ", "))
		return f(t, a)
	}
	ret, err := f(t, a)
	tr.ret, tr.err = ret, err
	for i, k := range args {
		if kinds().out[k] != nil {
			shown[i] = tr.out(k, i)
		}
	}
	if c.Args == "" && c.Func == nil {
		for _, v := range a {
			shown = append(shown, hex(v))
		}
	}
	klog.Printf("[%d] %s(%s) = %s", tid, callName(nr), strings.Join(shown, ", "), tr.result(result))
	return ret, err
}

// splitKinds takes a row's Args apart.
func splitKinds(s string) (args []string, result string) {
	s, result, _ = strings.Cut(s, " = ")
	if s == "" {
		return nil, result
	}
	return strings.Split(s, ", "), result
}

// A tracer shows the arguments of one call.
type tracer struct {
	t    *task.Task
	args Args
	ret  uintptr
	err  error
}

// in shows argument i before the call.
func (tr *tracer) in(kind string, i int) string {
	if f := kinds().in[kind]; f != nil {
		return f(tr, i)
	}
	return hex(tr.args[i])
}

// out shows argument i, which the call has filled in unless it failed.
func (tr *tracer) out(kind string, i int) string {
	if tr.err != nil || tr.args[i] == 0 {
		return pointer(tr.args[i])
	}
	return kinds().out[kind](tr, i)
}

// result shows what the call returned.
func (tr *tracer) result(kind string) string {
	if e, ok := tr.err.(abi.Errno); ok {
		if e >= abi.ERESTARTSYS {
			return "? " + e.Name() + " (interrupted by a signal)"
		}
		return "-1 " + e.Name() + " (" + e.Error() + ")"
	}
	if tr.err != nil {
		return "? (" + tr.err.Error() + ")"
	}
	switch kind {
	case "ptr":
		return hex(tr.ret)
	case "oct":
		return octal(tr.ret)
	}
	return strconv.FormatInt(int64(tr.ret), 10)
}

func hex(v uintptr) string   { return "0x" + strconv.FormatUint(uint64(v), 16) }
func octal(v uintptr) string { return "0" + strconv.FormatUint(uint64(v), 8) }

func pointer(v uintptr) string {
	if v == 0 {
		return "NULL"
	}
	return hex(v)
}

// bytes reads n bytes of the program's memory, or nil.
func (tr *tracer) bytes(addr uintptr, n int) []byte {
	b := make([]byte, n)
	if _, err := tr.t.CopyIn(b, addr); err != nil {
		return nil
	}
	return b
}

// buffer shows n bytes of the program's memory.
func (tr *tracer) buffer(addr uintptr, n uint64) string {
	b := tr.bytes(addr, int(min(n, maxTraceString)))
	if b == nil {
		return pointer(addr)
	}
	if n > maxTraceString {
		return quote(b) + "..."
	}
	return quote(b)
}

// str shows a string that ends with NUL.
func (tr *tracer) str(addr uintptr) string {
	s, err := tr.t.MM().ReadString(addr, abi.PATH_MAX)
	if err != nil {
		return pointer(addr)
	}
	return quote([]byte(s))
}

// strings shows a NULL-terminated vector of strings, at most limit of them.
func (tr *tracer) strings(addr uintptr, limit int) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; ; i++ {
		p, err := tr.t.MM().ReadUint64(addr + uintptr(8*i))
		if err != nil {
			return pointer(addr)
		}
		if p == 0 {
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		if i == limit {
			b.WriteString("...")
			break
		}
		b.WriteString(tr.str(uintptr(p)))
	}
	b.WriteByte(']')
	return b.String()
}

// quote shows bytes as a C string literal.
func quote(p []byte) string {
	const digits = "01234567"
	b := make([]byte, 0, len(p)+2)
	b = append(b, '"')
	for i, c := range p {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c < 0x7f:
			b = append(b, c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\r':
			b = append(b, '\\', 'r')
		case i+1 < len(p) && p[i+1] >= '0' && p[i+1] <= '9':
			b = append(b, '\\', digits[c>>6], digits[c>>3&7], digits[c&7])
		default:
			b = append(b, '\\')
			b = strconv.AppendUint(b, uint64(c), 8)
		}
	}
	return string(append(b, '"'))
}
