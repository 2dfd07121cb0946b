#!/bin/sh
# The script for FreeBSD's rc(8) does what it says, with a stand-in for rc.subr
# that has what is used of it: muxd starts, says so, reloads, refuses, stops.
set -u

[ -z "${MUXD_WRAPPER:-}" ] || { echo 'skipped: muxd is started bare'; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'stop_all; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

stop_all()
{
	# Only what the lock of this test names.
	[ ! -s "$dir/run/control.sock.lock" ] ||
	    kill -KILL "$(cat "$dir/run/control.sock.lock")" 2>/dev/null
}

# rc.subr(8): variables, *_precmd, *_cmd, and the defaults for start, stop and
# status by pidfile.
cat >"$dir/rc.subr" <<'END'
load_rc_config() { muxd_enable=YES; muxd_config=$TEST_CONF; }
rc_pid() {
	[ -s "$pidfile" ] && _pid=$(cat "$pidfile") && kill -0 "$_pid" 2>/dev/null
}
wait_for_pids() {
	_n=0
	while kill -0 "$1" 2>/dev/null && [ "$_n" -lt 300 ]; do
		_n=$((_n + 1)); sleep 0.1
	done
}
run_rc_command() {
	eval "_cmd=\${$1_cmd:-} _precmd=\${$1_precmd:-}"
	[ -r "$required_files" ] || return 1
	[ -z "$_precmd" ] || $_precmd || return 1
	if [ -n "$_cmd" ]; then
		case " $extra_commands " in *" $1 "*) ;; *) return 1 ;; esac
		$_cmd
		return
	fi
	case $1 in
	start) ! rc_pid || return 1; $command ${muxd_flags:-} $command_args ;;
	stop) rc_pid || return 1; kill -TERM "$_pid"; wait_for_pids "$_pid" ;;
	status) rc_pid ;;
	*) return 1 ;;
	esac
}
END

# The script as configure would leave it, for the binaries of this build.
sed -e "s|@sbindir[@]|$dir|g" -e "s|@sysconfdir[@]|$dir|g" \
    -e "s|/etc/rc.subr|$dir/rc.subr|" \
    "$MUXD_SRCDIR/rc.d/muxd.in" >"$dir/rc" || exit 99
sh -n "$dir/rc" || exit 1
ln -s "$MUXD" "$dir/muxd" && ln -s "$MUXCTL" "$dir/muxctl" || exit 99

TEST_CONF=$dir/muxd.conf
export TEST_CONF
write_conf()
{
	cat >"$TEST_CONF" <<END
control = "$dir/run/control.sock"
user = "$(if [ "$(id -u)" -eq 0 ]; then echo nobody; else id -un; fi)"
workers = 1
log { target = "file:/dev/null" }
service "echo" { listen = { "unix:$dir/run/echo" } handler = "echo" }
$1
END
}

failed=0
# check WHAT STATUS COMMAND: what "service muxd COMMAND" exits with.
check()
{
	sh "$dir/rc" "$3" >"$dir/out" 2>&1
	status=$?
	[ "$status" -eq 0 ] || status=1
	if [ "$status" -eq "$2" ]; then
		echo "ok: $1"
	else
		echo "not ok: $1"
		sed 's/^/    /' "$dir/out"
		failed=1
	fi
}

for word in 'PROVIDE: muxd' 'REQUIRE:' 'KEYWORD: shutdown'; do
	grep -q "^# $word" "$dir/rc" || { echo "not ok: $word"; failed=1; }
done

chmod 755 "$dir"
write_conf ''
check 'nothing runs yet' 1 status
check 'configtest' 0 configtest
check 'start' 0 start
check 'it runs' 0 status
check 'a second one does not start' 1 start
check 'reload' 0 reload
check 'upgrade' 0 upgrade
check 'what is there then runs' 0 status
write_conf 'nonsense'
check 'configtest of nonsense fails' 1 configtest
# The file does not say any more where the control socket is.
muxd_control=$dir/run/control.sock
export muxd_control
check 'reload of nonsense fails' 1 reload
grep -q "$TEST_CONF" "$dir/out" || { echo 'not ok: the place'; failed=1; }
check 'it runs all the same' 0 status
check 'an unknown command fails' 1 fly
check 'stop' 0 stop
check 'it does not run any more' 1 status
check 'start of nonsense fails' 1 start
exit "$failed"
