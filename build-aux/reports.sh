#!/bin/sh
# End with STATUS, or with 1 if a tool left a report in the folder DIR, whose
# text is shown.
#
#   reports.sh STATUS DIR
set -u

status=$1
dir=$2

find "$dir" -type f -size 0 -exec rm -f {} +
for report in "$dir"/*; do
	[ -f "$report" ] || continue
	echo "==== $report" >&2
	cat "$report" >&2
	[ "$status" -ne 0 ] || status=1
done
exit "$status"
