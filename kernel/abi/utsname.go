package abi

// The sizes of struct utsname and of each of its fields.
const (
	SizeofUtsname = 390
	UTSLen        = 65 // with the terminating NUL
)

// Utsname is struct new_utsname: uname(2).
type Utsname struct {
	Sysname, Nodename, Release, Version, Machine, Domainname string
}

// MarshalTo writes u into b, which holds at least SizeofUtsname bytes. Names
// too long for their field are cut.
func (u *Utsname) MarshalTo(b []byte) {
	b = b[:SizeofUtsname]
	clear(b)
	for i, s := range [...]string{u.Sysname, u.Nodename, u.Release, u.Version, u.Machine, u.Domainname} {
		copy(b[i*UTSLen:i*UTSLen+UTSLen-1], s)
	}
}
