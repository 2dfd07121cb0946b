#!/bin/sh
# Runs inside the container after basic.sh: what is done to muxd while clients
# come and go, and what becomes of its logs.
set -u
. /guest/lib.sh

cat >/etc/muxd.conf <<'EOF'
workers = 2
service "echo" {
  listen  = { "127.0.0.1:7" }
  handler = "echo"
}
service "front" {
  listen  = { "127.0.0.1:81" }
  handler = "relay"
  pool    = "web"
}
service "web" {
  listen  = { "127.0.0.1:80" }
  handler = "http"
  http { body = "200 OK" }
}
pool "web" {
  server "here" { address = "127.0.0.1:80" }
  check { type = "http"  interval = "200ms" }
}
EOF

# drop_in NAME: what stands on standard input goes into the unit.
drop_in()
{
	mkdir -p /etc/systemd/system/muxd.service.d
	cat >"/etc/systemd/system/muxd.service.d/$1.conf"
	systemctl daemon-reload
}

drop_out()
{
	rm -f "/etc/systemd/system/muxd.service.d/$1.conf"
	systemctl daemon-reload
}

monitor()
{
	pgrep -P "$(main_pid)" -f 'muxd: monitor'
}

# There is a monitor, and another one than before.
new_monitor()
{
	now=$(monitor) && [ -n "$now" ] && [ "$now" != "$monitor_before" ]
}

# metric NAME
metric()
{
	muxctl metrics | sed -n "s/^$1 //p"
}

# metric_is_above NAME NUMBER
metric_is_above()
{
	[ "$(metric "$1")" -gt "$2" ]
}

workers_are()
{
	[ "$(workers | wc -l)" -eq "$1" ]
}

# How many clients wait to be accepted on port 7.
queue_is()
{
	awk -v want="$1" '$4 == "0A" && $2 ~ /:0007$/ {
			split($5, queue, ":")
			for (i = 1; i <= length(queue[2]); i++)
				n += (index("0123456789ABCDEF",
				    substr(queue[2], i, 1)) - 1) * \
				    16 ^ (length(queue[2]) - i)
		}
		END { exit n != want }' /proc/net/tcp
}

# journal_field NAME FIELD=VALUE...: of the latest record.
journal_field()
{
	name=$1
	shift
	journalctl --quiet --no-pager -o cat --output-fields="$name" -n 1 \
	    -u muxd "$@"
}

status_has()
{
	systemctl show -P StatusText muxd | grep -q "$1"
}

# ---- clients come and go ----

# It starts more often here than an administrator would have it start.
drop_in often <<'EOF'
[Unit]
StartLimitIntervalSec=0
EOF
check 'a muxd of two workers starts' systemctl start muxd

put_load reload -c 20 -n 20000
round=0
while load_runs && [ "$round" -lt 200 ]; do
	round=$((round + 1))
	check "fault 5: systemctl reload under load, $round" \
	    systemctl reload muxd
done
end_load
check 'fault 5: 20,000 clients, and none has noticed' load_had 20000 0

put_load monitor -c 20 -n 10000
monitor_before=$(monitor)
kill -KILL "$monitor_before"
check 'a killed monitor comes back' until_true new_monitor
end_load
check 'a killed monitor costs no client anything' load_had 10000 0

put_load worker -c 20 -n 10000
remember_workers
kill -KILL "$(workers | head -n 1)"
check 'fault 1: a killed worker comes back under load' until_true new_worker
end_load
check 'fault 1: it costs no more than the clients it had' load_had 9980 20

# ---- restart ----

put_load restart -c 20 -n 20000
round=0
while load_runs && [ "$round" -lt 10 ]; do
	round=$((round + 1))
	restarted=$(main_pid)
	check "systemctl restart under load, $round" systemctl restart muxd
	check "and it is another process" test "$(main_pid)" != "$restarted"
done
end_load
check '20,000 clients, and none was reset by a restart' load_had 20000 0

# Clients that wait in the queues of workers that do not move.
check 'the workers are there' until_true workers_are 2
for pid in $(workers); do
	kill -STOP "$pid"
done
killed=$(main_pid)
put_load queue -c 40 -n 40
check 'fault 2: clients wait' until_true queue_is 40
kill -KILL "$killed"
end_load
check 'fault 15: a killed master resets nobody who waits' load_had 40 0
check 'fault 15: it is another process' test "$(main_pid)" != "$killed"
check 'counters go on' metric_is_above \
    'muxd_accepted_total{service="echo"}' 60000

# ---- a worker that hangs ----

restarts=$(systemctl show -P NRestarts muxd)
put_load hang -c 20 -d 14s
remember_workers
kill -STOP "$(workers | head -n 1)"
check 'fault 4: a worker that hangs is noticed' until_true journal_has \
    '^worker [01] is silent'
check 'fault 4: the status has it' until_true status_has '1 of 2 workers'
check 'fault 4: it is replaced' until_true new_worker
end_load
check 'fault 4: it costs no more than the clients it had' load_had 1000 20
check 'fault 4: the service manager need not care' \
    test "$(systemctl show -P NRestarts muxd)" = "$restarts"

# ---- the watchdog ----

drop_in watchdog <<'EOF'
[Service]
WatchdogSec=2
TimeoutAbortSec=1
RestartSec=100ms
EOF
check 'restart with a watchdog of two seconds' systemctl restart muxd
watched=$(main_pid)
put_load alive -c 5 -r 100/s -d 3s
end_load
check 'a muxd that lives is left alone' test "$(main_pid)" = "$watched"
kill -STOP "$watched"
check 'a master that hangs is killed' until_true test ! -d "/proc/$watched"
check 'the journal says by whom' until_true sh -c \
    'journalctl --quiet --no-pager -o cat -u muxd | grep -qi watchdog'
check 'muxd serves again' until_true echo_answers
drop_out watchdog

# ---- what the sandbox refuses kills, for once ----

drop_in refused <<'EOF'
[Service]
SystemCallFilter=sched_setaffinity
SystemCallErrorNumber=kill
EOF
check 'fault 47: start where a refused call kills' systemctl restart muxd
check 'fault 47: a server is found up' until_true sh -c \
    'muxctl --json show servers | grep -q "\"checked\": *\"up\""'
check 'fault 47: answer' http_answers 81
check 'fault 47: reload' systemctl reload muxd
remember_workers
kill -KILL "$(workers | head -n 1)"
check 'fault 47: respawn' until_true new_worker
monitor_before=$(monitor)
kill -KILL "$monitor_before"
check 'fault 47: respawn of the monitor' until_true new_monitor
check 'fault 47: answer after it' http_answers 81
check 'fault 47: stop' systemctl stop muxd
check 'fault 47: nobody was killed for a call' sh -c \
    '! journalctl --no-pager -u muxd | grep -i "SIGSYS\|bad system call"'
drop_out refused

# ---- sockets that the service manager has bound ----

cat >/etc/systemd/system/muxd-web.socket <<'EOF'
[Socket]
Service=muxd.service
FileDescriptorName=web
ListenStream=127.0.0.1:80
EOF
systemctl daemon-reload
check 'socket activation: the socket' systemctl start muxd-web.socket
check 'socket activation: the first client starts muxd' http_answers 80
check 'socket activation: it is up' until_true is_active
check 'socket activation: what nobody has bound for it' echo_answers
check 'socket activation: restart' systemctl restart muxd
check 'socket activation: answer after it' http_answers 80
check 'socket activation: reload' systemctl reload muxd
check 'socket activation: answer after that' http_answers 80
systemctl stop muxd
check 'socket activation: and the first client again' http_answers 80
systemctl stop muxd-web.socket muxd
sed -i 's/=web/=wob/' /etc/systemd/system/muxd-web.socket
systemctl daemon-reload
systemctl start muxd-web.socket
check 'fault 16: a name that is no service does not start' \
    sh -c '! systemctl start muxd'
check 'fault 16: the journal has the name and the address' until_true \
    sh -c 'journalctl -q --no-pager -o cat -u muxd | grep "wob" |
	grep -q "127.0.0.1:80"'
systemctl stop muxd-web.socket
rm /etc/systemd/system/muxd-web.socket
systemctl daemon-reload
systemctl reset-failed muxd

# ---- logs ----

check 'start for the logs' systemctl start muxd
check 'a relayed session' http_answers 81
check 'journal: it is found by its service, server and reason' until_true \
    journal_has '^session ended' SERVICE=front SERVER=web/here \
    REASON=client_closed
check 'journal: by its number' journal_has '^session ended.* service=front' \
    "SESSION=$(journal_field SESSION SERVICE=front)"
check 'journal: by its client' journal_has '^session ended.* service=front' \
    "CLIENT=$(journal_field CLIENT SERVICE=front)"
check 'journal: not by another reason' \
    sh -c '! journalctl -q --no-pager -u muxd REASON=none_such | grep .'

journald=$(pgrep -x systemd-journal)
kill -STOP "$journald"
put_load journal -c 20 -n 10000
end_load
lost=$(metric muxd_log_lost_total)
kill -CONT "$journald"
check 'a journal that stands still holds nobody up' load_had 10000 0
check 'what it did not take was counted' test "$lost" -gt 0
check 'and is told when it goes on' until_true journal_has \
    '^log records lost count=[1-9]'

mkdir -p /var/log/muxd
mount -t tmpfs -o size=64k tmpfs /var/log/muxd
chown muxd:muxd /var/log/muxd
cat >>/etc/muxd.conf <<'EOF'
log { target = "file:/var/log/muxd/log"  format = "json" }
EOF
check 'restart with a log in a file' systemctl restart muxd
dd if=/dev/zero of=/var/log/muxd/fill bs=1k count=64 2>/dev/null
lost=$(metric muxd_log_lost_total)
put_load disk -c 20 -n 10000
end_load
check 'a full disk holds nobody up' load_had 10000 0
check 'what did not fit was counted' until_true \
    metric_is_above muxd_log_lost_total "$((lost + 9000))"
rm /var/log/muxd/fill
check 'and is told when there is room' until_true \
    grep -q '"msg":"log records lost","count":[1-9]' /var/log/muxd/log
check 'stop' systemctl stop muxd
# A line can have been cut by the end of the disk.
check 'each line is JSON' awk '
	/^{"time":".*}$/ { whole++; next }
	{ broken++ }
	END { print whole, broken; exit !(whole > 2 && broken <= 1) }' \
    /var/log/muxd/log
umount /var/log/muxd

check 'journal: nothing of a refused system call, in all this' \
    sh -c '! journalctl --no-pager -b | grep -i seccomp'
echo 'the end'
