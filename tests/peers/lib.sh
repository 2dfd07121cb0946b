# What the tests of the relay with other programs share.  A test reads it in:
#
#     . "${0%/*}/lib.sh"
#
# It makes the folder $dir, and at the end takes it away and ends what start
# and muxd_start have begun.  A test works as root, when all but the tests' own
# clients run as nobody, and as anybody else.
#
#   MUXD            the binary
#   MUXD_WRAPPER    what it runs under, such as valgrind
#   MUXD_BACKEND    the only event backend to test
#   PEERS_SCALE     how many times the usual volume to move; 1
# shellcheck shell=sh disable=SC2034

status=0
pids=
muxd_pid=
workers=2
input=/dev/null
scale=${PEERS_SCALE:-1}

# In front of a client: a relay that hangs fails the test instead of holding it
# up.
limited="timeout --foreground -k 5 $((60 * scale))"
[ -z "${MUXD_WRAPPER:-}" ] || limited='timeout --foreground -k 5 600'

skip()
{
	echo "skipped: $1"
	exit 77
}

# need PROGRAM PACKAGE: both by the names that Debian gives them.
need()
{
	command -v "$1" >/dev/null ||
		skip "$1 is missing; Debian has it in the package $2"
}

clean_up()
{
	# muxd is the first, so that no server waits for its connections.
	for pid in $muxd_pid $pids; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	rm -rf "$dir"
}

# Wait until a command succeeds, for a minute at most.
until_true()
{
	deadline=$(($(date +%s) + 60))
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$deadline" ] || return 1
		sleep 0.02
	done
}

# check WHAT COMMAND...: tell whether it succeeds; if not, what it has said.
check()
{
	what=$1
	shift
	if "$@" >"$dir/out" 2>&1; then
		echo "ok: $what"
	else
		echo "not ok: $what"
		tail -n 50 "$dir/out" | sed 's/^/    /'
		status=1
	fi
}

# says TEXT COMMAND...: whether that and nothing else is what it prints.
says()
{
	expected=$1
	shift
	got=$("$@" 2>&1)
	[ "$got" = "$expected" ] && return
	echo "expected: $expected"
	echo "got: $got"
	return 1
}

# Set $port to one that nobody uses.  Of two tests that run side by side each
# takes its own.
take_port()
{
	while :; do
		port=$next_port
		ipv6=
if grep -qs '^0*1 .* lo$' /proc/net/if_inet6; then
	ipv6='"[::1]:0",'
fi
next_port=$((next_port + 1))
		grep -Fqs "$(printf ':%04X ' "$port")" /proc/net/tcp \
		    /proc/net/tcp6 /proc/net/udp /proc/net/udp6 || break
	done
}

# Make a folder that a server may write to.
make_folder()
{
	mkdir "$1" && [ "$(id -u)" -ne 0 ] || chown nobody "$1"
}

# start NAME COMMAND...: run a server; what it says is in $dir/NAME.log, and
# it reads $input.  Whatever becomes of the test, its servers end.
start()
{
	name=$1
	shift
	# The words of the variable are meant to be split.
	# shellcheck disable=SC2086
	timeout -k 5 1800 $unprivileged "$@" >"$dir/$name.log" 2>&1 \
	    <"$input" &
	started=$!
	pids="$started $pids"
}

# The status of a server that ends by itself, and is the last one started.
ended()
{
	pids=${pids#"$started "}
	wait "$started"
}

# Whether somebody waits for TCP connections at this port.
listens()
{
	grep -Eqs "$(printf ':%04X [0-9A-F]+:0000 0A' "$1")" /proc/net/tcp \
	    /proc/net/tcp6
}

# ready NAME COMMAND...: wait until a server that was started answers this.
ready()
{
	name=$1
	shift
	until_true "$@" && return
	echo "not ok: $name does not start"
	sed 's/^/    /' "$dir/$name.log"
	exit 1
}

# relay NAME SERVER [POOL-OPTIONS [SERVICE-OPTIONS]]: the configuration of a
# service on a TCP port of its own, over IPv6 on another one if there is IPv6,
# and on the socket $dir/NAME.sock, and of its pool with this server.
relay()
{
	cat <<END
pool "$1" {
  server "s" { address = "$2" }
  ${3-}
}
service "$1" {
  listen  = { "127.0.0.1:0", $ipv6 "unix:$dir/$1.sock" }
  handler = "relay"
  pool    = "$1"
  ${4-}
}
END
}

# The same at a port that is known, over TCP, or over TCP and UDP.
tcp_at()
{
	sed "s/127\.0\.0\.1:0/127.0.0.1:$1/"
}
both_at()
{
	sed "s/\"127\.0\.0\.1:0\"/\"127.0.0.1:$1\", \"udp:127.0.0.1:$1\"/"
}

# The options of a pool for a way to move bytes.
moving()
{
	case $1 in
	copy) echo 'splice = "off"' ;;
	splice) echo 'splice = "on"' ;;
	*) echo 'splice = "auto"' ;;
	esac
}

# for_each_backend COMMAND: with $backend set to each that muxd has.
for_each_backend()
{
	echo 'service "e" { listen = { "127.0.0.1:0" } handler = "echo" }' \
	    >"$dir/backend.conf"
	for backend in ${MUXD_BACKEND:-epoll poll select}; do
		if "$MUXD" -t --event-backend "$backend" \
		    -c "$dir/backend.conf" 2>&1 |
		    grep -q 'no event backend'; then
			echo "muxd has no $backend"
		else
			"$1"
		fi
	done
}

# muxd_start: run it with $backend, so many $workers and what $dir/services
# says, until it is ready.
muxd_start()
{
	{
		cat <<END
control = "$dir/control.sock"
user    = "nobody"
workers = $workers
log      { target = "stderr" }
defaults { drain_timeout = "5s" }
END
		cat "$dir/services"
	} >"$dir/muxd.conf"
	# Before muxd runs, or an earlier one's words would be taken for its.
	: >"$dir/muxd.log"
	timeout --foreground -k 30 1800 ${MUXD_WRAPPER:-} "$MUXD" \
	    --event-backend "$backend" -c "$dir/muxd.conf" \
	    2>>"$dir/muxd.log" &
	muxd_pid=$!
	until_true grep -q 'msg=ready' "$dir/muxd.log" && return
	echo 'not ok: muxd does not start'
	cat "$dir/muxd.log"
	exit 1
}

# The TCP port of a service of muxd, and its other one.
muxd_port()
{
	sed -n "s/.* msg=listening service=$1 address=127\.0\.0\.1://p" \
	    "$dir/muxd.log"
}
muxd_port6()
{
	sed -n "s/.* msg=listening service=$1 address=\[::1\]://p" \
	    "$dir/muxd.log"
}

# The log tells of no error, of no end of a worker but the one in order, and
# of no reason for the end of a session but these.
log_is_clean()
{
	awk -v reasons=" $* " -v workers="$workers" '
	function bad() { print; found = 1 }
	/^time=[^ ]* level=(error|critical|alert|emergency) / { bad() }
	/ msg="worker started"/ { started++ }
	/ msg="worker ended"/ { ended++; if (!/ status=0( |$)/) bad() }
	!/^time=/ && /Sanitizer|runtime error:|Invalid (read|write)/ { bad() }
	!/^time=/ && /uninitialised|definitely lost/ { bad() }
	/ msg=summary service=/ {
		sessions = 1
		for (i = NF; i > 0 && $i !~ /(_out|sessions|accepted|service)=/; i--) {
			split($i, field, "=")
			if (!index(reasons, " " field[1] " ")) {
				bad()
				break
			}
		}
	}
	END {
		if (started != workers || ended != workers || !sessions) {
			print "workers started and ended: " started, ended
			found = 1
		}
		exit found
	}' "$dir/muxd.log" && return
	echo 'the log, but for the ends of sessions:'
	grep -v 'msg="session ended"' "$dir/muxd.log"
	return 1
}

# muxd_stop [REASON...]: end it, and look at what it has said; the reasons for
# which sessions may have ended besides the usual ones.
muxd_stop()
{
	kill -TERM "$muxd_pid"
	wait "$muxd_pid"
	check "$backend: muxd ends in order" test $? -eq 0
	muxd_pid=
	check "$backend: its log is clean" log_is_clean client_closed \
	    client_reset server_closed server_reset "$@"
}

need timeout coreutils
unprivileged=
if [ "$(id -u)" -eq 0 ]; then
	need setpriv util-linux
	unprivileged="setpriv --reuid=nobody --regid=$(id -gn nobody)"
	unprivileged="$unprivileged --clear-groups"
fi
ipv6=
if grep -qs '^0*1 .* lo$' /proc/net/if_inet6; then
	ipv6='"[::1]:0",'
fi
next_port=$((10000 + $$ % 1000 * 20))

dir=$(mktemp -d "${TMPDIR:-/tmp}/muxd-peers.XXXXXX") || exit 1
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$dir"
