#!/bin/sh
# Measure muxd on this machine, beside the programs that one would use instead:
# the loop itself (loopbench), the comparison (compare.sh) and the herd
# (scale.sh); then make a page of it (report.sh).
#
# usage: bench.sh MUXD FOLDER REPORT [loop|scale|FIGURE...]
# FOLDER has the small programs; REPORT is the folder to be made, with
# index.html, rows.csv and all that it was made of.  A FIGURE is one of
# compare.sh's.  With QUICK=1 in the environment it takes two minutes instead
# of twenty, and the figures say less.
# shellcheck disable=SC2086
set -u

PATH=$PATH:/usr/sbin:/sbin
[ $# -ge 3 ] || { echo "usage: $0 MUXD FOLDER REPORT [FIGURE...]" >&2; exit 2; }
muxd=$1
bin=$2
report=$3
shift 3
here=$(dirname "$0")

if [ "${QUICK:-0}" = 1 ]; then
	RUNS=${RUNS:-1}
	SECONDS_EACH=${SECONDS_EACH:-0.3}
	SESSIONS=${SESSIONS:-1000}
	DIRECT=${DIRECT:-20000}
	RELAYED=${RELAYED:-10000}
	PAUSE=${PAUSE:-0.1}
	loop_options=${LOOP_OPTIONS:--q -r 3}
else
	RUNS=${RUNS:-5}
	SECONDS_EACH=${SECONDS_EACH:-1}
	SESSIONS=${SESSIONS:-4000}
	DIRECT=${DIRECT:-100000}
	RELAYED=${RELAYED:-40000}
	PAUSE=${PAUSE:-0.2}
	loop_options=${LOOP_OPTIONS:-}
fi
CONFIGURATIONS=$report/configurations
export RUNS SECONDS_EACH SESSIONS DIRECT RELAYED PAUSE CONFIGURATIONS

if [ $# -eq 0 ]; then
	loop=yes
	scale=yes
	figures=all
else
	loop=
	scale=
	figures=
	for figure; do
		case $figure in
		loop) loop=yes ;;
		scale) scale=yes ;;
		*) figures="$figures $figure" ;;
		esac
	done
fi

version_of()
{
	if command -v "$1" >/dev/null; then
		"$@" 2>&1 | head -n 1
	else
		echo "$1: not here"
	fi
}

machine()
{
	date -u '+%Y-%m-%dT%H:%MZ'
	uname -srm
	awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo
	echo "processors: $(nproc)"
	awk '/^MemTotal/ { print "memory:", $2, $3 }' /proc/meminfo
	echo "load before: $(cat /proc/loadavg)"
	"$muxd" -V
	version_of haproxy -v
	version_of nginx -v
	version_of xinetd -version
	version_of systemctl --version
	version_of socat -V | grep version || version_of socat -V
	version_of iperf3 --version
	version_of python3 --version
	version_of gnuplot --version
}

stage()
{
	echo "$*" >&2
}

mkdir -p "$report/configurations" || exit 1
rm -f "$report/rows.csv"
machine >"$report/machine.txt"
echo 'benchmark,work,subject,metric,unit,run,value' >"$report/rows.csv"
if [ -n "$loop" ]; then
	stage 'the loop'
	"$bin/loopbench" $loop_options -o "$report/rows.csv" \
	    >"$report/loop.txt" || exit 1
fi
if [ -n "$figures" ]; then
	stage 'the comparison'
	[ "$figures" != all ] || figures=
	sh "$here/compare.sh" "$muxd" "$bin" "$report/rows.csv" $figures ||
		exit 1
fi
if [ -n "$scale" ]; then
	stage 'the herd'
	# Few requests a second: it takes time to have enough of them.
	SECONDS_EACH=$(echo "$SECONDS_EACH" | awk '{ print $1 * 4 }') \
	    sh "$here/scale.sh" "$muxd" "$bin" "$report/rows.csv" || exit 1
fi
sh "$here/report.sh" "$report" || exit 1
awk -F'|' '{ printf "%-52s %s %-5s %9s  %s\n", $1, $2, $3, $4, $5 }' \
    "$report/goals.txt"
echo "report: $report/index.html"
