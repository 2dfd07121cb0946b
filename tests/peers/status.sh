#!/bin/sh
# The status page before programs that nobody here wrote: curl, promtool, a
# Prometheus that scrapes it.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${0%/*}/lib.sh"

need curl curl

take_port
page=$port
take_port
echo=$port

backend=${MUXD_BACKEND:-auto}
cat >"$dir/services" <<END
status { listen = "127.0.0.1:$page" }
service "echo" {
	listen = { "127.0.0.1:$echo", "udp:127.0.0.1:$echo" }
	handler = "echo"
}
service "relay" {
	listen = { "127.0.0.1:0" }
	handler = "relay"
	pool = "web"
}
pool "web" {
	server "a" { address = "127.0.0.1:$echo" }
	check { type = "tcp" }
}
END
if ! "$MUXD" -t -c "$dir/services" >"$dir/out" 2>&1; then
	grep -q 'without libmicrohttpd' "$dir/out" &&
		skip 'this muxd was built without libmicrohttpd'
fi
muxd_start

get()
{
	$limited curl -sS --fail "http://localhost:$page$1"
}

has_json()
{
	[ "$(get "$1" | head -c 1)" = "$2" ]
}

no_other_name()
{
	[ "$($limited curl -sS -o "$dir/other" -w '%{http_code}' \
	    -H 'Host: evil.example' "http://127.0.0.1:$page/")" = 421 ]
}

check 'curl gets the page' get /
check 'curl gets the metrics' get /metrics
check 'curl gets the health' says ok get /healthz
check 'curl gets objects' has_json /api/overview '{'
check 'curl gets arrays' has_json /api/services '['
check 'another name is refused' no_other_name

# It also says what breaks a convention.
promtool_agrees()
{
	get /metrics | $limited promtool check metrics 2>&1
}

if command -v promtool >/dev/null; then
	check 'promtool finds nothing to say' says '' promtool_agrees
else
	echo 'promtool is missing; Debian has it in the package prometheus'
fi

# Whether the query of Prometheus has a result that is this number.
scraped()
{
	$limited curl -sS --fail --data-urlencode "query=$1" \
	    "http://127.0.0.1:$scraper/api/v1/query" |
	    grep -F ",\"$2\"]"
}

if command -v prometheus >/dev/null; then
	take_port
	scraper=$port
	cat >"$dir/prometheus.yml" <<END
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: muxd
    static_configs: [ { targets: [ "localhost:$page" ] } ]
END
	make_folder "$dir/prometheus"
	start prometheus prometheus --config.file="$dir/prometheus.yml" \
	    --storage.tsdb.path="$dir/prometheus" \
	    --web.listen-address="127.0.0.1:$scraper"
	check 'Prometheus scrapes' until_true scraped 'up{job="muxd"}' 1
	check 'Prometheus has the labels' until_true scraped \
	    'muxd_server_up{pool="web",server="a"}' 1
else
	echo 'prometheus is missing; Debian has it in a package of that name'
fi

exit $status
