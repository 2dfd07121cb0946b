#!/bin/sh
# muxd with a herd: many clients connected, one in a hundred of them speaking,
# direct (echo) and relayed.  Beside a tenth of them, in the same run: what a
# session costs in memory, the user's and the kernel's, and how long an answer
# takes when as many requests a second come from more of them.
#
# A process may have only so many descriptors, so the clients are spread over
# processes, source addresses and workers, and the servers behind the relay
# over processes.  The kernel's memory is that of both ends, since the clients
# are on this machine too.  Latency is that of the requests of all client
# processes together, and the median of the runs.
#
# usage: scale.sh MUXD FOLDER FILE
# Rows go into the file (see common.sh).  In the environment: RUNS (3),
# SECONDS_EACH, how long the clients speak (2), DIRECT, how many clients there
# are (100000), RELAYED (40000), RATE, of requests a second (4000).
# shellcheck disable=SC2046,SC2086,SC2154
set -u

PATH=$PATH:/usr/sbin:/sbin
[ $# -eq 3 ] || { echo "usage: $0 MUXD FOLDER FILE" >&2; exit 2; }
muxd=$1
bin=$2
csv=$3
dir=$(mktemp -d) || exit 1
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"

benchmark=scale
runs=$(seq "${RUNS:-3}")
duration=$(echo "${SECONDS_EACH:-2}" | awk '{ printf "%dms", $1 * 1000 }')
direct=${DIRECT:-100000}
relayed=${RELAYED:-40000}
rate=${RATE:-4000}
direct_port=${ports}00
relayed_port=${ports}01

# Processes of clients, workers, and servers.
clients=6
servers=3

start_servers()
{
	for n in $(seq "$servers"); do
		"$bin/floor_echo" $((relayed_port + n)) >/dev/null 2>&1 &
		pids="$pids $!"
		await floor_echo $((relayed_port + n)) "$!"
	done
}

configure_direct()
{
	cat <<-EOF
	service "direct" {
	  listen = { "127.0.0.1:$direct_port" }
	  handler = "echo"
	}
	EOF
}

configure_relayed()
{
	cat <<-EOF
	service "relayed" {
	  listen = { "127.0.0.1:$relayed_port" }
	  handler = "relay"
	  pool = "echo"
	}
	pool "echo" {
	EOF
	for n in $(seq "$servers"); do
		echo "  server \"$n\" { address =" \
		    "\"127.0.0.1:$((relayed_port + n))\" }"
	done
	echo '}'
}

# start_muxd KIND PORT: only with that service, since where there is a relay
# each client is reckoned with two descriptors.  It has more workers than there
# are processors, for each has its own descriptors.
start_muxd()
{
	mkdir -p "$dir/log"
	chmod 755 "$dir"
	chmod 777 "$dir/log"
	{
		cat <<-EOF
		control = "$dir/control.sock"
		user = "nobody"
		workers = $clients
		log { target = "file:$dir/log/muxd.log" }
		limits { per_source = 0 }
		defaults { drain_timeout = "1s" }
		EOF
		"configure_$1"
	} >"$dir/muxd.conf"
	[ -z "${CONFIGURATIONS:-}" ] ||
		cp "$dir/muxd.conf" "$CONFIGURATIONS/muxd.herd.$1.conf"
	"$muxd" -c "$dir/muxd.conf" >"$dir/messages" 2>&1 </dev/null &
	master=$!
	pids="$pids $master"
	await muxd "$2" "$master"
	user_before=$(muxd_memory)
}

stop_muxd()
{
	kill "$master"
	wait "$master"
}

# Kilobytes that the kernel has for itself, sockets among them.
kernel_memory()
{
	awk '/^(Slab|KernelStack|PageTables|Percpu):/ { sum += $2 }
		END { print sum }' /proc/meminfo
}

muxd_memory()
{
	pss "$master" $(pgrep -P "$master")
}

# Start the processes of clients, $1 clients in all, and wait until all are
# connected: then they wait for $dir/go.
connect_clients()
{
	mkfifo "$dir/go"
	herd=
	for n in $(seq "$clients"); do
		timeout 180 "$bin/muxload" -q --keys --idle --hold \
		    -c $(($1 / clients)) --active 1% -r $((rate / clients))/s \
		    --connect-rate 5000/s -d "$duration" \
		    --source "127.0.0.$((n * 10))-127.0.0.$((n * 10 + 4))" \
		    --histogram "$dir/latencies.$n" \
		    "127.0.0.1:$2" <"$dir/go" >"$dir/out.$n" 2>&1 &
		herd="$herd $!"
	done
	exec 9>"$dir/go"
	for n in $(seq "$clients"); do
		until grep -qs '^open' "$dir/out.$n"; do
			kill -0 "$master" || fail 'muxd has ended'
			kill -0 $herd 2>/dev/null ||
				fail "$(cat "$dir/out.$n")"
			sleep 0.2
		done
	done
}

# All speak, and end.
let_go()
{
	exec 9>&-
	for client in $herd; do
		wait "$client" || fail "$(cat "$dir"/out.*)"
	done
	rm "$dir/go"
}

# percentile PERCENT: microseconds that so many of all requests took at most.
percentile()
{
	sort -n "$dir"/latencies.* | awk -v percent="$1" '
		/^#/ { next }
		{ value[++n] = $1; count[n] = $3; all += $3 }
		END {
			for (i = 1; i <= n; i++) {
				sum += count[i]
				if (sum >= all * percent / 100)
					break
			}
			print value[i < n ? i : n]
		}'
}

# herd WORK NUMBER PORT
herd()
{
	work=$1
	progress "$work: run $run: $2 clients"
	kernel_before=$(kernel_memory)
	connect_clients "$2" "$3"
	user=$(muxd_memory)
	kernel=$(kernel_memory)
	let_go
	# Heaps do not shrink: only the first run tells what a session costs.
	if [ "$run" = 1 ]; then
		row "$work" muxd memory byte \
		    $(((user - user_before) * 1024 / $2))
		row "$work" muxd memory.kernel byte \
		    $(((kernel - kernel_before) * 1024 / $2))
	fi
	row "$work" muxd latency.p50 us "$(percentile 50)"
	row "$work" muxd latency.p99 us "$(percentile 99)"
	row "$work" muxd latency.p999 us "$(percentile 99.9)"
	row "$work" muxd clients 1 "$2"
	row "$work" muxd errors 1 "$(cat "$dir"/out.* | word_after errors |
		awk '{ sum += $1 } END { print sum + 0 }')"
}

# shellcheck disable=SC3045
descriptors=$(ulimit -H -n)
most=$((direct * 11 / (clients * 10) + 200))
[ "$descriptors" = unlimited ] || [ "$descriptors" -ge "$most" ] ||
	fail "a process must be able to have $most descriptors (ulimit -H -n)"
# shellcheck disable=SC3045
ulimit -n "$descriptors"
[ -s "$csv" ] || csv_head >"$csv"
need_ports $(seq "$direct_port" $((relayed_port + servers)))
start_servers
start_muxd direct "$direct_port"
for run in $runs; do
	herd herd.tenth $((direct / 10)) "$direct_port"
	herd herd "$direct" "$direct_port"
done
stop_muxd
start_muxd relayed "$relayed_port"
for run in $runs; do
	herd herd.relayed.tenth $((relayed / 10)) "$relayed_port"
	herd herd.relayed "$relayed" "$relayed_port"
done
progress ''
