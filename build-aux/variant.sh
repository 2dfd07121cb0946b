#!/bin/sh
# Make TARGET in a second build, DIR, configured with other flags.
#
#   variant.sh MAKE DIR TARGET [CONFIGURE-ARGUMENT...]
#
# Automake does not let a source tree be built elsewhere while it holds a
# build itself, so DIR/src is a copy, made as "make dist" makes one.  The copy
# keeps the times of its files: a second run compiles what has changed alone.
set -eu

make=$1
dir=$2
target=$3
shift 3

mkdir -p "$dir"
$make --no-print-directory -s distdir distdir="$dir/src" \
    top_distdir="$dir/src" am__skip_mode_fix=1
cd "$dir"
if [ ! -f config.status ] || [ "$(cat arguments)" != "$*" ] ||
    [ -n "$(find src/configure -newer config.status)" ]; then
	echo "$*" >arguments
	src/configure "$@"
fi

# What the sanitizers find in a worker does not reach the exit status of a
# test, so they write reports, and those count too.
rm -rf reports
mkdir -m 1777 reports
reports=$(pwd)/reports
ASAN_OPTIONS="log_path=$reports/asan:${ASAN_OPTIONS-}"
UBSAN_OPTIONS="log_path=$reports/ubsan:print_stacktrace=1:${UBSAN_OPTIONS-}"
export ASAN_OPTIONS UBSAN_OPTIONS

status=0
$make --no-print-directory "$target" || status=$?
exec sh src/build-aux/reports.sh "$status" reports
