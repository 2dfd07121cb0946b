#!/bin/sh
# iperf3 through the relay: as many bytes as the sockets take, on one
# connection and on 16, either way and both at once, and datagrams.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${0%/*}/lib.sh"

need iperf3 iperf3

# The server stops listening after each run, and begins again.
listening_anew()
{
	[ "$(grep -c 'Server listening' "$dir/iperf3.log")" -gt "$runs" ]
}

take_port
iperf3_port=$port
take_port
datagrams=$port # they go where the connection that steers them goes
start iperf3 iperf3 -s -B 127.0.0.1 -p "$iperf3_port" --forceflush
runs=0
ready iperf3 listening_anew

# moves PORT ARGUMENT...: a run ends well, and the receivers have got bytes.
moves()
{
	until_true listening_anew || return 1
	runs=$((runs + 1))
	$limited iperf3 -J -B 127.0.0.1 -c 127.0.0.1 -p "$@" >"$dir/result"
	failed=$?
	[ "$failed" -eq 0 ] && awk '
	/"error"/ { failed = 1 }
	/"sum_(sent|received)(_bidir_reverse)?"/ { sum = 1; sums++ }
	sum && /"bytes"/ { sum = 0; moved += $2 + 0 > 0 }
	END { exit failed || !sums || moved != sums }' "$dir/result" && return
	cat "$dir/result"
	return 1
}

with_backend()
{
	for way in copy splice auto; do
		relay "$way" "127.0.0.1:$iperf3_port" "$(moving $way)"
	done >"$dir/services"
	relay udp "127.0.0.1:$iperf3_port" 'udp { idle_timeout = "2s" }' |
		both_at "$datagrams" >>"$dir/services"
	muxd_start

	volume=$((64 * scale))M
	for way in copy splice auto; do
		at=$(muxd_port $way)
		check "$backend, $way: to the server" \
		    moves "$at" -n "$volume"
		check "$backend, $way: from the server" \
		    moves "$at" -n "$volume" -R
		check "$backend, $way: 16 to the server" \
		    moves "$at" -n "$volume" -P 16
		check "$backend, $way: 16 from the server" \
		    moves "$at" -n "$volume" -P 16 -R
	done
	for way in '' -R; do
		check "$backend: datagrams${way:+, from the server}" \
		    moves "$datagrams" -u -l 1200 -b 200M \
		    -n $((10 * scale))M $way
	done
	muxd_stop idle_timeout

	# iperf3 tells the connections of the two ways apart by the order in
	# which they come, and two workers do not keep it.
	workers=1
	muxd_start
	for way in copy splice auto; do
		check "$backend, $way: both ways at once" \
		    moves "$(muxd_port $way)" -n "$volume" --bidir
	done
	muxd_stop
	workers=2
}

for_each_backend with_backend
exit $status
