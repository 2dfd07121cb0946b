#!/bin/sh
# muxd beside the programs that one would use instead, on the same work, each
# on one processor with one worker or thread; clients and servers are on
# another one.  Rows go into a file (see common.sh), progress to a terminal.
#
#   echo http relay  a round trip of 64 bytes (a request) at 100 connections:
#                    how many a second, and the CPU time of the program for one
#   latency          p50, p99 and p99.9 of the relay and of HTTP, open loop, at
#                    20, 50 and 80 % of the weaker peer's most
#   calls            system calls for a round trip, all 100 ready at once
#   rate             connections a second, each with one round trip, 50 at a
#                    time: echoed and relayed; CPU time for one
#   datagrams        echoed and relayed, from 16 clients with 8 under way each
#   bulk             iperf3 over 1 connection and over 16: throughput, CPU time
#                    for a kilobyte
#   memory           user memory of all processes for an idle session that has
#                    spoken, direct and relayed
#   reload           connects that fail while a program reloads 20 times
#   workers          two workers on two processors beside one, echo
#
# Runs alternate, forwards and backwards.  CPU time is that of all processes of
# a program.  Other work on the machine spoils the figures.
#
# usage: compare.sh MUXD FOLDER FILE [FIGURE...]
# With "-" for MUXD the others are measured alone.  In the environment: RUNS,
# how many there are (5), SECONDS_EACH, how long one takes (1), SESSIONS, how
# many are idle (4000), TRACED, round trips whose system calls are counted
# (5000), PAUSE, seconds between reloads (0.2), SUBJECTS, to take only some.
#
# What is empty or has blanks is meant to be split, and variables come from the
# files that are sourced.
# shellcheck disable=SC2013,SC2046,SC2086,SC2154
set -u

PATH=$PATH:/usr/sbin:/sbin
[ $# -ge 3 ] || { echo "usage: $0 MUXD FOLDER FILE [FIGURE...]" >&2; exit 2; }
muxd=$1
bin=$2
csv=$3
shift 3
figures=${*:-memory echo http relay latency calls rate datagrams bulk reload
	workers}
dir=$(mktemp -d) || exit 1
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/bench/subjects.sh
. "$(dirname "$0")/subjects.sh"

benchmark=compare
runs=$(seq "${RUNS:-5}")
seconds=${SECONDS_EACH:-1}
duration=$(echo "$seconds" | awk '{ printf "%dms", $1 * 1000 }')
sessions=${SESSIONS:-4000}
traced_trips=${TRACED:-5000}
pause=${PAUSE:-0.2}
reloading=$(echo "$pause" | awk '{ printf "%dms", $1 * 20000 + 1000 }')

# ---- CPU time -------------------------------------------------------------------

# The processes of the subject, as muxload wants them.
meters()
{
	echo "--meter $(processes_of "$1" | paste -s -d , -)"
}

# CPU time of all processes of the subject, and of children that have ended, in
# nanoseconds.
cpu_of()
{
	hertz=$(getconf CLK_TCK)
	for pid in $(processes_of "$1"); do
		awk -v hertz="$hertz" '
		FILENAME ~ /schedstat$/ { sum += $1 }
		FILENAME ~ /stat$/ && FILENAME !~ /sched/ {
			sub(/.*\) /, "")
			sum += ($14 + $15) * 1e9 / hertz
		}
		END { printf "%.0f\n", sum }' \
		    "/proc/$pid/schedstat" "/proc/$pid/stat" 2>/dev/null
	done | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

# A client of the subject has failed.  A peer's failure costs it that run.
failed()
{
	case $1 in
	muxd* | floor*)
		cat "$dir/why" >&2
		fail "$work: a client of $1 failed"
		;;
	esac
	progress ''
	echo "left out: run $run of $work of $1, whose client failed" >&2
}

# Run muxload on the subject, and note what it costs.  A program that makes a
# process for each client is asked when these have ended.
# measure_load SUBJECT METRIC ARGUMENTS...
measure_load()
{
	name=$1
	metric=$2
	shift 2
	if [ "$(forks "$name")" = yes ]; then
		before=$(cpu_of "$name")
		load --keys -d "$duration" "$@" >"$dir/out" 2>"$dir/why" ||
			{ failed "$name"; return 1; }
		sleep 0.2
		used=$(($(cpu_of "$name") - before))
		requests=$(word_after requests <"$dir/out")
		cpu=$((used / (requests > 0 ? requests : 1)))
	else
		load --keys -d "$duration" $(meters "$name") "$@" \
		    >"$dir/out" 2>"$dir/why" ||
			{ failed "$name"; return 1; }
		cpu=$(word_after cpu_ns_per_request <"$dir/out")
	fi
	row "$work" "$name" "$metric" 1/s "$(word_after rate <"$dir/out")"
	row "$work" "$name" "$metric.cpu" ns "$cpu"
	row "$work" "$name" "$metric.client_busy" 1 \
	    "$(word_after busy <"$dir/out")"
}

trips()
{
	measure_load "$1" trips -c 100 $options "127.0.0.1:$(port "$work" "$1")"
}

short()
{
	measure_load "$1" connections -k -c 50 -s 127.0.0.1-127.0.0.8 \
	    "127.0.0.1:$(port "$work" "$1")"
}

datagrams()
{
	measure_load "$1" datagrams -c 16 -p 8 \
	    "udp:127.0.0.1:$(port "$work" "$1")" || return 0
	row "$work" "$1" datagrams.lost 1 "$(word_after lost <"$dir/out")"
}

measure_trips()
{
	work=$1
	options=
	[ "$work" != http ] || options='--http /'
	alternate trips $(chosen "$work")
}

measure_rate()
{
	for work in echo relay; do
		alternate short $(chosen "$work")
	done
}

measure_datagrams()
{
	for work in udpecho udprelay; do
		alternate datagrams $(chosen "$work")
	done
}

# ---- latency -------------------------------------------------------------------

latency()
{
	load --keys -d "$duration" -c 100 -r "$rate/s" $options \
	    "127.0.0.1:$(port "$work" "$1")" >"$dir/out" 2>"$dir/why" ||
		{ failed "$1"; return 0; }
	for percentile in p50 p99 p999; do
		row "$work" "$1" "latency$share.$percentile" us \
		    "$(word_after "${percentile}_us" <"$dir/out")"
	done
}

# The peers that answer with one process; what they reach was measured before.
latency_peers()
{
	for peer in haproxy nginx; do
		[ -z "$(median_of "$work" "$peer" trips)" ] || echo "$peer"
	done
}

measure_latency()
{
	for work in relay http; do
		options=
		[ "$work" != http ] || options='--http /'
		names=$(latency_peers)
		[ -n "$names" ] || continue
		most=$(for peer in $names; do
			median_of "$work" "$peer" trips
		done | sort -n | head -n 1)
		for share in 20 50 80; do
			rate=$(echo "$most $share" |
			    awk '{ printf "%d", $1 * $2 / 100 }')
			alternate latency $(chosen "$work" |
			    grep -E '^(muxd|haproxy|nginx)$')
		done
	done
}

# ---- system calls ----------------------------------------------------------------

measure_calls()
{
	if ! command -v strace >/dev/null; then
		missing strace strace
		return
	fi
	run=1
	for work in echo relay; do
		for name in $(chosen "$work" |
		    grep -E '^(floor|muxd|haproxy|nginx)$'); do
			progress "$work: system calls of $name"
			while_open "trace $(traced "$name")" -c 100 -n "$traced_trips" \
			    "127.0.0.1:$(port "$work" "$name")"
			untrace
			row "$work" "$name" calls 1 "$(calls_in_all |
			    awk -v n="$traced_trips" '{ printf "%.3f", $1 / n }')"
		done
	done
}

# Of the floor there is a process for each work.
traced()
{
	case $1$work in
	floorecho) set -- $(cat "$dir/floor.pids"); echo "$1" ;;
	*) worker_of "$1" ;;
	esac
}

# ---- bulk --------------------------------------------------------------------------

# "bytes B bits_per_second R" of what the server got, from iperf3's JSON.
received()
{
	awk '/"sum_received"/ { inside = 1 }
	inside && /"bytes"|"bits_per_second"/ {
		gsub(/[",:]/, " ")
		printf "%s %.0f ", $1, $2
	}
	/}/ { inside = 0 }
	/"error":/ { failed = 1 }
	END { exit failed }'
}

# CPU time of the whole machine, in nanoseconds.  Who is charged for sending
# depends on who happens to open the window, so what the subject was charged
# says only half of what a byte costs.
machine_cpu()
{
	awk -v hertz="$(getconf CLK_TCK)" '
	/^cpu / { printf "%.0f", ($2 + $3 + $4 + $7 + $8) * 1e9 / hertz }' \
	    /proc/stat
}

bulk()
{
	machine_before=$(machine_cpu)
	before=$(cpu_of "$1")
	if ! on_client_cpu iperf3 -J -t "$whole" -P "$streams" -c 127.0.0.1 \
	    -p "$(port bulk "$1")" >"$dir/json" 2>"$dir/why" ||
	    ! received <"$dir/json" >"$dir/out"; then
		cp "$dir/json" "$dir/why"
		failed "$1"
		return
	fi
	after=$(cpu_of "$1")
	machine_after=$(machine_cpu)
	row "$work" "$1" throughput bit/s \
	    "$(word_after bits_per_second <"$dir/out")"
	row "$work" "$1" throughput.cpu ns/KiB \
	    "$(echo "$before $after $(word_after bytes <"$dir/out")" |
	    awk '{ print ($2 - $1) / $3 * 1024 }')"
	row "$work" "$1" throughput.machine_cpu ns/KiB \
	    "$(echo "$machine_before $machine_after $(word_after bytes \
		<"$dir/out")" | awk '{ print ($2 - $1) / $3 * 1024 }')"
}

# iperf3 takes whole seconds.
measure_bulk()
{
	if ! command -v iperf3 >/dev/null; then
		missing iperf3 iperf3
		return
	fi
	whole=$(echo "$seconds" | awk '{ printf "%d", $1 < 1 ? 1 : $1 + 0.5 }')
	for streams in 1 16; do
		work=bulk$streams
		alternate bulk $(chosen bulk)
	done
}

# ---- memory ------------------------------------------------------------------------

pss_now()
{
	after=$(pss $(processes_of "$1"))
}

# A process for each session needs fewer to be measured.
memory_of()
{
	n=$sessions
	[ "$(forks "$1")" != yes ] || n=100
	address=127.0.0.1:$(port "$work" "$1")
	load -c 10 -n 10 "$address" >/dev/null
	sleep 1
	pss_now "$1"
	before=$after
	while_open "pss_now $1" -c "$n" -n "$n" "$address"
	row "$work" "$1" memory byte $(((after - before) * 1024 / n))
}

# It comes first, since heaps do not shrink.
measure_memory()
{
	run=1
	for work in echo relay; do
		for name in $(chosen "$work"); do
			progress "$work: memory of $name"
			memory_of "$name"
		done
	done
}

# ---- reload --------------------------------------------------------------------------

# How the subject is told, if it can.
reload_signal()
{
	case $1 in
	haproxy) echo USR2 ;;
	muxd | nginx | xinetd) echo HUP ;;
	esac
}

reload_20_times()
{
	load --keys -k -c 10 -r 2000/s -d "$reloading" \
	    "127.0.0.1:$(port relay "$1")" >"$dir/reloaded" 2>>"$dir/messages" &
	waiter=$!
	for _ in $(seq 20); do
		sleep "$pause"
		kill -"$(reload_signal "$1")" $(cat "$dir/$1.pids")
	done
	wait "$waiter"
	row reload "$1" failed 1 "$(awk '{ for (i = 1; i < NF; i += 2)
		if ($i == "errors" || $i == "connect_errors") sum += $(i + 1) }
		END { print sum + 0 }' "$dir/reloaded")"
	row reload "$1" requests 1 "$(word_after requests <"$dir/reloaded")"
}

measure_reload()
{
	run=1
	for name in $(chosen relay); do
		[ -n "$(reload_signal "$name")" ] || continue
		progress "reload: $name"
		reload_20_times "$name"
	done
}

# ---- two workers -----------------------------------------------------------------------

# Start another muxd with $1 workers, on all processors.
start_workers()
{
	{
		muxd_head "workers$1" "$1"
		muxd_service echo "127.0.0.1:${ports}9$1" echo
	} >"$dir/workers$1.conf"
	"$muxd" -c "$dir/workers$1.conf" >>"$dir/messages" 2>&1 </dev/null &
	started=$!
	pids="$pids $started"
	await "muxd with $1 workers" "${ports}9$1" "$started"
}

# The client is on all of them too: with two it is the limit, and the rows that
# tell how busy all are show it.
workers()
{
	workers=$(pgrep -P "$(cat "$dir/workers$1")" -f 'muxd: worker')
	before=$(cat $(printf '/proc/%s/schedstat ' $workers))
	timeout 60 "$bin/muxload" -q --keys -d "$duration" -c 100 \
	    --meter "$(echo $workers | tr ' ' ,)" "127.0.0.1:${ports}9$1" \
	    >"$dir/out" || fail "a client of $1 workers failed"
	after=$(cat $(printf '/proc/%s/schedstat ' $workers))
	row workers "muxd-$1" trips 1/s "$(word_after rate <"$dir/out")"
	row workers "muxd-$1" trips.cpu ns \
	    "$(word_after cpu_ns_per_request <"$dir/out")"
	row workers "muxd-$1" client_busy 1 "$(word_after busy <"$dir/out")"
	row workers "muxd-$1" workers_busy 1 \
	    "$(word_after meter_busy <"$dir/out")"
	row workers "muxd-$1" fullest 1 "$(printf '%s\n%s\n' "$before" "$after" |
	    awk -v n="$1" 'NR <= n { b[NR] = $1; next }
	    { d = $1 - b[NR - n]; sum += d; if (d > most) most = d }
	    END { printf "%.3f", most / (sum / n) }')"
}

measure_workers()
{
	case " $found " in *' muxd '*) ;; *) return ;; esac
	for n in 1 2; do
		start_workers "$n"
		echo "$started" >"$dir/workers$n"
	done
	work=workers
	alternate workers 1 2
}

# ---- all of it -----------------------------------------------------------------------

# Who does the work, of those that are wanted.
chosen()
{
	for subject in $(subjects_of "$1"); do
		case " ${SUBJECTS:-$subject} " in
		*" $subject "* | *" ${subject%%-*} "*) echo "$subject" ;;
		esac
	done
}

# shellcheck disable=SC3045
descriptors=$(ulimit -H -n)
[ "$descriptors" = unlimited ] ||
	[ "$descriptors" -ge $((sessions * 2 + 2000)) ] ||
	fail "a process must be able to have $((sessions * 2 + 2000)) descriptors" \
	    "(ulimit -H -n)"
# shellcheck disable=SC3045
ulimit -n "$descriptors"
[ -s "$csv" ] || csv_head >"$csv"
need_ports $(seq "${ports}00" "${ports}99")
find_subjects
start_servers
for program in $found; do
	case " ${SUBJECTS:-$program} " in
	*" $program"[\ -]*) start_program "$program" ;;
	*) found=$(echo " $found " | sed "s/ $program / /") ;;
	esac
done
if [ -n "${CONFIGURATIONS:-}" ]; then
	cp "$dir"/*.conf "$dir"/*.cfg "$CONFIGURATIONS" 2>/dev/null
fi
for figure in $figures; do
	case $figure in
	echo | http | relay) measure_trips "$figure" ;;
	memory | latency | calls | rate | datagrams | bulk | reload | workers)
		measure_$figure
		;;
	*) fail "there is no figure $figure" ;;
	esac
done
progress ''
