#!/bin/sh
# Start muxd with the demonstration's configuration, after telling what it
# serves and how to try that.
#
#   run-demo.sh MUXD CONFIGURATION
set -eu

muxd=$1
conf=$2
dir=/tmp/muxd-demo

# Started by root, muxd runs as the user that the configuration names, and
# the folder must be that user's.
[ -e "$dir" ] || mkdir -m 0755 "$dir"
if [ -h "$dir" ] || [ ! -d "$dir" ] || [ ! -w "$dir" ]; then
	echo "$dir is not a folder that $(id -un) may write to" >&2
	exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
	user=$(sed -n 's/^user *= *"\([^"]*\)".*/\1/p' "$conf")
	chown "${user:-nobody}" "$dir"
fi

# A build without libmicrohttpd has all but the status page.
if ! why=$("$muxd" -t -c "$conf" 2>&1); then
	case $why in
	*libmicrohttpd*)
		sed '/^# status:/d; /9180/d' "$conf" >"$dir/demo.conf"
		conf=$dir/demo.conf
		;;
	esac
	"$muxd" -t -c "$conf" >/dev/null
fi

# The configuration says how to try each service: the comments before it, and
# what is indented in them.
echo
echo "muxd serves what $conf says; try it in another terminal."
awk '
/^# What it serves/ { on = 1; next }
!on { next }
/^#     / { print "      " substr($0, 7); title = 0; next }
/^# / { print (title ? "" : "\n") "  " substr($0, 3); title = 1; next }
{ title = 0 }' "$conf"
echo
echo 'Ctrl-C drains and ends it; again, it ends at once.'
echo

exec "$muxd" -c "$conf"
