#!/bin/sh
# fault 47: the shipped units are well-formed, and the exposure of the service
# is 1.5 or less by the measure of systemd-analyze(1).
set -u

if ! command -v systemd-analyze >/dev/null; then
	echo 'systemd-analyze is missing'
	exit 77
fi
if ! systemd-analyze security --help | grep -q -e --offline; then
	echo 'systemd-analyze cannot look at a unit that is not installed'
	exit 77
fi

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

# The unit names programs that need not be installed here.
sed "s|^ExecStart=.*|ExecStart=$MUXD|
    s|^ExecReload=[^ ]*|ExecReload=$MUXD_BUILDDIR/muxctl|" \
    "$MUXD_BUILDDIR/systemd/muxd.service" >"$dir/muxd.service" || exit 99

cp "$MUXD_SRCDIR/systemd/muxd.socket" "$dir/muxd.socket" || exit 99

status=0
systemd-analyze verify --man=no "$dir/muxd.service" "$dir/muxd.socket" ||
    status=1
systemd-analyze security --offline=true --threshold=15 --no-pager \
    "$dir/muxd.service" >"$dir/report" 2>&1 || status=1
tail -n 1 "$dir/report"
exit $status
