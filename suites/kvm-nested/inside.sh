#!/bin/sh
# Runs in the outer machine: usage: inside.sh MACHINE CPUS [PATTERN...]. It runs the BusyBox suite in
# a machine of its own, whose command takes the suite from its standard input.

cd /nested || exit
for module in *.ko; do
	insmod "$module" || exit
done
machine=$1 cpus=$2
shift 2
tar c -C / suites | ./kevlar run --verbose --kernel kevlar.img --accel auto --machine "$machine" --cpus "$cpus" \
	-- sh -c 'tar x -C / && cd /suites/busybox && exec ./run "$@"' sh "$@"
