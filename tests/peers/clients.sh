#!/bin/sh
# Clients that people have at hand, against each service: curl, wrk, nc and
# socat, in a network namespace of this test's own.
set -u

skip()
{
	echo "skipped: $1"
	exit 77
}

if [ -z "${PEERS_NAMESPACE:-}" ]; then
	[ "$(id -u)" -eq 0 ] || skip 'needs root'
	for tool in curl nc socat ip unshare; do
		command -v "$tool" >/dev/null || skip "$tool is missing"
	done
	unshare --net ip link set lo up 2>/dev/null ||
		skip 'no network namespaces'
	PEERS_NAMESPACE=1 exec unshare --net "${SHELL:-/bin/sh}" "$0"
fi

dir=$(mktemp -d) || exit 1
chmod 755 "$dir"
ip link set lo up || exit 1
status=0
muxd_pid=

clean_up()
{
	if [ -n "$muxd_pid" ]; then
		kill "$muxd_pid" 2>/dev/null
		wait "$muxd_pid" 2>/dev/null
	fi
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

check()
{
	what=$1
	shift
	if "$@" >"$dir/out" 2>&1; then
		echo "ok: $what"
	else
		echo "not ok: $what"
		sed 's/^/    /' "$dir/out"
		status=1
	fi
}

cat >"$dir/muxd.conf" <<EOF
control = "$dir/control.sock"
user = "nobody"
service "echo" {
  listen  = { "*:7", "udp:*:7", "unix:$dir/echo.sock" }
  handler = "echo"
  limit { source_datagram_rate = "100000/s" }
}
service "chargen" {
  listen  = { "127.0.0.1:19" }
  handler = "chargen"
}
service "web" {
  listen  = { "*:80", "unix:$dir/web.sock" }
  handler = "http"
  http { body = "200 OK\n" headers = { "X-Served-By: muxd" } }
}
EOF
${MUXD_WRAPPER:-} "$MUXD" -c "$dir/muxd.conf" 2>"$dir/muxd.log" &
muxd_pid=$!
n=0
until grep -q 'msg=ready' "$dir/muxd.log"; do
	n=$((n + 1))
	[ "$n" -lt 300 ] || { cat "$dir/muxd.log"; exit 1; }
	sleep 0.1
done

says()
{
	expected=$1
	shift
	[ "$("$@" 2>&1)" = "$expected" ]
}

# ---- http --------------------------------------------------------------------

check 'curl gets the body' says '200 OK' curl -sS http://127.0.0.1/
check 'curl over IPv6' says '200 OK' curl -sS 'http://[::1]/'
check 'curl over a UNIX socket' says '200 OK' \
    curl -sS --unix-socket "$dir/web.sock" http://localhost/
check 'curl sees the header' sh -c \
    'curl -sSi http://127.0.0.1/ | grep -q "^X-Served-By: muxd"'
check 'curl -I gets a head alone' sh -c \
    'curl -sSI http://127.0.0.1/ | grep -q "^Content-Length: 7"'
check 'one connection serves two requests' says '10' curl -sS \
    -o /dev/null -o /dev/null -w '%{num_connects}' \
    http://127.0.0.1/a http://127.0.0.1/b
head -c 100000 /dev/zero >"$dir/body"
check 'curl posts a body' says '200 OK' \
    curl -sS --data-binary "@$dir/body" http://127.0.0.1/
check 'curl posts it in chunks' says '200 OK' curl -sS -H \
    'Transfer-Encoding: chunked' --data-binary "@$dir/body" http://127.0.0.1/
head -c 2000000 /dev/zero >"$dir/large"
check 'a body beyond the limit is 413' says '413' curl -sS -o /dev/null \
    -w '%{http_code}' -H 'Expect:' --data-binary "@$dir/large" http://127.0.0.1/
check 'HTTP/1.0' says '200 OK' curl -sS -0 http://127.0.0.1/

if command -v wrk >/dev/null; then
	check 'wrk sees no error' sh -c '
		wrk -t 1 -c 50 -d 2 http://127.0.0.1/ | tee /dev/stderr |
		    awk "/Non-2xx|Socket errors/ { bad = 1 }
			/requests in/ { n = \$1 } END { exit bad || n == 0 }"'
fi

# ---- echo ----------------------------------------------------------------------

head -c 3000000 /dev/urandom >"$dir/noise"
round_trip()
{
	"$@" <"$dir/noise" | cmp - "$dir/noise"
}
check 'nc sends and gets 3 MB back' round_trip nc -N -w 30 127.0.0.1 7
check 'nc over IPv6' round_trip nc -N -w 30 ::1 7
check 'nc over a UNIX socket' round_trip nc -N -U -w 30 "$dir/echo.sock"
check 'socat half-closes and gets all of it' \
    round_trip socat -t 30 - tcp:127.0.0.1:7
check 'socat sends a datagram over IPv6' says 'hello' sh -c \
    'printf hello | socat -t 5 - "udp6:[::1]:7,shut-none" | head -c 5'

# ---- chargen ---------------------------------------------------------------------

check 'nc reads 10 MB and goes' sh -c \
    '[ "$(nc -d 127.0.0.1 19 | head -c 10000000 | wc -c)" -eq 10000000 ]'

kill -TERM "$muxd_pid"
wait "$muxd_pid"
check 'muxd ends in order' test $? -eq 0
muxd_pid=
exit $status
