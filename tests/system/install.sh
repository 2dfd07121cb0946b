#!/bin/sh
# "make install" never overwrites the administrator's configuration, and
# "make uninstall" removes it only while nobody has changed it.
set -u

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$MUXD_BUILDDIR" || exit 99

fail()
{
	echo "not so: $*"
	exit 1
}

# The make that runs this test has its own ideas, of jobs and variables.
run_make()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$MAKE" -s "$@" \
	    DESTDIR="$dir" prefix=/usr sysconfdir=/etc ||
	    fail "make $* succeeds"
}

run_make install
conf=$dir/etc/muxd.conf
[ -x "$dir/usr/sbin/muxd" ] || fail 'the binary is in sbin'
[ -x "$dir/usr/sbin/muxctl" ] || fail 'muxctl is in sbin'
[ -s "$dir/usr/share/bash-completion/completions/muxctl" ] ||
    fail 'bash completes for muxctl'
cmp -s "$MUXD_SRCDIR/conf/muxd.conf" "$conf" || fail 'the sample is installed'
"$dir/usr/sbin/muxd" -t -c "$conf" || fail 'the installed sample is valid'

echo '# mine' >>"$conf"
cp "$conf" "$dir/mine"
run_make install
cmp -s "$conf" "$dir/mine" || fail 'a reinstall keeps a changed file'
run_make uninstall
cmp -s "$conf" "$dir/mine" || fail 'uninstall keeps a changed file'

rm -f "$conf" "$dir/mine"
run_make install
run_make uninstall
left=$(find "$dir" ! -type d)
[ -z "$left" ] || fail "uninstall leaves nothing behind: $left"
