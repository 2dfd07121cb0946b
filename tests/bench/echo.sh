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
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"

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

measure_cpu()
{
	taskset -c 0 "$bin/floor_echo" "$floor_port" &
	floor=$!
	pids="$pids $floor"
	await floor_echo "$floor_port" "$floor"
	for _ in 1 2 3 4 5; do
		cost -n 3000 -p "$worker" 127.0.0.1 "$port" >>"$dir/muxd.ns"
		cost -n 3000 -p "$floor" 127.0.0.1 "$floor_port" \
		    >>"$dir/floor.ns"
	done
	echo "$(median <"$dir/muxd.ns") $(median <"$dir/floor.ns")" | awk '{
		printf "cpu: %d ns a round trip, floor %d ns, ratio %.3f\n",
		    $1, $2, $1 / $2 }'
}

measure_calls()
{
	if ! command -v strace >/dev/null; then
		echo 'calls: strace is missing'
		return
	fi
	while_open "trace $worker" -c 100 -n 100 127.0.0.1 "$port"
	untrace
	calls_in_all | awk '{ printf "calls: %.3f a round trip\n", $1 / 10000 }'
	calls_by_name | awk '{ printf "       %6d %s\n", $1, $2 }'
	trace "$worker"
	n=0
	while [ "$n" -lt 100 ]; do
		client -c 1 -n 0 127.0.0.1 "$port" >/dev/null
		n=$((n + 1))
	done
	untrace
	echo 'calls: of 100 short connections with one round trip each'
	calls_by_name | awk '{ printf "       %6d %s\n", $1, $2 }'
}

measure_memory()
{
	client -c 10 -n 10 127.0.0.1 "$port" >/dev/null
	sleep 1
	before=$(pss_of_muxd)
	while_open pss_now -c 10000 -n 1 127.0.0.1 "$port"
	echo "$before $after" | awk '{
		printf "memory: %d bytes for each of 10,000 idle sessions\n",
		    ($2 - $1) * 1024 / 10000 }'
}

pss_of_muxd()
{
	# shellcheck disable=SC2046
	pss "$master" $(pgrep -P "$master")
}

pss_now()
{
	after=$(pss_of_muxd)
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

need_ports "$port" "$floor_port"
start_muxd
measure_cpu
measure_calls
measure_memory
measure_turn
