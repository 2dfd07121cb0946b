#!/bin/sh
# fault 53: the binary is position-independent, its relocations are read-only
# from the start, and its stack is not executable.
set -u

if [ "${MUXD_HARDENED:-yes}" != yes ]; then
	echo 'configured with --disable-hardening or --enable-sanitizers'
	exit 77
fi
if ! command -v readelf >/dev/null; then
	echo 'readelf is missing'
	exit 77
fi

status=0

# expect WHAT PATTERN READELF-OPTION
expect()
{
	if readelf -W "$3" "$MUXD" | grep -Eq "$2"; then
		echo "ok: $1"
	else
		echo "not found: $1"
		status=1
	fi
}

expect 'position-independent executable' 'Type:[[:space:]]+DYN' -h
expect 'an interpreter: a program, not a library' 'INTERP' -l
expect 'read-only relocations' 'GNU_RELRO' -l
expect 'all relocations at start' 'BIND_NOW|FLAGS.*NOW' -d
expect 'a stack segment of its own flags' 'GNU_STACK' -l
expect 'a stack that is not executable' 'GNU_STACK.*RW[[:space:]]' -l
expect 'stack protector' '__stack_chk_fail' -s
expect 'checked string functions' '_chk@' -s

exit $status
