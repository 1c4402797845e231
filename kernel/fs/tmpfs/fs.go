package tmpfs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
)

const (
	pageSize      = frame.Size
	pageShift     = frame.Shift
	blocksPerPage = pageSize / 512
	// maxSize is the largest file.
	maxSize = math.MaxInt64
)

// Options are the mount options of tmpfs(5).
type Options struct {
	// FSType is the name that /proc/mounts shows; "tmpfs" if empty.
	FSType string
	// Size limits the contents of all files together, in bytes; 0 is no
	// limit but free memory.
	Size uint64
	// Inodes limits the number of files; 0 is half the number of pages of
	// memory, but not less than minInodes.
	Inodes uint64
	// Mode, UID and GID are those of the root directory; Mode 0 is 01777.
	Mode     uint32
	UID, GID uint32
}

// A fileSystem is one tmpfs.
type fileSystem struct {
	super   vfs.Super
	lastIno atomic.Uint64

	pages     atomic.Int64 // in use
	maxPages  atomic.Int64 // 0: no limit
	inodes    atomic.Int64 // in use
	maxInodes atomic.Int64 // 0: as memory allows

	mu   sync.Mutex
	opts Options // what was asked for; guarded by mu
}

// totalPages counts the pages of all file systems, for /proc/meminfo.
var totalPages atomic.Int64

// Pages returns how many page frames files in memory have.
func Pages() int64 { return totalPages.Load() }

// New makes a file system.
func New(o Options) (*vfs.Super, error) { return newFS(vfs.Kernel, o) }

func newFS(c vfs.Caller, o Options) (*vfs.Super, error) {
	fs := new(fileSystem)
	if o.FSType == "" {
		o.FSType = "tmpfs"
	}
	if o.Mode == 0 {
		o.Mode = 0o1777
	}
	fs.super = vfs.Super{
		Medium: vfs.Memory,
		Dev:    vfs.NewDev(), FSType: o.FSType, Source: o.FSType, MaxSize: maxSize,
		StatFS: fs.statFS, Options: fs.showOptions, Remount: fs.remount,
	}
	fs.setLimits(o)
	ch, err := fs.newInode(c, superCost+dirCost)
	if err != nil {
		return nil, err
	}
	root := newDir(fs, vfs.Kernel, nil, o.Mode&0o7777)
	root.uid.Store(o.UID)
	root.gid.Store(o.GID)
	fs.super.Root = root
	root.charge = ch
	fs.super.Shutdown = func() {
		root.clear()
		dropLinks(root, 2)
	}
	return &fs.super, nil
}

func (fs *fileSystem) setLimits(o Options) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.opts = o
	fs.maxPages.Store(int64(min((o.Size+pageSize-1)/pageSize, math.MaxInt64)))
	fs.maxInodes.Store(int64(min(o.Inodes, math.MaxInt64)))
}

// minInodes is how many files there may be on the smallest machine.
const minInodes = 8192

func (fs *fileSystem) inodeLimit() int64 {
	if n := fs.maxInodes.Load(); n != 0 {
		return n
	}
	return int64(max(frame.Total()/2, minInodes))
}

// countInode counts an inode, or a name beyond its first: ENOSPC.
func (fs *fileSystem) countInode() error {
	if n := fs.inodes.Add(1); n > fs.inodeLimit() {
		fs.inodes.Add(-1)
		return abi.ENOSPC
	}
	return nil
}

// newInode counts an inode and charges c for its memory: ENOSPC.
func (fs *fileSystem) newInode(c vfs.Caller, cost int64) (charge, error) {
	if err := fs.countInode(); err != nil {
		return charge{}, err
	}
	ch, err := newCharge(c, cost)
	if err != nil {
		fs.inodes.Add(-1)
	}
	return ch, err
}

// freeInode undoes newInode.
func (fs *fileSystem) freeInode(ch charge) {
	fs.inodes.Add(-1)
	ch.drop()
}

// newPage returns a frame with undefined contents, or ENOSPC.
func (fs *fileSystem) newPage() (frame.Frame, error) {
	n := fs.pages.Add(1)
	if limit := fs.maxPages.Load(); limit != 0 && n > limit || n%16 == 0 && memoryShort() {
		fs.pages.Add(-1)
		return 0, abi.ENOSPC
	}
	f, err := frame.Alloc()
	if err != nil {
		fs.pages.Add(-1)
		return 0, abi.ENOSPC
	}
	totalPages.Add(1)
	return f, nil
}

func (fs *fileSystem) freePages(n int64) {
	fs.pages.Add(-n)
	totalPages.Add(-n)
}

// memoryShort reports whether so little memory is left that files may not
// grow: programs must be able to run that remove them.
func memoryShort() bool { return frame.Free() < frame.Reserve()+margin() }

// margin is how many frames files leave free.
func margin() uint64 { return frame.Total() / 32 }

func (fs *fileSystem) statFS() abi.Statfs {
	used, limit := uint64(fs.pages.Load()), uint64(fs.maxPages.Load())
	free := frame.Free()
	free -= min(free, frame.Reserve()+margin())
	if limit == 0 {
		limit = used + free
	} else {
		free = min(free, limit-min(limit, used))
	}
	files := uint64(fs.inodeLimit())
	return abi.Statfs{
		Type: abi.TMPFS_MAGIC, Bsize: pageSize, Frsize: pageSize, Namelen: abi.NAME_MAX,
		Blocks: limit, Bfree: free, Bavail: free,
		Files: files, Ffree: files - min(files, uint64(fs.inodes.Load())),
	}
}

// showOptions spells the options for /proc/mounts.
func (fs *fileSystem) showOptions() string {
	fs.mu.Lock()
	o := fs.opts
	fs.mu.Unlock()
	var b strings.Builder
	if o.Size != 0 && o.Size != defaultSize() {
		fmt.Fprintf(&b, ",size=%dk", o.Size>>10)
	}
	if o.Inodes != 0 {
		fmt.Fprintf(&b, ",nr_inodes=%d", o.Inodes)
	}
	if o.Mode != 0o1777 {
		fmt.Fprintf(&b, ",mode=%03o", o.Mode)
	}
	if o.UID != 0 {
		fmt.Fprintf(&b, ",uid=%d", o.UID)
	}
	if o.GID != 0 {
		fmt.Fprintf(&b, ",gid=%d", o.GID)
	}
	b.WriteString(",inode64")
	return b.String()
}

// remount changes the limits, but not to less than is in use.
func (fs *fileSystem) remount(data string) error {
	fs.mu.Lock()
	o := fs.opts
	fs.mu.Unlock()
	if err := o.parse(data); err != nil {
		return err
	}
	if o.Size != 0 && o.Size < uint64(fs.pages.Load())<<pageShift ||
		o.Inodes != 0 && o.Inodes < uint64(fs.inodes.Load()) {
		return abi.EINVAL
	}
	fs.setLimits(o)
	return nil
}

// parse adds the options in data, comma-separated, to o: EINVAL.
func (o *Options) parse(data string) error {
	for _, opt := range strings.Split(data, ",") {
		if opt == "" {
			continue
		}
		key, value, _ := strings.Cut(opt, "=")
		var err error
		switch key {
		case "size":
			o.Size, err = parseSize(value, frame.Total()<<pageShift)
			o.Size = (o.Size + pageSize - 1) &^ (pageSize - 1)
		case "nr_blocks":
			o.Size, err = parseSize(value, 0)
			if o.Size > math.MaxUint64>>pageShift {
				return abi.EINVAL
			}
			o.Size <<= pageShift
		case "nr_inodes":
			o.Inodes, err = parseSize(value, 0)
		case "mode":
			o.Mode, err = parse32(value, 8)
			o.Mode &= 0o7777
		case "uid":
			o.UID, err = parse32(value, 10)
		case "gid":
			o.GID, err = parse32(value, 10)
		case "huge", "mpol": // hints about memory; there is nothing to choose
			if value == "" {
				err = abi.EINVAL
			}
		case "inode64": // inode numbers have no limit anyway
		default:
			return abi.EINVAL
		}
		if err != nil {
			return abi.EINVAL
		}
	}
	return nil
}

func parse32(s string, base int) (uint32, error) {
	n, err := strconv.ParseUint(s, base, 32)
	return uint32(n), err
}

// parseSize reads a number with a suffix k, m, g, t or, if all is not zero, a
// percentage of it.
func parseSize(s string, all uint64) (uint64, error) {
	if s == "" {
		return 0, abi.EINVAL
	}
	shift := 0
	switch last := s[len(s)-1]; last {
	case 'k', 'K':
		shift = 10
	case 'm', 'M':
		shift = 20
	case 'g', 'G':
		shift = 30
	case 't', 'T':
		shift = 40
	case '%':
		n, err := strconv.ParseUint(s[:len(s)-1], 10, 16)
		if err != nil || all == 0 {
			return 0, abi.EINVAL
		}
		return all / 100 * n, nil
	}
	if shift != 0 {
		s = s[:len(s)-1]
	}
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil || n > math.MaxInt64>>shift {
		return 0, abi.EINVAL
	}
	return n << shift, nil
}

// Type is tmpfs for mount(2). Its size is half of memory unless an option says
// otherwise.
type Type struct{}

// defaultSize is the size of a file system mounted without the option.
func defaultSize() uint64 { return frame.Total() / 2 << pageShift }

// Name returns "tmpfs".
func (Type) Name() string { return "tmpfs" }

// Mount makes a new file system.
func (Type) Mount(c vfs.Caller, source, data string, flags int) (*vfs.Super, error) {
	o := Options{Size: defaultSize()}
	if err := o.parse(data); err != nil {
		return nil, err
	}
	s, err := newFS(c, o)
	if err == nil {
		s.Source = source
	}
	return s, err
}

func init() { vfs.RegisterFS(Type{}) }
