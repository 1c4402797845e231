#!/bin/sh
# The first process. It mounts what programs expect and then runs a command for the host, a shell
# for the host's terminal, or, booted by hand, a shell on the console. It is the same on Kevlar and
# on Linux.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TERM=vt102

mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 pts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
[ -e /dev/stdin ] || ln -s fd/0 /dev/stdin
[ -e /dev/stdout ] || ln -s fd/1 /dev/stdout
[ -e /dev/stderr ] || ln -s fd/2 /dev/stderr
hostname -F /etc/hostname

# Linux needs its virtio drivers. In Kevlar they are part of the kernel.
for module in /kevlar/modules/*.ko; do
	[ -e "$module" ] && insmod "$module"
done

# The console device of the kernel may be the kernel log's.
console=/dev/ttyS0
[ -c $console ] || console=/dev/console

if [ ! -e /kevlar/command ]; then
	setsid -c /kevlar/shell <>$console >&0 2>&1
	poweroff -f
fi

# The host's side of this protocol is host/guest. The command file sets:
#   token    what ends an output stream; it is different every time
#   TERM     the type of the host's terminal, for a shell
# and the positional parameters to the command and its arguments, none for a shell.
set --
. /kevlar/command

# attach opens virtio-serial port $3 as descriptor $1; $2 is the redirection. It waits for the port,
# whose file may be there a moment before it can be opened.
attach() {
	tries=1000
	while :; do
		for path in /dev/vport*p"$3"; do
			[ -c "$path" ] && { eval "command exec $1$2$path"; } 2>/dev/null && return
		done
		if [ $((tries -= 1)) = 0 ]; then
			echo "init: no virtio-serial port $3" >&2
			poweroff -f
		fi
		sleep 0.01
	done
}

# connected waits until the host is connected to the port that is the standard input: until the kernel
# has noticed, reading gives end of file. The host writes a line at once, which is taken away here.
connected() {
	until read -r line; do
		sleep 0.01
	done
}

attach 4 "<>" 4
connected <&4
if [ $# = 0 ]; then
	export token console
	setsid -c /kevlar/shell <>$console >&0 2>&1
	poweroff -f
fi
. /kevlar/run
