#!/bin/sh
# A DNS server behind the relay, dnsmasq, asked by dig: over UDP, over TCP
# through the same pool, and over TCP after an answer that UDP has no room for.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${0%/*}/lib.sh"

need dnsmasq dnsmasq-base
need dig bind9-dnsutils

take_port
dns=$port
take_port
open=$port # sessions end when nobody has asked for a while
take_port
once=$port # or with the answer

awk 'BEGIN {
	print "192.0.2.80 www.relay.test"
	print "2001:db8::80 www.relay.test"
	for (n = 1; n <= 100; n++)
		print "198.51.100." n " many.relay.test"
}' >"$dir/hosts"
cat >"$dir/dnsmasq.conf" <<END
keep-in-foreground
port=$dns
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
addn-hosts=$dir/hosts
local=/relay.test/
edns-packet-max=4096
pid-file=
log-facility=-
END

# ask PORT ARGUMENT...: what dig says, the first time it asks.
ask()
{
	at=$1
	shift
	$limited dig @127.0.0.1 -p "$at" +tries=1 +time=10 "$@"
}

# A name without an address is an answer, too.
no_such_name()
{
	ask "$1" none.relay.test | grep 'status: NXDOMAIN'
}

# The answer without EDNS is cut to 512 bytes, and says so.
cut()
{
	ask "$1" +noedns +ignore many.relay.test >"$dir/answer"
	cat "$dir/answer"
	grep -q '^;; flags:.* tc[ ;]' "$dir/answer" &&
		[ "$(sed -n 's/^;; MSG SIZE  rcvd: //p' "$dir/answer")" \
		    -le 512 ]
}

# all_addresses PORT ARGUMENT...: as the server itself has them.
all_addresses()
{
	ask "$dns" +short +tcp many.relay.test | sort >"$dir/expected"
	ask "$@" +short many.relay.test | sort >"$dir/answer"
	[ "$(wc -l <"$dir/answer")" -eq 100 ] &&
		cmp "$dir/expected" "$dir/answer"
}

# over PROTOCOL PORT ARGUMENT...: how the answer came in the end.
over()
{
	protocol=$1
	shift
	ask "$@" many.relay.test >"$dir/answer"
	cat "$dir/answer"
	grep -q "^;; SERVER: .*($protocol)$" "$dir/answer"
}

# many PORT COUNT: so many questions of eight at once, each from a port of its
# own.  Since dig shares its ports with others (SO_REUSEPORT), each of the eight
# has an address of its own.
many()
{
	count=$2
	awk -v count=$count 'BEGIN {
		while (count-- > 0)
			print "www.relay.test A"
	}' >"$dir/questions"
	asking=
	for i in 1 2 3 4 5 6 7 8; do
		ask "$1" -b "127.0.0.$i" +short -f "$dir/questions" >"$dir/answers.$i" &
		asking="$asking $!"
	done
	for pid in $asking; do
		wait "$pid" || return 1
	done
	says "$((8 * count)) 192.0.2.80" \
	    sh -c 'cat "$1"/answers.* | sort | uniq -c | sed "s/^ *//"' - "$dir"
}

# dns_relay NAME PORT UDP-OPTIONS WAY
dns_relay()
{
	relay "$1" "127.0.0.1:$dns" "$(moving "$4") udp { $3 }" | both_at "$2"
}

with_backend()
{
	{
		dns_relay open "$open" 'idle_timeout = "500ms"' copy
		dns_relay once "$once" 'responses = 1' splice
	} >"$dir/services"
	muxd_start
	for service in open once; do
		# More sessions at a time have no room in FD_SETSIZE.
		at=$open
		count=50
		if [ $service = once ]; then
			at=$once
			count=$((50 * scale))
		fi
		check "$backend, $service: an address" \
		    says 192.0.2.80 ask "$at" +short www.relay.test
		check "$backend, $service: an IPv6 address" \
		    says 2001:db8::80 ask "$at" +short www.relay.test AAAA
		check "$backend, $service: the name of an address" \
		    says www.relay.test. ask "$at" +short -x 192.0.2.80
		check "$backend, $service: a name that is not there" \
		    no_such_name "$at"
		check "$backend, $service: over TCP" \
		    says 192.0.2.80 ask "$at" +short +tcp www.relay.test
		check "$backend, $service: more than 512 bytes over UDP" \
		    over UDP "$at" +bufsize=4096
		check "$backend, $service: all of them" \
		    all_addresses "$at" +bufsize=4096 +ignore
		check "$backend, $service: too much for UDP" cut "$at"
		check "$backend, $service: so TCP is tried" \
		    over TCP "$at" +noedns
		check "$backend, $service: and has all of it" \
		    all_addresses "$at" +noedns
		check "$backend, $service: many at once" many "$at" $count
	done
	check "$backend: sessions end with the answer" \
	    until_true grep 'service=once .*reason=responded' "$dir/muxd.log"
	check "$backend: or a while after it" \
	    until_true grep 'service=open .*reason=idle_timeout' "$dir/muxd.log"
	muxd_stop responded idle_timeout drained
}

start dnsmasq dnsmasq --conf-file="$dir/dnsmasq.conf"
ready dnsmasq ask "$dns" +short www.relay.test
for_each_backend with_backend
exit $status
