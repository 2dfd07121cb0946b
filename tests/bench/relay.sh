#!/bin/sh
# What relaying costs muxd, beside HAProxy, nginx and the smallest relays in C.
# One line for each figure, and at the end the goals:
#
#   memory    user memory of all processes for an idle session that has spoken:
#             Pss over 4,000; it comes first, since heaps do not shrink
#   small     CPU time for a round trip of 64 bytes at 100 connections
#   calls     system calls for such a round trip, all 100 ready at once
#   rate      connections a second, each with one round trip, 50 in flight;
#             CPU time for one
#   datagrams UDP datagrams a second that went to the server and back, from 16
#             clients with 8 under way each; CPU time for one
#   bulk      iperf3 over 1 connection and over 16: throughput, CPU time for a
#             kilobyte
#
# All proxies have one worker or thread on CPU 0; clients and servers are on
# CPU 1.  Runs alternate, forwards and backwards; figures are medians of five.
# CPU time is that of all processes of a proxy.  It takes six minutes, or two
# with QUICK=1 in the environment, whose figures say less; other work on the
# machine spoils them.  Ports 17701 to 17742 of 127.0.0.1 must be free.
#
# usage: relay.sh [MUXD [FOLDER OF THE PROGRAMS [FIGURE...]]]
# With "-" for MUXD the others are measured alone.
#
# What is empty or has blanks is meant to be split, and variables come from the
# files that are sourced.
# shellcheck disable=SC2046,SC2086,SC2154
set -u

PATH=$PATH:/usr/sbin:/sbin
muxd=${1:-./muxd}
bin=${2:-tests/bench}
shift $(($# < 2 ? $# : 2))
figures=${*:-memory small calls rate datagrams bulk}
dir=$(mktemp -d) || exit 1
# shellcheck source=tests/bench/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/bench/relay_proxies.sh
. "$(dirname "$0")/relay_proxies.sh"

sessions=4000
if [ "${QUICK:-0}" = 1 ]; then
	runs='1 2 3'
	rounds=500
	connections=5000
	datagrams=60000
	seconds=1
else
	runs='1 2 3 4 5'
	rounds=1000
	connections=15000
	datagrams=200000
	seconds=2
fi

# ---- figures: a file for each figure and name, a number a run ----------------

# Call "$1 NAME" for each other name, in every run.
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
			"$function" "$name"
		done
	done
}

# Note the word of stdin that follows the key: FIGURE NAME KEY
note()
{
	awk -v key="$3" '{ for (i = 1; i < NF; i++) if ($i == key)
		print $(i + 1) }' >>"$dir/$1.$2"
}

value()
{
	median <"$dir/$1.$2"
}

# print_figure FIGURE FORMAT DIVISOR TITLE NAME...: one line with the medians
print_figure()
{
	shown=$1
	format=$2
	divisor=$3
	line="$4:"
	shift 4
	for name; do
		line="$line  $name $(value "$shown" "$name" |
		    awk -v by="$divisor" "{ printf \"$format\", \$1 / by }")"
	done
	echo "$line"
}

# The best value of the names: best FIGURE lowest|highest NAME...
best()
{
	best_of=$1
	order=$2
	shift 2
	for name; do
		value "$best_of" "$name"
	done | sort -n |
	    if [ "$order" = lowest ]; then head -n 1; else tail -n 1; fi
}

# goal TITLE OPERATOR GOAL MEASURED
goal()
{
	echo "$4" | awk -v title="$1" -v operator="$2" -v goal="$3" '{
		ok = operator == "<=" ? $1 <= goal : $1 >= goal
		printf "%-48s %s %-6s %9.3f  %s\n", title, operator, goal,
		    $1, ok ? "ok" : "MISSED" }' >>"$dir/goals"
}

# goal_ratio TITLE OPERATOR GOAL FIGURE NAME lowest|highest OTHERS...
# Of muxd's value to the best of the others.
goal_ratio()
{
	heading=$1
	operator=$2
	limit=$3
	of=$4
	subject=$5
	shift 5
	[ "$muxd" != - ] && [ $# -gt 1 ] || return 0
	ratio=$(echo "$(value "$of" "$subject") $(best "$of" "$@")" |
	    awk '{ printf "%.4f", $1 / $2 }')
	goal "$heading" "$operator" "$limit" "$ratio"
}

# "-p PID" for each process of the proxy.
meters()
{
	for pid in $(processes_of "$1"); do
		printf -- '-p %s ' "$pid"
	done
}

# ---- what is measured ---------------------------------------------------------

pss_now()
{
	after=$(pss $(processes_of "$1"))
}

measure_memory()
{
	for name in $proxies; do
		client -c 10 -n 10 127.0.0.1 "$(port "$name")" >/dev/null
		sleep 1
		pss_now "$name"
		before=$after
		while_open "pss_now $name" -c "$sessions" -n 1 \
		    127.0.0.1 "$(port "$name")"
		echo $(((after - before) * 1024 / sessions)) \
		    >"$dir/memory.$name"
	done
	print_figure memory %d 1 'memory: bytes for an idle session' $proxies
	[ "$muxd" = - ] ||
		goal 'memory: bytes for an idle session' '<=' 512 \
		    "$(value memory muxd)"
}

small()
{
	client -n "$rounds" $(meters "$1") 127.0.0.1 "$(port "$1")" \
	    >"$dir/out" || fail "no round trips through $1"
	note small "$1" cpu_ns_per_trip <"$dir/out"
}

measure_small()
{
	alternate small floor $proxies
	print_figure small %d 1 'small: ns of CPU a round trip' floor $proxies
	goal_ratio 'small: CPU, of the better peer' '<=' 0.85 \
	    small muxd lowest $peers
	goal_ratio 'small: CPU, of the smallest relay' '<=' 1.08 \
	    small muxd lowest floor
}

measure_calls()
{
	if ! command -v strace >/dev/null; then
		missing calls strace strace
		return
	fi
	for name in floor $proxies; do
		while_open "trace $(worker_of "$name")" -c 100 -n 200 \
		    127.0.0.1 "$(port "$name")"
		untrace
		calls_in_all | awk '{ printf "%.3f\n", $1 / 20000 }' \
		    >"$dir/calls.$name"
		calls_by_name >"$dir/names.$name"
	done
	print_figure calls %.3f 1 'calls: a round trip' floor $proxies
	[ "$muxd" != - ] || return 0
	awk '{ printf "       %7d %s\n", $1, $2 }' "$dir/names.muxd"
	goal 'calls: a round trip' '<=' 4.2 "$(value calls muxd)"
}

rate()
{
	on_client_cpu "$bin/connrate" -n "$connections" $(meters "$1") \
	    127.0.0.1 "$(port "$1")" >"$dir/out" ||
		fail "no connections through $1"
	note rate "$1" rate <"$dir/out"
	note rate_cpu "$1" cpu_ns_per_connection <"$dir/out"
	note rate_busy "$1" busy <"$dir/out"
}

measure_rate()
{
	set -- floor $proxies
	alternate rate "$@"
	print_figure rate %d 1 'rate: connections a second' "$@"
	print_figure rate_cpu %.1f 1000 'rate: us of CPU a connection' "$@"
	print_figure rate_busy %.2f 1 'rate: how busy CPU 0 was' "$@"
	goal_ratio 'rate: connections a second, of the better peer' '>=' 1.15 \
	    rate muxd highest $peers
}

datagrams()
{
	on_client_cpu "$bin/dgramrate" -n "$datagrams" $(meters "$1") \
	    127.0.0.1 "$(port "$1")" >"$dir/out" ||
		fail "no datagrams through $1"
	note datagrams "$1" rate <"$dir/out"
	note datagrams_cpu "$1" cpu_ns_per_datagram <"$dir/out"
	note datagrams_busy "$1" busy <"$dir/out"
	note datagrams_lost "$1" lost <"$dir/out"
}

measure_datagrams()
{
	set -- floor_udp
	for name in muxd nginx; do
		case " $proxies " in
		*" $name "*) set -- "$@" "$name" ;;
		esac
	done
	alternate datagrams "$@"
	print_figure datagrams %d 1 'datagrams: a second' "$@"
	print_figure datagrams_cpu %d 1 'datagrams: ns of CPU for one' "$@"
	print_figure datagrams_busy %.2f 1 'datagrams: how busy CPU 0 was' "$@"
	print_figure datagrams_lost %d 1 'datagrams: lost' "$@"
	case $peers in
	*nginx*)
		goal_ratio 'datagrams: a second, of nginx' '>=' 1.5 \
		    datagrams muxd highest nginx
		;;
	esac
}

# CPU time of all processes of the proxy, in nanoseconds.
cpu_of()
{
	for pid in $(processes_of "$1"); do
		cat "/proc/$pid/schedstat"
	done | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

# "bytes B bits_per_second R" of what the server got, from iperf3's JSON.
received()
{
	awk '/"sum_received"/ { inside = 1 }
	inside && /"bytes"|"bits_per_second"/ {
		gsub(/[",:]/, " ")
		printf "%s %.0f ", $1, $2
	}
	/}/ { inside = 0 }'
}

bulk()
{
	before=$(cpu_of "$1")
	if ! on_client_cpu iperf3 -J -t "$seconds" -P "$streams" -c 127.0.0.1 \
	    -p "$(port "$1")" >"$dir/json"; then
		cat "$dir/json" >&2
		fail "iperf3 failed through $1"
	fi
	after=$(cpu_of "$1")
	received <"$dir/json" >"$dir/out"
	note "bulk$streams" "$1" bits_per_second <"$dir/out"
	note bytes "$1" bytes <"$dir/out"
	echo "$before $after $(tail -n 1 "$dir/bytes.$1")" |
	    awk '{ print ($2 - $1) / $3 * 1024 }' >>"$dir/bulk${streams}_cpu.$1"
}

measure_bulk()
{
	if ! command -v iperf3 >/dev/null; then
		missing bulk iperf3 iperf3
		return
	fi
	others=
	case $peers in *haproxy*) others='haproxy-splice haproxy-copy' ;; esac
	case $peers in *nginx*) others="$others nginx-16k nginx-256k" ;; esac
	mine='muxd-auto muxd-splice muxd-copy'
	[ "$muxd" != - ] || mine=
	for streams in 1 16; do
		title="bulk over $streams:"
		set -- $mine $others
		[ $# -gt 0 ] || return 0
		alternate bulk "$@"
		print_figure "bulk$streams" %.2f 1e9 "$title Gbit/s" "$@"
		print_figure "bulk${streams}_cpu" %d 1 \
		    "$title ns of CPU a kilobyte" "$@"
		goal_ratio "$title throughput, of the better peer" '>=' 1.00 \
		    "bulk$streams" muxd-auto highest $others
		goal_ratio "$title CPU, of the better peer" '<=' 1.00 \
		    "bulk${streams}_cpu" muxd-auto lowest $others
		goal_ratio "$title CPU, of muxd's better way" '<=' 1.03 \
		    "bulk${streams}_cpu" muxd-auto lowest muxd-splice muxd-copy
	done
}

# ---- all of it ------------------------------------------------------------------

for_proxies()
{
	for proxy in $proxies; do
		"$1" "$proxy"
	done
}

# shellcheck disable=SC3045
descriptors=$(ulimit -H -n)
[ "$descriptors" = unlimited ] || [ "$descriptors" -ge 12200 ] ||
	fail 'a process must be able to have 12,200 descriptors (ulimit -H -n)'
# shellcheck disable=SC3045
ulimit -n "$descriptors"
need_ports $all_ports
find_proxies
[ "$muxd" = - ] || configure_muxd
configure_haproxy
configure_nginx
start_servers
for_proxies start_proxy
start_proxy floor
start_proxy floor_udp
for figure in $figures; do
	case $figure in
	memory | small | calls | rate | datagrams | bulk) measure_$figure ;;
	*) fail "there is no figure $figure" ;;
	esac
done
if [ -s "$dir/goals" ]; then
	echo
	printf '%-48s %-9s %9s\n' goal '' measured
	cat "$dir/goals"
fi
