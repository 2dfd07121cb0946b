#!/bin/sh
# PostgreSQL behind the relay: the transactions of eight pgbench clients, and
# tables that go in and come out as a whole, over TCP and over the UNIX socket
# on either side.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${0%/*}/lib.sh"

# Debian keeps the programs of each version where PATH does not lead.
for bin in /usr/lib/postgresql/*/bin; do
	PATH=$bin:$PATH
done
need initdb postgresql
need postgres postgresql
need psql postgresql
need pgbench postgresql

PGUSER=muxd
PGDATABASE=postgres
PGCONNECT_TIMEOUT=60
export PGUSER PGDATABASE PGCONNECT_TIMEOUT

make_folder "$dir/postgresql"
take_port
server_port=$port
# The words of the variable are meant to be split.
# shellcheck disable=SC2086
(cd "$dir/postgresql" && $unprivileged initdb -D data -U muxd -A trust -N \
    -E UTF8 --no-locale) >"$dir/out" 2>&1 || {
	echo 'not ok: initdb'
	cat "$dir/out"
	exit 1
}
start postgres postgres -D "$dir/postgresql/data" -F -h 127.0.0.1 \
    -p "$server_port" -k "$dir/postgresql" -c shared_buffers=32MB
ready postgres pg_isready -q -h 127.0.0.1 -p "$server_port"

# transactions HOST PORT: those of eight clients, all of them.
transactions()
{
	count=$((20 * scale))
	$limited pgbench -h "$1" -p "$2" -n -c 8 -j 2 -t "$count" \
	    >"$dir/pgbench" 2>&1
	failed=$?
	cat "$dir/pgbench"
	[ "$failed" -eq 0 ] &&
		grep -q "processed: $((8 * count))/$((8 * count))$" \
		    "$dir/pgbench"
}

# table HOST PORT: one goes in, and comes out as it was.
table()
{
	$limited psql -q -h "$1" -p "$2" -v ON_ERROR_STOP=1 \
	    -c 'create temporary table t (n int, text text)' \
	    -c '\copy t from pstdin' -c '\copy t to pstdout' \
	    <"$dir/table" >"$dir/table.out" && cmp "$dir/table" "$dir/table.out"
}

with_backend()
{
	tcp=127.0.0.1:$server_port
	unix=unix:$dir/postgresql/.s.PGSQL.$server_port
	for way in copy splice; do
		relay "tcp-$way" "$tcp" "$(moving $way)"
		relay "unix-$way" "$unix" "$(moving $way)"
	done >"$dir/services"
	muxd_start

	for way in copy splice; do
		check "$backend, $way: transactions over TCP" \
		    transactions 127.0.0.1 "$(muxd_port "tcp-$way")"
		check "$backend, $way: transactions over UNIX sockets" \
		    transactions "$dir/unix-$way" 5432
		check "$backend, $way: a table over TCP" \
		    table 127.0.0.1 "$(muxd_port "tcp-$way")"
		check "$backend, $way: a table over UNIX sockets" \
		    table "$dir/unix-$way" 5432
	done
	check "$backend: transactions from TCP to UNIX" \
	    transactions 127.0.0.1 "$(muxd_port unix-copy)"
	check "$backend: transactions from UNIX to TCP" \
	    transactions "$dir/tcp-splice" 5432
	muxd_stop
}

check 'pgbench makes its tables' \
    $limited pgbench -q -i -h 127.0.0.1 -p "$server_port"
awk 'BEGIN {
	for (n = 0; n < 60000; n++)
		printf "%d\tthis is row number %d of the table\n", n, n
}' >"$dir/table"
# A client finds a UNIX socket by its folder and a port.
for service in tcp-copy tcp-splice unix-copy unix-splice; do
	mkdir "$dir/$service"
	ln -s "../$service.sock" "$dir/$service/.s.PGSQL.5432"
done
for_each_backend with_backend
exit $status
