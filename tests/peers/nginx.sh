#!/bin/sh
# nginx on either side of the relay: it learns from muxd, and muxd from it, who
# the client is, by the PROXY protocol; large files go either way.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${0%/*}/lib.sh"

need nginx nginx
need curl curl

take_port
seen=$port # nginx tells which client it sees, and keeps files
take_port
before=$port # nginx before muxd
take_port
behind=$port # muxd, behind it

# Debian has nginx in parts.
module=/usr/lib/nginx/modules/ngx_stream_module.so
stream=
[ ! -e "$module" ] || stream="load_module $module;"

make_folder "$dir/nginx"
cat >"$dir/nginx.conf" <<END
$stream
daemon off;
worker_processes 1;
pid $dir/nginx/pid;
events { }
http {
	access_log off;
	client_body_temp_path $dir/nginx/body;
	proxy_temp_path $dir/nginx/proxy;
	fastcgi_temp_path $dir/nginx/fastcgi;
	uwsgi_temp_path $dir/nginx/uwsgi;
	scgi_temp_path $dir/nginx/scgi;
	sendfile on;
	server {
		listen 127.0.0.1:$seen proxy_protocol;
		location / {
			return 200 "\$proxy_protocol_addr \$proxy_protocol_port \$proxy_protocol_server_addr \$proxy_protocol_server_port\\n";
		}
		location /files/ {
			alias $dir/nginx/;
			dav_methods PUT;
			client_max_body_size 0;
		}
	}
}
END
[ -z "$stream" ] || cat >>"$dir/nginx.conf" <<END
stream {
	server {
		listen 127.0.0.1:$before;
		proxy_pass 127.0.0.1:$behind;
		proxy_bind 127.0.0.9;
		proxy_protocol on;
	}
}
END

# The addresses that curl's connection has had, as above.
ends='%{local_ip} %{local_port} %{remote_ip} %{remote_port}\n'

fetch()
{
	$limited curl -sSf "$@"
}

# seen_by_nginx ARGUMENT...: it sees what curl sees.
seen_by_nginx()
{
	fetch -o "$dir/seen" -w "$ends" "$@" >"$dir/ends" &&
		cmp "$dir/ends" "$dir/seen"
}

# transfer PORT: a file goes there, and another one comes back.
transfer()
{
	url=http://127.0.0.1:$1/files
	fetch -o /dev/null -T "$dir/large" "$url/$1" &&
		cmp "$dir/large" "$dir/nginx/$1" &&
		fetch "$url/$1" | cmp - "$dir/large"
	same=$?
	rm -f "$dir/nginx/$1"
	return $same
}

with_backend()
{
	for way in copy splice auto; do
		for version in v1 v2; do
			relay "$version-$way" "127.0.0.1:$seen" \
			    "$(moving $way) proxy_protocol = \"$version\""
		done
		relay "in-$way" "127.0.0.1:$seen" \
		    "$(moving $way) proxy_protocol = \"v2\"" \
		    'accept_proxy = { "127.0.0.9" }' >"$dir/in-$way"
	done >"$dir/services"
	tcp_at "$behind" <"$dir/in-splice" >>"$dir/services"
	muxd_start

	for way in copy splice auto; do
		for version in v1 v2; do
			service=$version-$way
			check "$backend, $way, $version: nginx sees the client" \
			    seen_by_nginx --interface 127.0.0.5 \
			    "http://127.0.0.1:$(muxd_port "$service")/"
			[ -z "$ipv6" ] ||
				check "$backend, $way, $version: over IPv6" \
				    seen_by_nginx \
				    "http://[::1]:$(muxd_port6 "$service")/"
			check "$backend, $way, $version: no address" \
			    says '   ' fetch --unix-socket \
			    "$dir/$service.sock" http://localhost/
			check "$backend, $way, $version: files both ways" \
			    transfer "$(muxd_port "$service")"
		done
	done
	if [ -n "$stream" ]; then
		check "$backend: the client is known behind both" \
		    seen_by_nginx --interface 127.0.0.5 \
		    "http://127.0.0.1:$before/"
		check "$backend: files both ways" transfer "$before"
	else
		echo 'nginx is not tried before muxd:' \
		    'Debian has its part for that in libnginx-mod-stream'
	fi
	muxd_stop
}

head -c $((20000000 * scale)) /dev/urandom >"$dir/large"
start nginx nginx -e stderr -p "$dir/nginx" -c "$dir/nginx.conf"
ready nginx listens "$seen"
for_each_backend with_backend
exit $status
