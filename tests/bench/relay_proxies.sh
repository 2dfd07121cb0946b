# The proxies that relay.sh compares, and the servers behind them: how each is
# configured, started and found.  Sourced after common.sh, with muxd set to
# the program, or to "-".
#
# A name is that of a proxy, or of one and a way of it: haproxy-splice.  All
# that are started run on CPU 0, each with one worker or thread; the servers
# run on CPU 1, as the clients do.
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154

echo_port=17701
iperf_port=17702
udp_port=17703
all_ports="$echo_port $iperf_port $udp_port"
stream_module=/usr/lib/nginx/modules/ngx_stream_module.so

# Where the proxy of that name listens.
port()
{
	case $1 in
	floor) echo 17710 ;;
	floor_udp) echo 17711 ;;
	muxd) echo 17720 ;;
	muxd-auto) echo 17721 ;;
	muxd-splice) echo 17722 ;;
	muxd-copy) echo 17723 ;;
	haproxy) echo 17730 ;;
	haproxy-splice) echo 17731 ;;
	haproxy-copy) echo 17732 ;;
	nginx) echo 17740 ;;
	nginx-16k) echo 17741 ;;
	nginx-256k) echo 17742 ;;
	esac
}

for name in floor floor_udp muxd muxd-auto muxd-splice muxd-copy haproxy \
    haproxy-splice haproxy-copy nginx nginx-16k nginx-256k; do
	all_ports="$all_ports $(port "$name")"
done

# The processes of the proxy of that name, and the one that does the work.
processes_of()
{
	cat "$dir/${1%%-*}.pids"
}

worker_of()
{
	cat "$dir/${1%%-*}.worker"
}

missing()
{
	echo "$1 is left out: $2 is missing (Debian package $3)"
}

# Which proxies there are.  Say what is left out, and what would bring it.
find_proxies()
{
	peers=
	if command -v haproxy >/dev/null; then
		peers="$peers haproxy"
	else
		missing haproxy haproxy haproxy
	fi
	if ! command -v nginx >/dev/null; then
		missing nginx nginx 'nginx and libnginx-mod-stream'
	elif [ ! -e "$stream_module" ]; then
		missing nginx "$stream_module" libnginx-mod-stream
	else
		peers="$peers nginx"
	fi
	proxies="muxd $peers"
	[ "$muxd" != - ] || proxies=$peers
}

# Start a program on a CPU; its process is $started.
start()
{
	cpu=$1
	shift
	taskset -c "$cpu" "$@" >>"$dir/messages" 2>&1 &
	started=$!
	pids="$pids $started"
}

start_servers()
{
	start 1 "$bin/floor_echo" "$echo_port"
	await floor_echo "$echo_port" "$started"
	start 1 "$bin/floor_udp_echo" "$udp_port"
	if command -v iperf3 >/dev/null; then
		start 1 iperf3 -s -p "$iperf_port"
	fi
}

# muxd's access log stays on, as it is by default.  What one source may send
# in datagrams has no limit here, since the peers know none.
configure_muxd()
{
	cat >"$dir/muxd.conf" <<-EOF
	control = "$dir/control.sock"
	user = "nobody"
	workers = 1
	log { target = "file:$dir/log/muxd.log" }
	defaults { drain_timeout = "1s" }
	pool "echo" { server "a" { address = "127.0.0.1:$echo_port" } }
	pool "datagrams" {
	  udp { idle_timeout = "30s" }
	  server "a" { address = "127.0.0.1:$udp_port" }
	}
	pool "auto" {
	  splice = "auto"
	  server "a" { address = "127.0.0.1:$iperf_port" }
	}
	pool "splice" {
	  splice = "on"
	  server "a" { address = "127.0.0.1:$iperf_port" }
	}
	pool "copy" {
	  splice = "off"
	  server "a" { address = "127.0.0.1:$iperf_port" }
	}
	service "relay" {
	  listen = { "127.0.0.1:$(port muxd)" }
	  handler = "relay"
	  pool = "echo"
	}
	service "datagrams" {
	  listen = { "udp:127.0.0.1:$(port muxd)" }
	  handler = "relay"
	  pool = "datagrams"
	}
	service "auto" {
	  listen = { "127.0.0.1:$(port muxd-auto)" }
	  handler = "relay"
	  pool = "auto"
	}
	service "splice" {
	  listen = { "127.0.0.1:$(port muxd-splice)" }
	  handler = "relay"
	  pool = "splice"
	}
	service "copy" {
	  listen = { "127.0.0.1:$(port muxd-copy)" }
	  handler = "relay"
	  pool = "copy"
	}
	EOF
	mkdir -p "$dir/log"
	chmod 755 "$dir"
	chmod 777 "$dir/log"
}

# splice-auto of HAProxy 2.6 copies nearly all of what iperf3 sends, and a pipe
# of the default size halves what splicing gains; so it is told to splice, and
# has larger pipes.
configure_haproxy()
{
	cat >"$dir/haproxy.cfg" <<-EOF
	global
	  nbthread 1
	  maxconn 6000
	  maxpipes 100
	  tune.pipesize 1048576
	defaults
	  mode tcp
	  timeout connect 5s
	  timeout client 10m
	  timeout server 10m
	listen relay
	  bind 127.0.0.1:$(port haproxy) backlog 4096
	  server a 127.0.0.1:$echo_port
	listen splice
	  bind 127.0.0.1:$(port haproxy-splice)
	  option splice-auto
	  option splice-request
	  option splice-response
	  server a 127.0.0.1:$iperf_port
	listen copy
	  bind 127.0.0.1:$(port haproxy-copy)
	  server a 127.0.0.1:$iperf_port
	EOF
}

# Without an access log, which is nginx's default for streams.
configure_nginx()
{
	cat >"$dir/nginx.conf" <<-EOF
	load_module $stream_module;
	daemon off;
	worker_processes 1;
	error_log stderr error;
	pid $dir/nginx.pid;
	events {
	  use epoll;
	  multi_accept on;
	  worker_connections 12000;
	}
	stream {
	  access_log off;
	  server {
	    listen 127.0.0.1:$(port nginx) backlog=4096;
	    proxy_pass 127.0.0.1:$echo_port;
	  }
	  server {
	    listen 127.0.0.1:$(port nginx) udp;
	    proxy_pass 127.0.0.1:$udp_port;
	    proxy_timeout 30s;
	  }
	  server {
	    listen 127.0.0.1:$(port nginx-16k);
	    proxy_pass 127.0.0.1:$iperf_port;
	  }
	  server {
	    listen 127.0.0.1:$(port nginx-256k);
	    proxy_pass 127.0.0.1:$iperf_port;
	    proxy_buffer_size 256k;
	  }
	}
	EOF
}

# Start what has been configured and wait until it relays.
start_proxy()
{
	case $1 in
	floor) start 0 "$bin/floor_relay" "$(port floor)" "$echo_port" ;;
	floor_udp)
		start 0 "$bin/floor_udp_relay" "$(port floor_udp)" "$udp_port"
		;;
	muxd) start 0 "$muxd" -c "$dir/muxd.conf" ;;
	haproxy) start 0 haproxy -db -f "$dir/haproxy.cfg" ;;
	nginx) start 0 nginx -e stderr -c "$dir/nginx.conf" ;;
	esac
	[ "$1" = floor_udp ] || await "$1" "$(port "$1")" "$started"
	echo "$started" "$(pgrep -P "$started" | tr '\n' ' ')" \
	    >"$dir/$1.pids"
	case $1 in
	muxd) pgrep -P "$started" -f 'muxd: worker' ;;
	nginx) pgrep -P "$started" ;;
	*) echo "$started" ;;
	esac >"$dir/$1.worker"
}
