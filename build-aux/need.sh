#!/bin/sh
# Say which tool a target of make misses, and fail.
#
#   need.sh PATH-OR-no NAME
if [ "$1" = no ]; then
	echo "$2 is missing: ./bootstrap --dev installs it" >&2
	exit 1
fi
