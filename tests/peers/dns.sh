#!/bin/sh
# Servers whose names dnsmasq knows, and says something else of after a while:
# by the system's resolv.conf(5) and by servers of muxd's own, addresses and
# SRV records.  In namespaces of this test's own, for the network and for
# /etc/resolv.conf.
set -u

skip()
{
	echo "skipped: $1"
	exit 77
}

if [ -z "${PEERS_NAMESPACE:-}" ]; then
	[ "$(id -u)" -eq 0 ] || skip 'needs root'
	for tool in curl dnsmasq getent ip mount unshare; do
		command -v "$tool" >/dev/null || skip "$tool is missing"
	done
	[ -f /etc/resolv.conf ] || skip 'there is no /etc/resolv.conf'
	unshare --net --mount ip link set lo up 2>/dev/null ||
		skip 'no network namespaces'
	PEERS_NAMESPACE=1 exec unshare --net --mount --propagation private \
	    "${SHELL:-/bin/sh}" "$0"
fi

dir=$(mktemp -d) || exit 1
chmod 755 "$dir"
ip link set lo up || exit 1
echo 'nameserver 127.0.0.1' >"$dir/resolv.conf"
echo 'search test' >>"$dir/resolv.conf"
mount --bind "$dir/resolv.conf" /etc/resolv.conf ||
	skip 'no file can be mounted'
status=0
muxd_pid=
dns_pid=
other_dns_pid=

# end PID SIGNAL
end()
{
	if [ -n "$1" ]; then
		kill "-$2" "$1" 2>/dev/null
		wait "$1" 2>/dev/null
	fi
}

clean_up()
{
	end "$muxd_pid" TERM
	end "$dns_pid" TERM
	end "$other_dns_pid" TERM
	umount /etc/resolv.conf
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

# within_a_while COMMAND...: until it succeeds, for half a minute.
within_a_while()
{
	n=0
	until "$@"; do
		n=$((n + 1))
		[ "$n" -lt 300 ] || return 1
		sleep 0.1
	done
}

# knows NAME ADDRESS: whether the name server has taken its hosts.
knows()
{
	getent hosts "$1" | grep -q "^$2 "
}

# dnsmasq_at ADDRESS HOSTS ARGUMENT...: its process is in $!.
dnsmasq_at()
{
	address=$1
	hosts=$2
	shift 2
	dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv \
	    --no-hosts --pid-file= --user=nobody --bind-interfaces \
	    --listen-address="$address" --addn-hosts="$hosts" --local=/test/ \
	    "$@" 2>>"$dir/dnsmasq.log" &
}

start_dns()
{
	dnsmasq_at 127.0.0.1 "$dir/hosts" \
	    --srv-host=_http._tcp.test,one.test,8081,10,3 \
	    --srv-host=_http._tcp.test,two.test,8082,10,1 \
	    --srv-host=_http._tcp.test,spare.test,8083,20,1
	dns_pid=$!
	# A signal before it is there would be its end.
	within_a_while knows one.test 127.0.0.11 || exit 1
}

# know LINE...: what dnsmasq has for hosts from now on.
know()
{
	{
		printf '%s\n' "$@"
		echo '127.0.0.11 one.test'
		echo '127.0.0.12 two.test'
		echo '127.0.0.13 spare.test'
	} >"$dir/hosts"
	[ -z "$dns_pid" ] || kill -HUP "$dns_pid"
}

start_muxd()
{
	# Before muxd runs, or an earlier one's words would be taken for its.
	: >"$dir/muxd.log"
	# shellcheck disable=SC2086
	${MUXD_WRAPPER:-} "$MUXD" -c "$dir/muxd.conf" $1 2>>"$dir/muxd.log" &
	muxd_pid=$!
	within_a_while grep -q 'msg=ready' "$dir/muxd.log" || {
		cat "$dir/muxd.log"
		exit 1
	}
}

stop_muxd()
{
	kill -TERM "$muxd_pid"
	wait "$muxd_pid"
	check 'muxd ends in order' test $? -eq 0
	muxd_pid=
}

# says TEXT PORT: what the service at the port answers once.
says()
{
	[ "$(curl -sS "http://127.0.0.1:$2/")" = "$1" ]
}

# says_in_turn PORT: who has answered 8 questions, "one*6 two*2".
says_in_turn()
{
	for _ in 1 2 3 4 5 6 7 8; do
		curl -sS "http://127.0.0.1:$1/"
	done | sort | uniq -c | awk '{ printf "%s%s*%s", sep, $2, $1; sep = " " }'
}

spreads()
{
	[ "$(says_in_turn "$2")" = "$1" ]
}

# configure SPLICE
configure()
{
	{
		echo "control = \"$dir/control.sock\""
		echo 'user = "nobody"'
		for port in 80 8081 8082 8083; do
			i=11
			for name in one two spare; do
				cat <<EOF
service "$name-$port" {
  listen  = { "127.0.0.$i:$port" }
  handler = "http"
  http { body = "$name\n" }
}
EOF
				i=$((i + 1))
			done
		done
		cat <<EOF
pool "web" {
  server "w" { address = "web:80" }
  resolve_min = "100ms"  resolve_max = "300ms"  splice = "$1"
}
pool "srv" {
  server "s" { address = "_http._tcp.test" }
  resolve_min = "100ms"  resolve_max = "300ms"  splice = "$1"
}
service "web" { listen = { "127.0.0.1:8001" } handler = "relay" pool = "web" }
service "srv" { listen = { "127.0.0.1:8002" } handler = "relay" pool = "srv" }
EOF
	} >"$dir/muxd.conf"
}

# ---- each backend, copying and splicing -----------------------------------------

know '127.0.0.11 web.test'
start_dns
configure auto
for backend in epoll poll select; do
	if ! "$MUXD" -t -e "$backend" -c "$dir/muxd.conf" >/dev/null 2>&1; then
		echo "left out: this muxd has no $backend"
		continue
	fi
	for splice in off on; do
		know '127.0.0.11 web.test'
		within_a_while knows web.test 127.0.0.11 || exit 1
		configure "$splice"
		start_muxd "-e $backend"
		check "$backend, splice $splice: a name" says one 8001
		check "$backend, splice $splice: SRV records" \
		    spreads 'one*6 two*2' 8002
		know '127.0.0.12 web.test'
		check "$backend, splice $splice: another answer" \
		    within_a_while says two 8001
		stop_muxd
	done
done

# ---- more and fewer addresses, and none --------------------------------------------

know '127.0.0.11 web.test'
start_muxd ''
know '127.0.0.11 web.test' '127.0.0.12 web.test'
check 'two addresses take turns' within_a_while spreads 'one*4 two*4' 8001
know '127.0.0.12 web.test'
check 'one of them is gone' within_a_while spreads 'two*8' 8001

know
check 'a name that is gone is logged' within_a_while \
    grep -q 'not resolved.*name=web ' "$dir/muxd.log"
check 'and is served on' says two 8001

end "$dns_pid" KILL
dns_pid=
check 'a dead name server is logged' within_a_while \
    grep -q 'not resolved.*name=_http._tcp.test' "$dir/muxd.log"
check 'what it knew is served on' spreads 'one*6 two*2' 8002

# ---- another name server ------------------------------------------------------------

echo '127.0.0.13 web.test' >"$dir/other_hosts"
dnsmasq_at 127.0.0.2 "$dir/other_hosts" \
    --srv-host=_http._tcp.test,web.test,8083
other_dns_pid=$!
{
	echo 'nameserver 127.0.0.2'
	echo 'search test'
} >"$dir/resolv.conf"
check 'a changed resolv.conf counts' within_a_while says spare 8001
check 'changed SRV records count' within_a_while says spare 8002
stop_muxd

# ---- without one at the start --------------------------------------------------------

end "$other_dns_pid" KILL
other_dns_pid=
echo 'nameserver 127.0.0.1' >"$dir/resolv.conf"
echo 'search test' >>"$dir/resolv.conf"
know '127.0.0.11 web.test'
start_muxd ''
check 'muxd starts without a name server' grep -q 'not resolved.*name=web ' \
    "$dir/muxd.log"
check 'and turns clients away' sh -c '! curl -sS http://127.0.0.1:8001/'
start_dns
check 'until there is one' within_a_while says one 8001
stop_muxd

if [ "$status" -ne 0 ]; then
	cat "$dir/muxd.log" "$dir/dnsmasq.log"
fi
exit $status
