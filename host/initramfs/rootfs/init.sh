#!/kevlar/busybox sh
# The first process. It mounts what programs expect and then runs a command for the host, a shell
# for the host's terminal, or, booted by hand, a shell on the console. It is the same on Kevlar and
# on Linux, and in root file systems that were made for something else: of what these hold it needs
# nothing.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export TERM=vt102
unset HOME
b=/kevlar/busybox

$b mkdir -p /dev /proc /sys
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mkdir -p /dev/pts /dev/shm
$b mount -t devpts -o gid=5,mode=620,ptmxmode=666 pts /dev/pts
$b mount -t tmpfs -o mode=1777 shm /dev/shm
[ -e /dev/fd ] || $b ln -s /proc/self/fd /dev/fd
[ -e /dev/stdin ] || $b ln -s fd/0 /dev/stdin
[ -e /dev/stdout ] || $b ln -s fd/1 /dev/stdout
[ -e /dev/stderr ] || $b ln -s fd/2 /dev/stderr
name=
[ -r /etc/hostname ] && read -r name </etc/hostname
$b hostname "${name:-kevlar}"

# Linux needs its virtio drivers. In Kevlar they are part of the kernel.
for module in /kevlar/modules/*.ko; do
	[ -e "$module" ] && $b insmod "$module"
done

# The console device of the kernel may be the kernel log's.
console=/dev/ttyS0
[ -c $console ] || console=/dev/console

if [ ! -e /kevlar/command ]; then
	$b setsid -c /kevlar/shell <>$console >&0 2>&1
	$b poweroff -f
fi

# The host's side of this protocol is host/guest. The command file sets:
#   token    what ends an output stream; it is different every time
#   terminal "yes" for a shell or a command on the host's terminal
#   TERM     its type
#   user     as whom the command runs, "" for root
#   folder   where the command starts, "" for wherever that is usual
# and the positional parameters to the command and its arguments, none for a shell. It defines
#   start    which becomes the program that its arguments name, as the user and with the environment
#            that the command is to have
#   give     which writes to descriptor 8, port 5, what the host wants to have of the system in the end,
#            if $wants says that there is something
set --
. /kevlar/command

# A number may be given for a user that the system does not know. It gets to know it.
case ${user%%:*} in
"" | *[!0-9]*) ;;
*)
	if ! $b grep -qs "^[^:]*:[^:]*:${user%%:*}:" /etc/passwd; then
		$b mkdir -p /etc
		echo "${user%%:*}:x:${user%%:*}:0::/:/bin/sh" >>/etc/passwd
	fi
	;;
esac

# What the host has for the system lies in /kevlar/copies: for the path in N.to what is in N.
for to in /kevlar/copies/*.to; do
	[ -e "$to" ] || continue
	{ IFS= read -r name && IFS= read -r path; } <"$to"
	$b mkdir -p "${path%/*}/"
	$b mv -f "${to%.to}/$name" "$path" 2>/dev/null || $b cp -a "${to%.to}/$name" "$path" || $b poweroff -f
done
[ ! -e /kevlar/copies ] || $b rm -rf /kevlar/copies

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
			$b poweroff -f
		fi
		$b sleep 0.01
	done
}

# connected waits until the host is connected to the port that is the standard input: until the kernel
# has noticed, reading gives end of file. The host writes a line at once, which is taken away here.
connected() {
	until read -r line; do
		$b sleep 0.01
	done
}

attach 4 "<>" 4
connected <&4
[ -z "$wants" ] || attach 8 ">" 5
if [ -n "$terminal" ]; then
	export token console
	$b setsid -c /kevlar/shell <>$console >&0 2>&1
	$b poweroff -f
fi
. /kevlar/run
