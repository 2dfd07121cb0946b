# What the benchmarks share: the end of all they start, the programs on CPU 1,
# medians, and the ways to look at a process.  Sourced with bin set to the
# folder of the programs, and dir to a new one that goes when the script ends.
# What is started in the background is added to pids.
# shellcheck shell=sh
# shellcheck disable=SC2154

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

fail()
{
	echo "$0: $*" >&2
	exit 1
}

# A client on the CPU of clients, for two minutes at most.
on_client_cpu()
{
	timeout 120 taskset -c 1 "$@"
}

client()
{
	on_client_cpu "$bin/pingpong" "$@"
}

# await NAME PORT PID: wait until the process answers on the port.
await()
{
	tries=0
	until client -c 1 -n 1 127.0.0.1 "$2" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || fail "$1 does not answer on port $2"
		sleep 0.1
	done
	kill -0 "$3" 2>/dev/null || fail "$1 has ended; who has port $2?"
}

# Nobody else may have these ports of TCP, or their numbers of UDP.
need_ports()
{
	for port; do
		hex=$(printf '%04X' "$port")
		! grep -Eqs ":$hex [0-9A-F]+:0000 (0A|07)" /proc/net/tcp \
		    /proc/net/tcp6 /proc/net/udp /proc/net/udp6 ||
			fail "port $port is taken"
	done
}

cost()
{
	client "$@" | sed 's/.*cpu_ns_per_trip //'
}

median()
{
	sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

# Kilobytes of user memory of these processes.
pss()
{
	for pid; do
		awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup"
	done | awk '{ sum += $1 } END { print sum }'
}

# Open connections with the arguments of pingpong, run the command (split at
# its blanks) in between, let the client go on.
while_open()
{
	command=$1
	shift
	mkfifo "$dir/go"
	client -w "$@" <"$dir/go" >"$dir/out" &
	waiter=$!
	exec 9>"$dir/go"
	until grep -qs open "$dir/out"; do
		kill -0 "$waiter" 2>/dev/null || fail 'the client ended'
		sleep 0.1
	done
	$command
	echo >&9
	exec 9>&-
	wait "$waiter"
	rm -f "$dir/go" "$dir/out"
}

# Count the system calls of a process from here to untrace.
trace()
{
	traced=$1
	strace -c -f -p "$traced" -o "$dir/strace" 2>/dev/null &
	tracer=$!
	until grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$traced/status"; do
		kill -0 "$tracer" 2>/dev/null || fail 'strace ended'
		sleep 0.1
	done
}

untrace()
{
	kill -INT "$tracer"
	wait "$tracer"
}

# How many calls there were.
calls_in_all()
{
	awk '$NF == "total" { print $(NF - (NF > 5 ? 2 : 1)) }' "$dir/strace"
}

calls_by_name()
{
	grep -Ev 'total|^%|^-' "$dir/strace" | awk '{ printf "%s %s\n", $4, $NF }'
}
