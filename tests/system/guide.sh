#!/bin/sh
# Every configuration that the guide shows is one: each block behind the mark
# .\" muxd.conf passes muxd -t, and without a warning.  And no block that looks
# like one is without the mark.
set -u

guide=$MUXD_SRCDIR/man/muxd-guide.7
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# Blocks become files, with the manual's \e undone.
awk -v dir="$dir" '
	/^\.\\" muxd\.conf$/ { marked = 1; next }
	/^\.Bd -literal/ {
		file = dir "/" (marked ? "marked." : "other.") ++n
		marked = 0
		next
	}
	/^\.Ed$/ { if (file != "") close(file); file = ""; next }
	file != "" { gsub(/\\e/, "\\"); print >file }
' "$guide" || exit 1

failed=0
n=0
for file in "$dir"/marked.*; do
	n=$((n + 1))
	# What is served there has nothing to do with what this machine has.
	if ! ${MUXD_WRAPPER:-} "$MUXD" -t -c "$file" >"$dir/out" 2>&1 ||
	    grep -i warning "$dir/out"; then
		echo "not ok: an example of the guide is not valid:"
		cat "$file" "$dir/out"
		failed=1
	fi
	if ! grep -q '^service "' "$file"; then
		echo "not ok: an example without a service:"
		cat "$file"
		failed=1
	fi
done
if grep -l '^service "' "$dir"/other.*; then
	echo 'not ok: these blocks are not marked'
	failed=1
fi
if [ "$n" -lt 7 ]; then
	echo "not ok: only $n examples were found"
	failed=1
fi
[ "$failed" -eq 0 ] && echo "ok: $n examples"
exit "$failed"
