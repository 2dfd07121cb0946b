#!/bin/sh
# Runs inside the container, as root, below systemd: see systemd.sh.
set -u
. /guest/lib.sh

# Told by the status of systemctl, not by a time-out.
reload_fails()
{
	timeout 20 systemctl reload muxd
	[ $? = 1 ]
}

ip link set lo up
cat >/etc/muxd.conf <<'EOF'
service "echo" {
  listen  = { "*:7", "udp:*:7" }
  handler = "echo"
}
service "web" {
  listen  = { "0.0.0.0:80" }
  handler = "http"
  http { body = "200 OK" }
}
service "front" {
  listen  = { "127.0.0.1:81" }
  handler = "relay"
  pool    = "web"
}
pool "web" {
  server "here"    { address = "localhost:80" }
  server "nowhere" { address = "nowhere.invalid:80" }
}
EOF

check 'systemctl start' systemctl start muxd
check 'systemctl is-active' systemctl is-active muxd
check 'status tells what it does' \
    sh -c 'systemctl show -P StatusText muxd | grep -q "serving 3 services"'
check 'echo answers on port 7' echo_answers
check 'http answers on port 80' http_answers 80
check 'a server is found by its name' http_answers 81
check 'journal: a name that nobody knows' until_true journal_has \
    'not resolved.*name=nowhere.invalid'
check 'no process is root' nothing_is_root
check 'fault 47: workers have no capability' workers_are_powerless
check 'journal: a line for the start' until_true journal_has '^ready '
check 'journal: fields of a session' until_true journal_has \
    '^session ended' SERVICE=echo REASON=client_closed
check 'journal: nothing of a refused system call' \
    sh -c '! journalctl --no-pager -b | grep -i seccomp'

check 'a second instance is refused' \
    sh -c '! timeout 20 runuser -u muxd -- /usr/sbin/muxd'
check 'it hurts nobody' echo_answers

remember_workers
kill -KILL "$(workers | head -n 1)"
check 'fault 47: a killed worker comes back' until_true new_worker
check 'echo answers after it' echo_answers
check 'fault 47: the new one has no capability either' workers_are_powerless
check 'journal: a line for the death' until_true journal_has \
    '^worker ended.*signal=Killed'

before=$(main_pid)
cp /etc/muxd.conf /etc/muxd.conf.good
cat >>/etc/muxd.conf <<'EOF'
service "more" {
  listen  = { "127.0.0.1:9" }
  handler = "http"
  http { body = "200 OK" }
}
EOF
check 'systemctl reload' systemctl reload muxd
check 'fault 47: a new port below 1024 is served' until_true http_answers 9
check 'status tells what it does now' until_true \
    sh -c 'systemctl show -P StatusText muxd | grep -q "serving 4 services"'
check 'journal: a line for the reload' until_true journal_has '^reloaded '
echo 'nonsense {' >>/etc/muxd.conf
check 'fault 8: systemctl reload returns, and fails, when it is refused' \
    reload_fails
check 'fault 8: the status says so' until_true \
    sh -c 'systemctl show -P StatusText muxd | grep -q refused'
check 'fault 17: it is active again' until_true is_active
check 'the journal says where it is wrong, and why' until_true journal_has \
    'configuration .*nonsense'
check 'all is served as before' http_answers 9
cp /etc/muxd.conf.good /etc/muxd.conf
check 'systemctl reload, back' systemctl reload muxd
check 'the port is closed' until_true sh -c '! nc -z -w 1 127.0.0.1 9'
check 'fault 5: the processes are the same' test "$(main_pid)" = "$before"

# One that says hello again and again, over one connection; what comes back is
# counted.
(while [ ! -e /talk.over ]; do echo hello; sleep 0.1; done) |
    nc -N 127.0.0.1 7 >/talk.answers &
until_true test -s /talk.answers
check 'muxctl upgrade' muxctl upgrade
after=$(main_pid)
check 'another process is the main one' test "$after" != "$before"
check 'the process before goes on' test -d "/proc/$before"
check 'echo answers after the upgrade' echo_answers
check 'fault 47: a port below 1024 is served' http_answers 80
check 'no process of the new one is root' nothing_is_root
check 'fault 47: its workers have no capability' workers_are_powerless
check 'it tells its status' until_true \
    sh -c 'systemctl show -P StatusText muxd | grep -q "serving 3 services"'
said=$(wc -l </talk.answers)
check 'the session before goes on' \
    until_true sh -c "[ \$(wc -l </talk.answers) -gt $said ]"
touch /talk.over
check 'the process before ends with it' until_true test ! -d "/proc/$before"
check 'it is active, and the same' test "$(main_pid)" = "$after"
check 'systemctl reload after the upgrade' systemctl reload muxd
cp /usr/sbin/muxd /usr/sbin/muxd.good
rm /usr/sbin/muxd
printf '#!/bin/sh\necho "out of order" >&2\nexit 1\n' >/usr/sbin/muxd
chmod 755 /usr/sbin/muxd
check 'an upgrade that fails says why' \
    sh -c 'muxctl upgrade 2>&1 | grep -q "out of order"'
mv /usr/sbin/muxd.good /usr/sbin/muxd
check 'nothing has changed by it' test "$(main_pid)" = "$after"
check 'echo answers after it as well' echo_answers
before=$after

check 'systemctl restart' systemctl restart muxd
check 'it is another process' test "$(main_pid)" != "$before"
check 'echo answers after the restart' echo_answers

kill -KILL "$(main_pid)"
check 'fault 15, in part: a killed master comes back' \
    until_true sh -c 'echo hello | nc -N -w 1 127.0.0.1 7 | grep -q hello'

check 'systemctl stop' systemctl stop muxd
check 'it is inactive, not failed' \
    sh -c '[ "$(systemctl show -P ActiveState muxd)" = inactive ]'
check 'journal: a line for the stop' until_true journal_has '^stopped'
check 'journal: the summary of a service' until_true journal_has \
    '^summary.*requests=3' SERVICE=web
check 'nothing is left' sh -c '! pgrep -u muxd'

echo 'service "x" { listen = { "127.0.0.1:9" } handlr = "echo" }' \
    >/etc/muxd.conf
check 'a wrong configuration does not start' sh -c '! systemctl start muxd'
check 'the journal says where it is wrong' until_true sh -c \
    'journalctl --no-pager -u muxd | grep -q "/etc/muxd.conf:1: .*handlr"'

check 'the unit is exposed little (systemd-analyze, at most 1.5)' sh -c '
	systemd-analyze security --no-pager muxd |
	    sed -n "s/.*level for muxd.service: \([0-9.]*\).*/\1/p" |
	    awk "{ print; exit !(\$1 <= 1.5) }"'
systemd-analyze security --no-pager muxd | tail -n 1
