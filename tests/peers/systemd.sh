#!/bin/sh
# muxd under a real systemd: installed into a container that boots on an
# overlay of this machine's root file system, then started, asked, hurt,
# restarted and stopped there.  Needs root, systemd-nspawn and overlayfs.
#
# The guest's parts are tests/peers/systemd_guest_*.sh; they write a line "ok"
# or "not ok" for each thing they looked at.
set -u

skip()
{
	echo "skipped: $1"
	exit 77
}

[ "$(id -u)" -eq 0 ] || skip 'needs root'
[ -z "${MUXD_WRAPPER:-}" ] || skip 'the service manager starts muxd bare'
[ "${MUXD_HARDENED:-yes}" = yes ] ||
	skip 'sanitizers do not work below MemoryDenyWriteExecute'
for tool in systemd-nspawn systemd-analyze systemctl systemd-sysusers mount \
    curl nc ip pgrep ps runuser; do
	command -v "$tool" >/dev/null || skip "$tool is missing"
done

base=$(mktemp -d /var/tmp/muxd-systemd.XXXXXX) || exit 1
root=$base/root

clean_up()
{
	umount "$root" 2>/dev/null
	umount "$base/layers" 2>/dev/null
	rm -rf "$base"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# The upper layer must lie on a file system of its own where / is an overlay
# already.
mkdir "$base/layers" "$root" || exit 1
mount -t tmpfs -o size=256m tmpfs "$base/layers" || skip 'cannot mount tmpfs'
mkdir "$base/layers/upper" "$base/layers/work" || exit 1
mount -t overlay -o "lowerdir=/,upperdir=$base/layers/upper,workdir=$base/layers/work" \
    overlay "$root" || skip 'cannot mount an overlay of /'

# What would not matter or not work in there; muxd of this machine, if any.
for unit in systemd-networkd systemd-resolved systemd-timesyncd \
    systemd-udevd systemd-logind getty@ console-getty cron ssh \
    xinetd nginx haproxy redis-server postgresql apache2 e2scrub_reap docker \
    containerd; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit.service"
done
rm -f "$root/etc/muxd.conf" "$root"/etc/systemd/system/*.wants/muxd.service
rm -rf "$root/var/log/journal"
: >"$root/etc/machine-id"

"$MAKE" -C "$MUXD_BUILDDIR" -s install DESTDIR="$root" >"$base/install.log" \
    2>&1 || { cat "$base/install.log"; exit 1; }
[ -e "$root/usr/sbin/muxd" ] && [ -e "$root/etc/muxd.conf" ] ||
	skip 'configured for another prefix than /usr'
systemd-sysusers --root="$root" >/dev/null || exit 1

mkdir "$root/guest" || exit 1
for part in lib basic load; do
	cp "$MUXD_SRCDIR/tests/peers/systemd_guest_$part.sh" \
	    "$root/guest/$part.sh" || exit 1
done
cp "$MUXD_BUILDDIR/tests/bench/muxload" "$root/muxload" || exit 1
# The load leaves more records than the journal takes from one service.
mkdir -p "$root/etc/systemd/journald.conf.d" || exit 1
cat >"$root/etc/systemd/journald.conf.d/guest.conf" <<'EOF' || exit 1
[Journal]
RateLimitIntervalSec=0
EOF
cat >"$root/etc/systemd/system/guest.service" <<'EOF' || exit 1
[Unit]
Description=The guest's part of the test
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/sh /guest/basic.sh
ExecStart=/bin/sh /guest/load.sh
ExecStopPost=/bin/systemctl --no-block --force poweroff
StandardOutput=append:/guest.log
StandardError=inherit
TimeoutStartSec=200
EOF
cat >"$root/etc/systemd/system/guest.target" <<'EOF' || exit 1
[Unit]
Wants=guest.service
After=guest.service
EOF
ln -sf /etc/systemd/system/guest.target \
    "$root/etc/systemd/system/default.target"

timeout -k 10 260 systemd-nspawn --quiet -D "$root" --boot --register=no \
    --keep-unit --private-network --console=pipe \
    >"$base/console.log" 2>&1 </dev/null
echo "the container has ended with status $?"

cat "$root/guest.log" 2>/dev/null
if ! grep -q '^the end$' "$root/guest.log" 2>/dev/null; then
	echo 'the guest did not get to its end'
	tail -n 50 "$base/console.log"
	exit 1
fi
! grep -q '^not ok' "$root/guest.log"
