#!/bin/sh
# Run clang-tidy, with the files last, as xargs gives them.
#
#   tidy.sh CLANG-TIDY COMPILER-FLAG... -- FILE...
set -u

tidy=$1
shift
set -- "$@" --
while [ "$1" != -- ]; do
	flag=$1
	shift
	set -- "$@" "$flag"
done
shift
exec "$tidy" --quiet --warnings-as-errors='*' "$@" 2>/dev/null
