#!/bin/sh
# loopbench runs: every way to wait that this build has is there, each figure
# is a row of the CSV, and goals are told where they can be judged.  What the
# figures are is not looked at.
set -u

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0

wrong()
{
	echo "$*" >&2
	status=1
}

# run ARGUMENT...: loopbench, whose table goes to $dir/table
run()
{
	timeout 60 "$MUXD_BUILDDIR/tests/bench/loopbench" "$@" \
	    >"$dir/table" 2>&1 || wrong "loopbench $*: ended with $?"
	cat "$dir/table"
}

subjects='muxd poll
muxd select
bare epoll edge
bare epoll level
bare poll
bare select'
if grep -q '^#define MUXD_EPOLL 1' "$MUXD_BUILDDIR/config.h"; then
	subjects="$subjects
muxd epoll
muxd epoll-level"
fi
if [ -x /usr/bin/python3 ]; then
	subjects="$subjects
python epoll edge
python epoll level
python poll
python select"
fi

# What there is no python for is said.
run -q -i 10,20 -n 50 -o "$dir/csv"
[ -x /usr/bin/python3 ] || grep -q 'python3 is missing' "$dir/table" ||
	wrong 'nothing is said of Python'
echo "$subjects" >"$dir/subjects"
while read -r subject; do
	count=$(grep -cE "^$subject +[0-9]+ +[0-9]+ +[0-9]+\$" "$dir/table")
	[ "$count" = 2 ] || wrong "$subject: $count lines in the table"
	for idle in 10 20; do
		count=$(grep -cE \
		    "^loop,idle=$idle,$subject,turn,ns,[1-5],[1-9][0-9]*\$" \
		    "$dir/csv")
		[ "$count" = 5 ] ||
			wrong "$subject: $count rows with $idle idle ones"
	done
done <"$dir/subjects"
# Nothing else is there: a heading, and 5 runs with each number of idle ones.
expected=$(($(wc -l <"$dir/subjects") * 10 + 1))
count=$(wc -l <"$dir/csv")
[ "$count" = "$expected" ] || wrong "$count lines in the CSV, not $expected"
[ "$(head -n 1 "$dir/csv")" = benchmark,work,subject,metric,unit,run,value ] ||
	wrong 'the CSV has no heading'

# More rows come without another heading; select(2) is left out where its
# descriptors end, and goals are those of 1,000 idle ones.
run -q -r 1 -i 1000,1100 -n 5 -o "$dir/csv"
[ "$(grep -c benchmark "$dir/csv")" = 1 ] || wrong 'a second heading'
[ "$(grep -c ',idle=1000,bare select,' "$dir/csv")" = 1 ] ||
	wrong 'select is not there with 1,000 idle ones'
! grep -q ',idle=1100,.* select,' "$dir/csv" ||
	wrong 'select is there beyond FD_SETSIZE'
grep -q '^bare select .*left out' "$dir/table" ||
	wrong 'nothing is said of select'
if echo "$subjects" | grep -qx 'muxd epoll'; then
	grep -Eq '^loop: turn, of the bare .* <= 1\.10 +[0-9.]+  (ok|MISSED)$' \
	    "$dir/table" || wrong 'no goal is told'
fi

exit $status
