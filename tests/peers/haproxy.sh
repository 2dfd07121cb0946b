#!/bin/sh
# HAProxy on either side of the relay: it learns from muxd, and muxd from it,
# who the client is, by the PROXY protocol.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${0%/*}/lib.sh"

need haproxy haproxy
need curl curl

take_port
seen=$port # HAProxy tells which client it sees
take_port
before=$port # HAProxy before muxd, speaking version 2
take_port
before_v1=$port
take_port
behind=$port # muxd, behind it

# The answer has the client and the address it had connected to, as HAProxy
# sees them, and the identifier that a PROXY header carries.
cat >"$dir/haproxy.cfg" <<END
defaults
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  unique-id-format id-%cp
frontend seen
  mode http
  bind 127.0.0.1:$seen accept-proxy
  http-request return status 200 content-type text/plain hdr X-Id "%[fc_pp_unique_id]" lf-string "%[src] %[src_port] %[dst] %[dst_port]\n"
frontend before
  mode tcp
  bind 127.0.0.1:$before
  default_backend muxd
frontend before_v1
  mode tcp
  bind 127.0.0.1:$before_v1
  default_backend muxd_v1
backend muxd
  mode tcp
  source 127.0.0.9
  server muxd 127.0.0.1:$behind send-proxy-v2 proxy-v2-options crc32c,unique-id check inter 100ms rise 1
backend muxd_v1
  mode tcp
  source 127.0.0.9
  server muxd 127.0.0.1:$behind send-proxy check inter 100ms rise 1
END

# The addresses that curl's connection has had, as above.
ends='%{local_ip} %{local_port} %{remote_ip} %{remote_port}\n'

fetch()
{
	$limited curl -sSf "$@"
}

# seen_by_haproxy ARGUMENT...: it sees what curl sees.
seen_by_haproxy()
{
	fetch -o "$dir/seen" -w "$ends" "$@" >"$dir/ends" &&
		cmp "$dir/ends" "$dir/seen"
}

# id_arrives: what one HAProxy puts beside the address gets through muxd to
# the other.
id_arrives()
{
	fetch -o /dev/null -D "$dir/head" -w '%{local_port}' \
	    "http://127.0.0.1:$before/" >"$dir/client_port" || return 1
	cat "$dir/head"
	tr -d '\r' <"$dir/head" |
		grep -iqx "x-id: id-$(cat "$dir/client_port")"
}

# both_are_logged: the client that the header names, and who has sent it.
both_are_logged()
{
	fetch -o /dev/null -w 'client=%{local_ip}:%{local_port} ' \
	    --interface 127.0.0.6 "http://127.0.0.1:$before/" >"$dir/client"
	until_true grep "service=in-$way .*$(cat "$dir/client").*peer=127.0.0.9:" \
	    "$dir/muxd.log"
}

# Many requests on one connection, and some on one each.
many()
{
	fetch -o /dev/null "http://127.0.0.1:$1/[1-50]" &&
		fetch -o /dev/null -H 'Connection: close' \
		    "http://127.0.0.1:$1/[1-10]"
}

with_backend()
{
	for way in copy splice; do
		{
			for version in v1 v2; do
				relay "$version" "127.0.0.1:$seen" "$(moving $way)
				    proxy_protocol = \"$version\""
			done
			relay "in-$way" "127.0.0.1:$seen" "$(moving $way)
			    proxy_protocol = \"v2\"" \
			    'accept_proxy = { "127.0.0.9" }' |
			    tcp_at "$behind"
		} >"$dir/services"
		muxd_start

		for version in v1 v2; do
			at=$(muxd_port $version)
			check "$backend, $way, $version: HAProxy sees the client" \
			    seen_by_haproxy --interface 127.0.0.5 \
			    "http://127.0.0.1:$at/"
			[ -z "$ipv6" ] ||
				check "$backend, $way, $version: over IPv6" \
				    seen_by_haproxy \
				    "http://[::1]:$(muxd_port6 $version)/"
			check "$backend, $way, $version: and a UNIX client" \
			    fetch --unix-socket "$dir/$version.sock" \
			    http://localhost/
			check "$backend, $way, $version: many requests" \
			    many "$at"
		done
		check "$backend, $way: HAProxy finds muxd up" \
		    until_true fetch "http://127.0.0.1:$before/" \
		    -o /dev/null "http://127.0.0.1:$before_v1/"
		check "$backend, $way: the client is known behind both" \
		    seen_by_haproxy --interface 127.0.0.5 \
		    "http://127.0.0.1:$before/"
		check "$backend, $way: also from version 1" \
		    seen_by_haproxy --interface 127.0.0.5 \
		    "http://127.0.0.1:$before_v1/"
		check "$backend, $way: what else the header has is passed on" \
		    id_arrives
		check "$backend, $way: the log has both addresses" \
		    both_are_logged
		check "$backend, $way: many requests" many "$before"
		check "$backend, $way: who comes without HAProxy has no header" \
		    seen_by_haproxy "http://127.0.0.1:$behind/"
		muxd_stop
	done
}

start haproxy haproxy -db -f "$dir/haproxy.cfg"
ready haproxy listens "$seen"
for_each_backend with_backend
exit $status
