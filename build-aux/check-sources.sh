#!/bin/sh
# A source that no list names would be built and tested by nobody.  The lists
# name a file, or the program whose only source it is.
#
#   check-sources.sh SRCDIR
set -eu
cd "$1"

status=0
for file in $(find daemon tests -name '*.[ch]' -o -path 'tests/*.sh' | sort)
do
	if ! grep -Eq "(^|[[:space:]])(${file%.c}|$file)([[:space:]]|\$)" \
	    daemon/sources.am tests/tests.am; then
		echo "$file: neither in daemon/sources.am nor in" \
		    "tests/tests.am" >&2
		status=1
	fi
done
exit $status
