# Runs a command for the host; /init reads this file. The host's streams are virtio-serial ports:
# 1 is the standard input, 2 the output, 3 the error output. A port can be open once
# only, so programs get FIFOs, which can be opened again as /dev/stdin and the like, and processes
# carry the bytes between the two. Descriptor 4 is the control port.

exec 5<"$(port 1)" 6>"$(port 2)" 7>"$(port 3)"

connected <&5

mkfifo -m 600 /kevlar/stdin /kevlar/stdout /kevlar/stderr
cat <&5 >/kevlar/stdin 4>&- 6>&- 7>&- &
cat </kevlar/stdout >&6 4>&- 5<&- 7>&- &
cat </kevlar/stderr >&7 4>&- 5<&- 6>&- &
exec 5<&- 6>&- 7>&- 8>/kevlar/stdout 9>/kevlar/stderr

(exec setsid "$@" 4>&- 8>&- 9>&-) </kevlar/stdin >/kevlar/stdout 2>/kevlar/stderr
status=$?

# What the command and its children have written goes before the token.
printf %s "$token" >&8
printf %s "$token" >&9
echo "exit $status" >&4
# The host answers when it has everything.
while read -r word <&4 && [ "$word" != done ]; do :; done
poweroff -f
