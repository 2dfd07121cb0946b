#!/bin/sh
# What a TCP echo costs muxd, in four figures:
#
#   cpu       CPU time of the worker for a round trip of 64 bytes at 100
#             connections, beside the floor program's: alternating runs,
#             medians of five
#   calls     system calls of the worker for a round trip with 100 connections
#             ready at once, and for a whole short connection (strace -c)
#   memory    user memory of all processes for an idle session that has
#             spoken: Pss over 10,000
#   turn      CPU time for a round trip of 10 active connections beside 10 and
#             beside 10,000 idle ones, and their ratio
#
# The server runs on CPU 0, the client on CPU 1.  Ports 17701 and 17702 of
# 127.0.0.1 must be free.  usage: echo.sh [MUXD [FOLDER OF floor_echo]]
set -u

muxd=${1:-./muxd}
bin=${2:-tests/bench}
port=17701
floor_port=17702
dir=$(mktemp -d) || exit 1
pids=

clean_up()
{
	for pid in $pids; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

start_muxd()
{
	cat >"$dir/muxd.conf" <<-EOF
	control = "$dir/control.sock"
	user = "nobody"
	workers = 1
	log { target = "file:$dir/log/muxd.log" }
	service "echo" {
	  listen = { "127.0.0.1:$port" }
	  handler = "echo"
	}
	EOF
	mkdir -p "$dir/log"
	chmod 755 "$dir"
	chmod 777 "$dir/log"
	taskset -c 0 "$muxd" -c "$dir/muxd.conf" 2>"$dir/stderr" &
	master=$!
	pids="$pids $master"
	until grep -qs 'msg=ready' "$dir/log/muxd.log"; do
		kill -0 "$master" 2>/dev/null || { cat "$dir/stderr"; exit 1; }
		sleep 0.1
	done
	worker=$(pgrep -P "$master" -f 'muxd: worker')
}

client()
{
	taskset -c 1 "$bin/pingpong" "$@"
}

cost()
{
	client "$@" | sed 's/.*cpu_ns_per_trip //'
}

median()
{
	sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

pss()
{
	for pid in "$master" $(pgrep -P "$master"); do
		awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup"
	done | awk '{ sum += $1 } END { print sum }'
}

# Open the connections, run the command in between, let the client go on.
while_open()
{
	command=$1
	shift
	mkfifo "$dir/go"
	client -w "$@" 127.0.0.1 "$port" <"$dir/go" >"$dir/out" &
	waiter=$!
	exec 9>"$dir/go"
	until grep -qs open "$dir/out"; do
		kill -0 "$waiter" || exit 1
		sleep 0.1
	done
	$command
	echo >&9
	exec 9>&-
	wait "$waiter"
	rm -f "$dir/go" "$dir/out"
}

measure_cpu()
{
	taskset -c 0 "$bin/floor_echo" "$floor_port" &
	floor=$!
	pids="$pids $floor"
	until client -c 1 -n 1 127.0.0.1 "$floor_port" >/dev/null 2>&1; do
		sleep 0.1
	done
	for _ in 1 2 3 4 5; do
		cost -n 3000 -p "$worker" 127.0.0.1 "$port" >>"$dir/muxd.ns"
		cost -n 3000 -p "$floor" 127.0.0.1 "$floor_port" \
		    >>"$dir/floor.ns"
	done
	echo "$(median <"$dir/muxd.ns") $(median <"$dir/floor.ns")" | awk '{
		printf "cpu: %d ns a round trip, floor %d ns, ratio %.3f\n",
		    $1, $2, $1 / $2 }'
}

trace()
{
	strace -c -f -p "$worker" -o "$dir/strace" 2>/dev/null &
	tracer=$!
	until grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$worker/status"; do
		sleep 0.1
	done
}

untrace()
{
	kill -INT "$tracer"
	wait "$tracer"
}

measure_calls()
{
	if ! command -v strace >/dev/null; then
		echo 'calls: strace is missing'
		return
	fi
	while_open trace -c 100 -n 100
	untrace
	awk '$NF == "total" { printf "calls: %.3f a round trip\n",
	    $(NF - (NF > 5 ? 2 : 1)) / 10000 }' "$dir/strace"
	grep -Ev 'total|^%|^-' "$dir/strace" |
	    awk '{ printf "       %6d %s\n", $4, $NF }'
	trace
	n=0
	while [ "$n" -lt 100 ]; do
		client -c 1 -n 0 127.0.0.1 "$port" >/dev/null
		n=$((n + 1))
	done
	untrace
	echo 'calls: of 100 short connections with one round trip each'
	grep -Ev 'total|^%|^-' "$dir/strace" |
	    awk '{ printf "       %6d %s\n", $4, $NF }'
}

measure_memory()
{
	client -c 10 -n 10 127.0.0.1 "$port" >/dev/null
	sleep 1
	before=$(pss)
	while_open pss_now -c 10000 -n 1
	echo "$before $after" | awk '{
		printf "memory: %d bytes for each of 10,000 idle sessions\n",
		    ($2 - $1) * 1024 / 10000 }'
}

pss_now()
{
	after=$(pss)
}

measure_turn()
{
	for _ in 1 2 3 4 5; do
		cost -c 10 -i 10 -n 20000 -p "$worker" 127.0.0.1 "$port" \
		    >>"$dir/few.ns"
		cost -c 10 -i 10000 -n 20000 -p "$worker" 127.0.0.1 "$port" \
		    >>"$dir/many.ns"
	done
	echo "$(median <"$dir/few.ns") $(median <"$dir/many.ns")" | awk '{
		printf "turn: %d ns a round trip beside 10 idle," \
		    " %d beside 10,000, ratio %.3f\n", $1, $2, $2 / $1 }'
}

start_muxd
measure_cpu
measure_calls
measure_memory
measure_turn
