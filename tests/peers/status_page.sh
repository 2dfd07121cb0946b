#!/bin/sh
# The status page in a browser, Chromium without a window: what its script has
# made of the answers, on a wide screen and on that of a phone.
#
#   SCREENSHOTS=FOLDER  where to leave pictures of it
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${0%/*}/lib.sh"

browser=
for name in chromium chromium-browser google-chrome; do
	[ -n "$browser" ] || ! command -v "$name" >/dev/null || browser=$name
done
[ -n "$browser" ] || skip 'chromium is missing; Debian has it in the package chromium'
need nc netcat-openbsd
need curl curl

take_port
page=$port
take_port
echo=$port

backend=${MUXD_BACKEND:-auto}
cat >"$dir/services" <<END
status { listen = "127.0.0.1:$page" }
limits { connections = 500 }
include("$dir/<b>x.conf")
service "relay" {
	listen = { "127.0.0.1:0" }
	handler = "relay"
	pool = "web"
}
pool "web" {
	server "good" { address = "127.0.0.1:$echo" max_connections = 9 }
	server "gone" { address = "127.0.0.1:1" backup = true }
	check { type = "tcp" interval = "100ms" fall = 1 }
}
END
# The page shows where a limit is set.
cat >"$dir/<b>x.conf" <<END
service "echo" {
	listen = { "127.0.0.1:$echo" }
	handler = "echo"
	limit { connections = 2 when_full = "refuse" }
}
END
if ! "$MUXD" -t -c "$dir/services" >"$dir/out" 2>&1; then
	grep -q 'without libmicrohttpd' "$dir/out" &&
		skip 'this muxd was built without libmicrohttpd'
fi
muxd_start

# Two sessions fill the service, and one is refused.
mkfifo "$dir/input"
for client in 1 2; do
	nc 127.0.0.1 "$echo" <"$dir/input" >"$dir/reply.$client" 2>&1 &
	pids="$! $pids"
done
exec 3>"$dir/input"

has_both()
{
	curl -sS "http://127.0.0.1:$page/metrics" |
	    grep -F 'muxd_service_connections{service="echo"} 2'
}

# Enough of the past for a line.
has_history()
{
	curl -sS "http://127.0.0.1:$page/api/history" |
	    grep -E '"ages_ms": *\[[0-9]+, *[0-9]'
}

# browse ARGUMENT...: run the browser on the page.
browse()
{
	rm -rf "$dir/profile"
	$limited "$browser" --headless --no-sandbox --disable-gpu \
	    --disable-quic --no-first-run --disable-background-networking \
	    --disable-component-update --disable-sync --hide-scrollbars \
	    --user-data-dir="$dir/profile" --virtual-time-budget=5000 \
	    "$@" "http://127.0.0.1:$page/" 2>"$dir/browser.log"
}

# Whether the page as the script has made it has the text.
shows()
{
	grep -qF -e "$1" "$dir/dom" && return
	echo "there is no $1 in:"
	sed 's/<style.*//' "$dir/dom" | tail -c 4000
	return 1
}

no_element()
{
	! grep -q '<b>x.conf' "$dir/dom"
}

until_true has_both || echo 'the sessions do not come'
refused()
{
	echo x | $limited nc -N 127.0.0.1 "$echo" >"$dir/refused" 2>&1
	[ ! -s "$dir/refused" ] || ! grep -q x "$dir/refused"
}
check 'a third client is refused' refused
until_true has_history || echo 'there is no history'
check 'the browser loads the page' browse --dump-dom
cp "$dir/out" "$dir/dom"
check 'it is live' shows '>live<'
check 'it tells the state' shows 'serving, with warnings'
check 'it warns of the server' shows 'pool "web": 1 of 2 servers cannot be used'
check 'it has the service' shows '>echo<'
check 'what is strange is text' shows '/&lt;b&gt;x.conf:1<'
check 'it makes no element of it' no_element
check 'it has the limit that is full' shows '2 of 2'
check 'it has the server that is up' shows '127.0.0.1:'"$echo"
check 'it has the server that is down' shows 'state bad">down<'
check 'it has both workers' shows '>process '
check 'it has the close' shows 'service full'
check 'it draws lines' shows '<path class="line" d="M'

for view in wide,1200,1700 phone,400,2400; do
	check "it makes a picture: $view" browse \
	    --window-size="${view#*,}" --screenshot="$dir/${view%%,*}.png"
	check 'there is one' test -s "$dir/${view%%,*}.png"
	[ -z "${SCREENSHOTS-}" ] || cp "$dir/${view%%,*}.png" "$SCREENSHOTS"
done
exec 3>&-
exit $status
