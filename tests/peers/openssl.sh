#!/bin/sh
# TLS through the relay, between s_client and s_server of OpenSSL: lines both
# ways, much either way, and ends that no side takes for a truncation.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${0%/*}/lib.sh"

need openssl openssl

mkdir "$dir/tls" && cd "$dir/tls" || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -days 1 -subj /CN=relay.test -addext subjectAltName=DNS:relay.test \
    -keyout key.pem -out cert.pem >"$dir/out" 2>&1 || {
	echo 'not ok: a certificate is made'
	cat "$dir/out"
	exit 1
}
chmod 644 key.pem

# A file that neither side takes for commands.
openssl rand -hex $((8000000 * scale)) >large

# A server without input would end.
mkfifo hold
exec 9<>hold
input=hold

# tls_server NAME ARGUMENT...: one more s_server, at $port.
tls_server()
{
	name=$1
	shift
	take_port
	start "$name" openssl s_server -accept "127.0.0.1:$port" \
	    -cert cert.pem -key key.pem "$@"
	ready "$name" listens "$port"
}

# tls_client PORT ARGUMENT...: connect, check the certificate, and exchange
# standard input for standard output.
tls_client()
{
	at=$1
	shift
	$limited openssl s_client -connect "127.0.0.1:$at" \
	    -servername relay.test -verify_hostname relay.test \
	    -CAfile cert.pem -verify_return_error -quiet "$@" 2>errors
	failed=$?
	if [ "$failed" -ne 0 ] || grep -Eiq 'error|alert|unexpected' errors
	then
		cat errors >&2
		return 1
	fi
}

# A conversation with a server that turns each line; CLOSE makes it end.
lines()
{
	printf 'one of them\nand another\nCLOSE\n' | tls_client "$1" >turned &&
		says 'meht fo eno
rehtona dna' cat turned
}

download()
{
	printf 'GET /large HTTP/1.0\r\n\r\n' | tls_client "$1" >got &&
		tail -c "$(wc -c <large)" got | cmp - large
}

# upload PORT: the server takes one connection, and writes what comes.
upload()
{
	tls_client "$1" -no_ign_eof <large &&
		ended && cmp "$dir/upload.log" large
}

with_backend()
{
	take_port
	upload_port=$port
	for way in copy splice auto; do
		relay "lines-$way" "127.0.0.1:$lines_port" "$(moving $way)"
		relay "files-$way" "127.0.0.1:$files_port" "$(moving $way)"
		relay "upload-$way" "127.0.0.1:$upload_port" "$(moving $way)"
	done >"$dir/services"
	muxd_start
	for way in copy splice auto; do
		check "$backend, $way: lines both ways" \
		    lines "$(muxd_port "lines-$way")"
		check "$backend, $way: a large file from the server" \
		    download "$(muxd_port "files-$way")"
		start upload openssl s_server -quiet -naccept 1 \
		    -accept "127.0.0.1:$upload_port" -cert cert.pem -key key.pem
		ready upload listens "$upload_port"
		check "$backend, $way: a large file to the server" \
		    upload "$(muxd_port "upload-$way")"
	done
	muxd_stop
}

tls_server lines -rev
lines_port=$port
tls_server files -WWW
files_port=$port
for_each_backend with_backend
exit $status
