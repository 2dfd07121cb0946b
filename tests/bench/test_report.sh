#!/bin/sh
# Each benchmark runs, for a moment: all that it is to measure is measured, of
# muxd and of a peer or two, and the page has it.  What the figures are is not
# asked.
set -u

bench=$MUXD_SRCDIR/tests/bench
if [ -n "${MUXD_WRAPPER:-}" ] || [ "${MUXD_HARDENED:-yes}" != yes ]; then
	echo 'only what is measured is tried: not below a tool, nor instrumented'
	exit 77
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
status=0

# A hundred ports that nobody has: their number without the last two digits.
free_ports()
{
	for hundred in $(seq 180 320 | shuf); do
		from=$(printf '%X' $((hundred * 100)))
		awk -v from="$from" '
		function value(hex,    i, n)
		{
			for (i = 1; i <= length(hex); i++)
				n = n * 16 + index("0123456789ABCDEF",
				    substr(hex, i, 1)) - 1
			return n
		}
		BEGIN { low = value(from) }
		FNR > 1 {
			split($2, address, ":")
			port = value(address[2])
			if (port >= low && port < low + 100)
				taken = 1
		}
		END { exit taken }' /proc/net/tcp /proc/net/udp || continue
		echo "$hundred"
		return
	done
}

# expect ROWS OF WORK SUBJECT METRIC
expect()
{
	awk -F, -v work="$1" -v subject="$2" -v metric="$3" '
		$2 == work && $3 == subject && $4 == metric &&
		    $7 ~ /^[0-9.e+-]+$/ { n++ }
		END { exit n == 0 }' "$dir/report/rows.csv" && return
	echo "not measured: $1 of $2: $3"
	status=1
}

BENCH_PORTS=$(free_ports)
[ -n "$BENCH_PORTS" ] || { echo 'no ports are free'; exit 77; }
export BENCH_PORTS
export RUNS=1 SECONDS_EACH=0.1 SESSIONS=40 DIRECT=600 RELAYED=600 RATE=600 PAUSE=0.02
export TRACED=400 SUBJECTS='floor muxd haproxy'
export LOOP_OPTIONS='-q -i 10 -n 50'
if ! sh "$bench/bench.sh" "$MUXD" "$MUXD_BUILDDIR/tests/bench" "$dir/report" \
    >"$dir/out" 2>&1; then
	cat "$dir/out"
	exit 1
fi
expect idle=10 'muxd poll' turn
for work in echo http relay; do
	for metric in trips trips.cpu; do
		expect "$work" muxd "$metric"
		expect "$work" floor "$metric"
	done
done
for work in echo relay; do
	for metric in connections connections.cpu memory; do
		expect "$work" muxd "$metric"
		expect "$work" floor "$metric"
	done
done
expect udpecho muxd datagrams
expect udprelay muxd datagrams
for work in herd herd.tenth herd.relayed herd.relayed.tenth; do
	expect "$work" muxd latency.p99
	expect "$work" muxd memory
done
expect reload muxd failed
for workers in 1 2; do
	expect workers "muxd-$workers" trips
done
if command -v haproxy >/dev/null; then
	for load in 20 50 80; do
		expect relay muxd "latency$load.p999"
		expect relay haproxy "latency$load.p999"
	done
fi
if command -v iperf3 >/dev/null; then
	expect bulk16 muxd-auto throughput
fi
if command -v strace >/dev/null; then
	expect relay muxd calls
fi
for part in '<h2>Goals' '<td>muxd' 'latency80' '</pre>'; do
	grep -q "$part" "$dir/report/index.html" && continue
	echo "the page has no $part"
	status=1
done
if command -v gnuplot >/dev/null &&
    [ "$(grep -c '<svg' "$dir/report/index.html")" -lt 5 ]; then
	echo 'the page has no plots'
	status=1
fi
[ "$status" = 0 ] || cat "$dir/out"
exit "$status"
