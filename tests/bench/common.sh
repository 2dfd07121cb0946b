# What the benchmarks share: the end of all they start, where it runs, clients,
# medians, and the ways to look at a process.  Sourced with bin set to the
# folder of the programs, and dir to a new one that goes when the script ends.
# What is started in the background is added to pids.
# shellcheck shell=sh
# shellcheck disable=SC2015,SC2034,SC2086,SC2154

pids=

# The processors that this process may run on, one a line.
usable_cpus()
{
	awk '/^Cpus_allowed_list:/ {
		n = split($2, ranges, ",")
		for (i = 1; i <= n; i++) {
			split(ranges[i], ends, "-")
			if (ends[2] == "")
				ends[2] = ends[1]
			for (cpu = ends[1]; cpu <= ends[2]; cpu++)
				print cpu
		}
	}' /proc/self/status
}

# What is measured runs on the first, clients and servers on the second.
server_cpu=$(usable_cpus | sed -n 1p)
client_cpu=$(usable_cpus | sed -n 2p)
: "${client_cpu:=$server_cpu}"

# Ports are 100 from here: their number without the last two digits.
ports=${BENCH_PORTS:-177}

# The process and all below it.
descendants()
{
	echo "$1"
	for child in $(pgrep -P "$1"); do
		descendants "$child"
	done
}

# Nothing that was started is left, whatever state it is in.
clean_up()
{
	all=$(for pid in $pids; do descendants "$pid"; done)
	[ -z "$pids" ] || kill $pids 2>/dev/null
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -n "$pids" ] && kill -0 $pids 2>/dev/null || break
		sleep 0.2
	done
	[ -z "$all" ] || kill -KILL $all 2>/dev/null
	wait
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail()
{
	echo "$0: $*" >&2
	exit 1
}

# A client on its processor, for two minutes at most.
on_client_cpu()
{
	timeout 120 taskset -c "$client_cpu" "$@"
}

load()
{
	on_client_cpu "$bin/muxload" -q "$@"
}

# await NAME PORT PID: wait until the process answers on the port.
await()
{
	tries=0
	until load -n 1 "127.0.0.1:$2" >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ "$tries" -ge 100 ]; then
			tail "$dir/messages" >&2
			fail "$1 does not answer on port $2"
		fi
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

# Open connections with the arguments of muxload, run the command (split at
# its blanks) in between, let the client go on.
while_open()
{
	command=$1
	shift
	mkfifo "$dir/go"
	load --hold "$@" <"$dir/go" >"$dir/out" &
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

# ---- rows: what was measured, for whoever makes a report of it --------------
#
# Each is a line of $csv: benchmark, work, subject, metric, unit, run, value.

csv_head()
{
	echo 'benchmark,work,subject,metric,unit,run,value'
}

# row WORK SUBJECT METRIC UNIT VALUE, of $benchmark in $run
row()
{
	[ -n "$5" ] || fail "$1: nothing was measured of $2 ($3)"
	echo "$benchmark,$1,$2,$3,$4,$run,$5" >>"$csv"
}

# The word of stdin that follows the key.
word_after()
{
	awk -v key="$1" '{ for (i = 1; i < NF; i++) if ($i == key)
		print $(i + 1) }'
}

# Call "$1 NAME" for each other name, in every run, forwards and backwards.
alternate()
{
	function=$1
	shift
	backwards=
	for name; do
		backwards="$name $backwards"
	done
	for run in $runs; do
		names=$*
		[ $((run % 2)) = 1 ] || names=$backwards
		for name in $names; do
			progress "$work: run $run: $name"
			"$function" "$name"
		done
	done
}

# A line for who looks on; it goes again.
progress()
{
	[ ! -t 2 ] || printf '\r\033[K%s' "$*" >&2
}

# The median of what rows say: median_of WORK SUBJECT METRIC
median_of()
{
	awk -F, -v work="$1" -v subject="$2" -v metric="$3" '
		$2 == work && $3 == subject && $4 == metric { print $7 }' \
		"$csv" | median
}
