# The programs that are compared, and the servers behind them: how each is
# configured, started and found.  Sourced after common.sh, with muxd set to the
# program, bin to the folder of the small ones, and dir to a new folder.
#
# A subject is a program, or a program and a way of it: haproxy-splice.  What
# it is asked to do is a work:
#
#   echo       sends back what comes             http       a fixed answer
#   relay      stands before an echo             bulk       before iperf3
#   udpecho    echo, in datagrams                udprelay   before a UDP echo
#
# All run on one processor with one worker or thread; the servers behind them
# run on another one, as the clients do.  Ports 17700 to 17799 of 127.0.0.1 are
# theirs.
# shellcheck shell=sh
# shellcheck disable=SC2013,SC2034,SC2154

echo_port=${ports}00
iperf_port=${ports}01
udp_port=${ports}02
stream_module=/usr/lib/nginx/modules/ngx_stream_module.so
proxyd=/lib/systemd/systemd-socket-proxyd

# Where the subject does that work: port WORK SUBJECT.
port()
{
	case $1 in
	echo) tens=1 ;;
	http) tens=2 ;;
	relay) tens=3 ;;
	bulk)
		case $2 in
		muxd-splice | haproxy-copy | nginx-256k) tens=5 ;;
		muxd-copy) tens=6 ;;
		*) tens=4 ;;
		esac
		;;
	udpecho) tens=7 ;;
	udprelay) tens=8 ;;
	esac
	case ${2%%-*} in
	floor) ones=0 ;;
	muxd) ones=1 ;;
	haproxy) ones=2 ;;
	nginx) ones=3 ;;
	xinetd) ones=4 ;;
	proxyd) ones=5 ;;
	socat) ones=6 ;;
	esac
	echo "$ports$tens$ones"
}

# Who can do that work, of those that were found; $found has the programs.
subjects_of()
{
	case $1 in
	echo) can='floor muxd xinetd socat' ;;
	http) can='floor muxd haproxy nginx' ;;
	relay) can='floor muxd haproxy nginx xinetd proxyd socat' ;;
	bulk) can="muxd-auto muxd-splice muxd-copy haproxy-splice haproxy-copy
		nginx-16k nginx-256k proxyd" ;;
	udpecho) can='floor muxd xinetd socat' ;;
	udprelay) can='floor muxd nginx' ;;
	esac
	for subject in $can; do
		case " $found " in
		*" ${subject%%-*} "*) echo "$subject" ;;
		esac
	done
}

# "yes" for those that make a process for each client.
forks()
{
	case $1 in
	xinetd | socat) echo yes ;;
	esac
}

# The processes of a subject, and the one that does the work.
processes_of()
{
	for root in $(cat "$dir/${1%%-*}.pids"); do
		descendants "$root"
	done
}

worker_of()
{
	cat "$dir/${1%%-*}.worker"
}

missing()
{
	echo "left out: $1 is not here (Debian package $2)"
}

find_program()
{
	if command -v "$2" >/dev/null; then
		found="$found $1"
	else
		missing "$1" "$3"
	fi
}

# Which programs there are.  Say what is left out, and what would bring it.
find_subjects()
{
	found='floor'
	[ "$muxd" = - ] || found="$found muxd"
	find_program haproxy haproxy haproxy
	if [ -e "$stream_module" ]; then
		find_program nginx nginx nginx
	else
		missing nginx 'nginx and libnginx-mod-stream'
	fi
	find_program xinetd xinetd xinetd
	find_program proxyd "$proxyd" systemd
	find_program socat socat socat
}

# ---- configurations -----------------------------------------------------------

muxd_service()
{
	cat <<-EOF
	service "$1" {
	  listen = { "$2" }
	  handler = "$3"
	  ${4:-}
	}
	EOF
}

muxd_pool()
{
	cat <<-EOF
	pool "$1" {
	  ${3:-}
	  server "a" { address = "127.0.0.1:$2" }
	}
	EOF
}

# All as it is by default, with the access log.  What one source may send in
# datagrams has no limit here, since the others know none.
# muxd_head NAME WORKERS
muxd_head()
{
	cat <<-EOF
	control = "$dir/$1.sock"
	user = "nobody"
	workers = $2
	log { target = "file:$dir/log/$1.log" }
	defaults { drain_timeout = "1s" }
	EOF
}

configure_muxd()
{
	{
		muxd_head muxd 1
		muxd_pool echo "$echo_port"
		muxd_pool datagrams "$udp_port" 'udp { idle_timeout = "30s" }'
		muxd_service echo "127.0.0.1:$(port echo muxd)" echo
		muxd_service http "127.0.0.1:$(port http muxd)" http \
		    'http { body = "hello, world" }'
		muxd_service relay "127.0.0.1:$(port relay muxd)" relay \
		    'pool = "echo"'
		for way in auto splice copy; do
			case $way in
			auto) splice=auto ;;
			splice) splice=on ;;
			copy) splice=off ;;
			esac
			muxd_pool "$way" "$iperf_port" "splice = \"$splice\""
			muxd_service "$way" \
			    "127.0.0.1:$(port bulk "muxd-$way")" relay \
			    "pool = \"$way\""
		done
		muxd_service udpecho "udp:127.0.0.1:$(port udpecho muxd)" echo \
		    'limit { source_datagram_rate = "0" }'
		muxd_service udprelay "udp:127.0.0.1:$(port udprelay muxd)" \
		    relay 'pool = "datagrams"'
	} >"$dir/muxd.conf"
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
	  maxconn 9000
	  maxpipes 100
	  tune.pipesize 1048576
	  stats socket $dir/haproxy.sock
	defaults
	  mode tcp
	  timeout connect 5s
	  timeout client 10m
	  timeout server 10m
	frontend http
	  mode http
	  bind 127.0.0.1:$(port http haproxy) backlog 4096
	  http-request return status 200 content-type text/plain string "hello, world"
	listen relay
	  bind 127.0.0.1:$(port relay haproxy) backlog 4096
	  server a 127.0.0.1:$echo_port
	listen splice
	  bind 127.0.0.1:$(port bulk haproxy-splice)
	  option splice-auto
	  option splice-request
	  option splice-response
	  server a 127.0.0.1:$iperf_port
	listen copy
	  bind 127.0.0.1:$(port bulk haproxy-copy)
	  server a 127.0.0.1:$iperf_port
	EOF
}

# Without an access log, which is its default for streams.
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
	http {
	  access_log off;
	  keepalive_requests 1000000000;
	  server {
	    listen 127.0.0.1:$(port http nginx) backlog=4096;
	    default_type text/plain;
	    return 200 "hello, world";
	  }
	}
	stream {
	  access_log off;
	  server {
	    listen 127.0.0.1:$(port relay nginx) backlog=4096;
	    proxy_pass 127.0.0.1:$echo_port;
	  }
	  server {
	    listen 127.0.0.1:$(port udprelay nginx) udp;
	    proxy_pass 127.0.0.1:$udp_port;
	    proxy_timeout 30s;
	  }
	  server {
	    listen 127.0.0.1:$(port bulk nginx-16k);
	    proxy_pass 127.0.0.1:$iperf_port;
	  }
	  server {
	    listen 127.0.0.1:$(port bulk nginx-256k);
	    proxy_pass 127.0.0.1:$iperf_port;
	    proxy_buffer_size 256k;
	  }
	}
	EOF
}

xinetd_service()
{
	cat <<-EOF
	service $1
	{
	  id = $2
	  type = $3
	  bind = 127.0.0.1
	  port = $4
	  socket_type = $5
	  protocol = $6
	  wait = $7
	  user = $(id -un)
	  ${8:-}
	}
	EOF
}

# Its own echo, and its redirect.  For each client it has a process.
configure_xinetd()
{
	{
		cat <<-EOF
		defaults
		{
		  instances = UNLIMITED
		  per_source = UNLIMITED
		  cps = 100000 1
		}
		EOF
		xinetd_service echo echo 'INTERNAL UNLISTED' \
		    "$(port echo xinetd)" stream tcp no
		xinetd_service echo udpecho 'INTERNAL UNLISTED' \
		    "$(port udpecho xinetd)" dgram udp yes
		xinetd_service relay relay UNLISTED \
		    "$(port relay xinetd)" stream tcp no \
		    "redirect = 127.0.0.1 $echo_port"
	} >"$dir/xinetd.conf"
}

configure_proxyd() { :; }
configure_socat() { :; }
configure_floor() { :; }

# ---- starting -------------------------------------------------------------------

# Start a program on a CPU; its process is $started.
start()
{
	cpu=$1
	shift
	taskset -c "$cpu" "$@" >>"$dir/messages" 2>&1 </dev/null &
	started=$!
	pids="$pids $started"
}

start_servers()
{
	start "$client_cpu" "$bin/floor_echo" "$echo_port"
	await floor_echo "$echo_port" "$started"
	start "$client_cpu" "$bin/floor_udp_echo" "$udp_port"
	if command -v iperf3 >/dev/null; then
		start "$client_cpu" iperf3 -s -p "$iperf_port"
	fi
}

# start_socat and the like start one process for each work, or one in all; the
# processes are in $all.
start_floor()
{
	start "$server_cpu" "$bin/floor_echo" "$(port echo floor)"
	all="$all $started"
	start "$server_cpu" "$bin/floor_echo" "$(port http floor)" "$(printf \
	    'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello, world')"
	all="$all $started"
	start "$server_cpu" "$bin/floor_udp_echo" "$(port udpecho floor)"
	all="$all $started"
	start "$server_cpu" "$bin/floor_udp_relay" "$(port udprelay floor)" "$udp_port"
	all="$all $started"
	start "$server_cpu" "$bin/floor_relay" "$(port relay floor)" "$echo_port"
}

start_muxd()
{
	start "$server_cpu" "$muxd" -c "$dir/muxd.conf"
}

start_haproxy()
{
	start "$server_cpu" haproxy -W -db -f "$dir/haproxy.cfg"
}

start_nginx()
{
	start "$server_cpu" nginx -e stderr -c "$dir/nginx.conf"
}

start_xinetd()
{
	start "$server_cpu" xinetd -dontfork -f "$dir/xinetd.conf" \
	    -filelog "$dir/messages" -pidfile "$dir/xinetd.pid"
}

start_proxyd()
{
	start "$server_cpu" systemd-socket-activate -l "127.0.0.1:$(port bulk proxyd)" \
	    "$proxyd" --connections-max=9000 "127.0.0.1:$iperf_port"
	all="$all $started"
	start "$server_cpu" systemd-socket-activate -l "127.0.0.1:$(port relay proxyd)" \
	    "$proxyd" --connections-max=9000 "127.0.0.1:$echo_port"
}

start_socat()
{
	listen='bind=127.0.0.1,reuseaddr,fork,backlog=4096,max-children=1000'
	start "$server_cpu" socat "TCP-LISTEN:$(port echo socat),$listen" PIPE
	all="$all $started"
	start "$server_cpu" socat "UDP-RECVFROM:$(port udpecho socat),bind=127.0.0.1,fork" \
	    PIPE
	all="$all $started"
	start "$server_cpu" socat "TCP-LISTEN:$(port relay socat),$listen" \
	    "TCP:127.0.0.1:$echo_port"
}

# Start a program and wait until it serves.
start_program()
{
	all=
	"configure_$1"
	"start_$1"
	all="$all $started"
	echo "$all" >"$dir/$1.pids"
	await "$1" "$(port relay "$1")" "$started"
	case $1 in
	muxd) pgrep -P "$started" -f 'muxd: worker' ;;
	haproxy | nginx) pgrep -P "$started" ;;
	*) echo "$started" ;;
	esac >"$dir/$1.worker"
}
