#!/kevlar/busybox sh
# Becomes, in the folder $1, the program that the other arguments name; without any, the login shell of
# its user. What is looked up is looked up as exec(3) does it: BusyBox would take its own programs first.

folder=$1
shift

# What the system knows of the user.
user=$(/kevlar/busybox id -u) home=/ shell=/bin/sh
if [ -r /etc/passwd ]; then
	while IFS=: read -r _ _ number _ _ entry program; do
		[ "$number" = "$user" ] || continue
		[ -n "$entry" ] && home=$entry
		[ -n "$program" ] && shell=$program
		break
	done </etc/passwd
fi
export HOME="${HOME-$home}"
unset OLDPWD SHLVL

if [ $# = 0 ]; then
	case $shell in
	*/nologin | */false) shell=/bin/sh ;;
	esac
	[ -x "$shell" ] || shell=/bin/sh
	[ -x "$shell" ] || shell=/kevlar/busybox # which its name makes a shell
	name=-${shell##*/}
	[ "$shell" = /kevlar/busybox ] && name=-sh
	cd "${folder:-$HOME}" 2>/dev/null || cd /
	exec -a "$name" "$shell"
fi

if [ -n "$folder" ] && ! cd "$folder" 2>/dev/null; then
	echo "kevlar: $folder: not a folder that can be entered" >&2
	exit 126
fi
case $1 in
*/*)
	file=$1
	;;
*)
	file=
	rest=$PATH:
	while [ -z "$file" ] && [ -n "$rest" ]; do
		try=${rest%%:*}
		try=${try:-.}/$1
		rest=${rest#*:}
		[ -f "$try" ] && [ -x "$try" ] && file=$try
	done
	if [ -z "$file" ]; then
		echo "kevlar: $1: not found in $PATH" >&2
		exit 127
	fi
	;;
esac
name=$1
shift
exec -a "$name" "$file" "$@"
