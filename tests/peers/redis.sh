#!/bin/sh
# Redis behind the relay: many small requests at once, one by one and in
# pipelines, and a value of 100 MB.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${0%/*}/lib.sh"

need redis-server redis-server
need redis-cli redis-tools
need redis-benchmark redis-tools
need nc netcat-openbsd

make_folder "$dir/redis"
take_port
redis=$port
start redis redis-server --port "$redis" --bind 127.0.0.1 \
    --unixsocket "$dir/redis/sock" --unixsocketperm 777 --save '' \
    --appendonly no --dir "$dir/redis" --daemonize no
ready redis redis-cli -p "$redis" ping

# requests COUNT ARGUMENT...: as many SET and GET of 50 clients as were asked
# for arrive at the server.
requests()
{
	count=$1
	shift
	redis-cli -p "$redis" config resetstat >/dev/null
	$limited redis-benchmark "$@" -t set,get -n "$count" -c 50 -d 64 \
	    --csv || return 1
	redis-cli -p "$redis" info commandstats | tr -d '\r' >"$dir/stats"
	for command in set get; do
		grep -q "^cmdstat_$command:calls=$count," "$dir/stats" || {
			cat "$dir/stats"
			return 1
		}
	done
}

# large PORT: the value that goes in comes back.  redis-cli itself takes
# seconds of CPU time for one, but for --pipe.
large()
{
	redis-cli -p "$redis" del large >/dev/null
	$limited redis-cli -p "$1" --pipe <"$dir/set" &&
		says "$value_size" redis-cli -p "$redis" strlen large &&
		printf 'GET large\r\nQUIT\r\n' |
		$limited nc -w 30 127.0.0.1 "$1" | cmp - "$dir/got"
}

with_backend()
{
	{
		for way in copy splice; do
			relay "$way" "127.0.0.1:$redis" "$(moving $way)"
		done
		relay unix "unix:$dir/redis/sock"
	} >"$dir/services"
	muxd_start

	for way in copy splice; do
		at=$(muxd_port $way)
		check "$backend, $way: one request at a time" \
		    requests $((2000 * scale)) -p "$at"
		check "$backend, $way: pipelines of 16" \
		    requests $((16000 * scale)) -p "$at" -P 16
		check "$backend, $way: a value of 100 MB" large "$at"
	done
	check "$backend: from TCP to UNIX" \
	    requests $((2000 * scale)) -p "$(muxd_port unix)"
	check "$backend: from UNIX to UNIX" \
	    requests $((2000 * scale)) -s "$dir/unix.sock"
	check "$backend: from UNIX to TCP" \
	    requests $((2000 * scale)) -s "$dir/copy.sock"
	muxd_stop
}

value_size=100000000
head -c "$value_size" /dev/urandom >"$dir/value"
{
	printf '*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$%d\r\n' "$value_size"
	cat "$dir/value"
	printf '\r\n'
} >"$dir/set"
{
	printf '$%d\r\n' "$value_size"
	cat "$dir/value"
	printf '\r\n+OK\r\n'
} >"$dir/got"
rm "$dir/value"
for_each_backend with_backend
exit $status
