#!/kevlar/busybox sh
# Runs a login shell, or the command of the host, on the terminal that is its standard input, and ends the
# machine with it. This process leads the session and stays until the terminal has sent everything.

b=/kevlar/busybox
if [ -z "$token" ]; then
	/kevlar/exec ""
	exec </dev/null >/dev/null 2>&1
	$b poweroff -f
fi
. /kevlar/command

# The host tells the size of its window: programs see it from the start, and changes of it.
[ "$rows" ] && $b stty -F "$console" rows "$rows" cols "$columns"
while read -r word rows columns; do
	[ "$word" = winsize ] && $b stty -F "$console" rows "$rows" cols "$columns"
done <&4 &
reader=$!

# What a command is interrupted by is not meant for this process. A shell is in a group of its own.
trap : INT QUIT
# The terminal keeps what is typed from now on.
echo ready >&4
(unset token console; start /kevlar/exec "$folder" "$@" 4>&- 8>&-)
status=$?
give

kill $reader
wait $reader 2>/dev/null # which would say "Terminated"
printf %s "$token"
echo "exit $status" >&4
while read -r word <&4 && [ "$word" != done ]; do :; done
$b poweroff -f
