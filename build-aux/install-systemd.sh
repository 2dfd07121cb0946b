#!/bin/sh
# After "make install" into the running system: make the user that the unit
# names, and let systemd see the unit.
#
#   install-systemd.sh SYSUSERS-FILE
set -eu

[ "$(id -u)" -eq 0 ] || exit 0
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers "$1"
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
