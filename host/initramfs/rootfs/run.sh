# Runs a command for the host; init reads this file. The host's streams are virtio-serial ports:
# 1 is the standard input, 2 the output, 3 the error output. A port can be open once only, so the
# command gets pipes, which it may open again as /dev/stdin and the like, and processes carry the
# bytes between the two. Descriptor 4 is the control port.

attach 5 "<" 1
attach 6 ">" 2
attach 7 ">" 3
connected <&5

$b cat <&5 | {
	{
		{
			(start $b setsid /kevlar/exec "$folder" "$@" 2>&3 3>&- 4>&- 5<&- 6>&- 7>&- 8>&-)
			status=$?
			give 2>&3
			# What the command and its children have written goes before the token.
			printf %s "$token"
			printf %s "$token" >&3
			echo "exit $status" >&4
			# The host answers when it has everything.
			while read -r word <&4 && [ "$word" != done ]; do :; done
			$b poweroff -f
		} | $b cat >&6
	} 3>&1 | $b cat >&7
}
