#!/bin/sh
# What the parts of the guest share; sourced by them.

check()
{
	what=$1
	shift
	if "$@" >/guest.out 2>&1; then
		echo "ok: $what"
	else
		echo "not ok: $what"
		sed 's/^/    /' /guest.out
	fi
}

# Wait until a command succeeds, for 20 seconds at most.
until_true()
{
	n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		[ "$n" -lt 200 ] || return 1
		sleep 0.1
	done
}

echo_answers()
{
	[ "$(echo hello | nc -N -w 5 127.0.0.1 7)" = hello ]
}

# http_answers PORT
http_answers()
{
	[ "$(curl -sS -m 5 "http://127.0.0.1:$1/")" = '200 OK' ]
}

main_pid()
{
	systemctl show -P MainPID muxd
}

workers()
{
	pgrep -P "$(main_pid)" -f 'muxd: worker'
}

# Of every worker: not root, no capability, no way to get one.
workers_are_powerless()
{
	for pid in $(workers); do
		grep -Eq '^CapEff:[[:space:]]*0+$' "/proc/$pid/status" &&
		    grep -Eq '^CapPrm:[[:space:]]*0+$' "/proc/$pid/status" &&
		    grep -Eq '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status" &&
		    [ "$(stat -c %U "/proc/$pid")" = muxd ] || return 1
	done
	[ -n "$(workers)" ]
}

nothing_is_root()
{
	! ps -o user= -p "$(main_pid)" --ppid "$(main_pid)" | grep -qv muxd
}

# journal_has PATTERN FIELD=VALUE...: a line of muxd's with these fields.
journal_has()
{
	pattern=$1
	shift
	journalctl --quiet --no-pager -o cat -u muxd "$@" | grep -q "$pattern"
}

# A muxd that serves, as the service manager sees it.
is_active()
{
	[ "$(systemctl show -P ActiveState muxd)" = active ]
}

remember_workers()
{
	workers_before=$(workers | sort | tr '\n' ' ')
	worker_count=$(echo "$workers_before" | wc -w)
}

# As many workers as there were, and not the same.
new_worker()
{
	now=$(workers | sort | tr '\n' ' ')
	[ "$(echo "$now" | wc -w)" -eq "$worker_count" ] &&
	    [ "$now" != "$workers_before" ]
}

# put_load NAME OPTIONS...: clients that connect, send, receive and close, one
# after another, in the background; end_load waits for their end.
put_load()
{
	load=/load.$1
	shift
	/muxload -q -k --keys --timeout 30s -s 127.0.0.1-127.0.0.8 "$@" \
	    127.0.0.1:7 >"$load" 2>"$load.err" &
	load_pid=$!
}

load_runs()
{
	kill -0 "$load_pid" 2>/dev/null
}

end_load()
{
	wait "$load_pid"
}

load_key()
{
	tr ' ' '\n' <"$load" | sed -n "/^$1\$/{n;p;}"
}

# load_had LEAST MOST: so many requests at least, and of these so many failed
# at most.
load_had()
{
	cat "$load" "$load.err"
	[ "$(load_key requests)" -ge "$1" ] && [ "$(load_key errors)" -le "$2" ]
}
