#!/bin/sh
# The five inetd services of muxd beside those of xinetd: the same bytes where
# the RFC fixes them, the same shape where it does not.  Both run in a network
# namespace of this test's own, so no port is taken; needs root.
set -u

skip()
{
	echo "skipped: $1"
	exit 77
}

if [ -z "${PEERS_NAMESPACE:-}" ]; then
	[ "$(id -u)" -eq 0 ] || skip 'needs root'
	for tool in xinetd nc socat ip unshare od; do
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

check()
{
	what=$1
	shift
	if "$@"; then
		echo "ok: $what"
	else
		echo "not ok: $what"
		status=1
	fi
}

# Wait until a command succeeds, for 30 seconds at most.
until_true()
{
	n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		[ "$n" -lt 300 ] || return 1
		sleep 0.1
	done
}

# xinetd on ports of its own, muxd on the others.
xinetd_service()
{
	cat <<EOF
service $1
{
	type = INTERNAL UNLISTED
	id = $1-$2
	socket_type = $2
	protocol = $3
	wait = $4
	user = root
	port = $5
	bind = 127.0.0.1
}
EOF
}

{
	echo 'defaults { }' | sed 's/ {/\n{/; s/ }/\n}/'
	xinetd_service echo stream tcp no 17007
	xinetd_service echo dgram udp yes 17007
	xinetd_service discard stream tcp no 17009
	xinetd_service chargen stream tcp no 17019
	xinetd_service daytime stream tcp no 17013
	xinetd_service time stream tcp no 17037
} >"$dir/xinetd.conf"

{
	echo "control = \"$dir/control.sock\""
	echo 'user = "nobody"'
	for pair in echo:7007 discard:7009 chargen:7019 daytime:7013 time:7037
	do
		echo "service \"${pair%:*}\" {"
		echo "  listen = { \"127.0.0.1:${pair#*:}\"," \
		    "\"udp:127.0.0.1:${pair#*:}\" }"
		echo "  handler = \"${pair%:*}\""
		echo '}'
	done
} >"$dir/muxd.conf"

xinetd -dontfork -f "$dir/xinetd.conf" -filelog "$dir/xinetd.log" &
pids="$pids $!"
${MUXD_WRAPPER:-} "$MUXD" -c "$dir/muxd.conf" 2>"$dir/muxd.log" &
pids="$pids $!"
until_true nc -z 127.0.0.1 17037 && until_true grep -q 'msg=ready' \
    "$dir/muxd.log" || {
	cat "$dir/muxd.log" "$dir/xinetd.log"
	exit 1
}

# ---- echo, RFC 862 ---------------------------------------------------------

head -c 200000 /dev/urandom >"$dir/noise"
nc -N -w 20 127.0.0.1 17007 <"$dir/noise" >"$dir/echo.xinetd"
nc -N -w 20 127.0.0.1 7007 <"$dir/noise" >"$dir/echo.muxd"
check 'echo: xinetd gives back what it got' \
    cmp "$dir/noise" "$dir/echo.xinetd"
check 'echo: and so does muxd' cmp "$dir/echo.xinetd" "$dir/echo.muxd"

udp_echo()
{
	printf 'one datagram' | socat -t 5 - "udp:127.0.0.1:$1,shut-none" |
	    head -c 12
}
check 'echo: the same over UDP' \
    test "$(udp_echo 17007)" = "$(udp_echo 7007)"
check 'echo: and it is the datagram' \
    test "$(udp_echo 7007)" = 'one datagram'

# ---- discard, RFC 863 --------------------------------------------------------

check 'discard: xinetd says nothing' test \
    "$(nc -N -w 5 127.0.0.1 17009 <"$dir/noise" | wc -c)" -eq 0
check 'discard: muxd says nothing' test \
    "$(nc -N -w 5 127.0.0.1 7009 <"$dir/noise" | wc -c)" -eq 0

# ---- chargen, RFC 864 --------------------------------------------------------

# The RFC's pattern begins with the space; xinetd leaves that character out,
# so its first line is muxd's second, until the end of the set comes by.
nc -d 127.0.0.1 17019 | head -n 20 >"$dir/chargen.xinetd"
nc -d 127.0.0.1 7019 | head -n 21 | tail -n 20 >"$dir/chargen.muxd"
check 'chargen: the same lines' \
    cmp "$dir/chargen.xinetd" "$dir/chargen.muxd"

# ---- daytime, RFC 867 --------------------------------------------------------

shape()
{
	sed 's/[0-9]/9/g; s/[A-Z][A-Z][A-Z] 9/MON 9/' | od -c
}
check 'daytime: the same shape' test \
    "$(nc -d -w 5 127.0.0.1 17013 | shape)" = \
    "$(nc -d -w 5 127.0.0.1 7013 | shape)"

# ---- time, RFC 868 -----------------------------------------------------------

seconds()
{
	nc -d -w 5 127.0.0.1 "$1" | od -A n -t u1 |
	    awk '{ printf "%d", (($1 * 256 + $2) * 256 + $3) * 256 + $4 }'
}
check 'time: four bytes' test \
    "$(nc -d -w 5 127.0.0.1 7037 | wc -c)" -eq 4
theirs=$(seconds 17037)
ours=$(seconds 7037)
check 'time: the same second, or one of the next' test \
    "$((ours - theirs))" -ge 0 -a "$((ours - theirs))" -le 5

if command -v rdate >/dev/null; then
	# -p prints; without it, it would set the clock.
	check 'time: rdate understands it' rdate -p -o 7037 127.0.0.1
fi

exit $status
