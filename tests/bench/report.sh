#!/bin/sh
# A page of what was measured: goals, plots, tables, machine, configurations.
# It is one file, index.html, with nothing outside of it.
#
# usage: report.sh FOLDER: rows.csv is there, and goes in; so do machine.txt and
# whatever lies in configurations/.
set -u

[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
folder=$1
here=$(dirname "$0")

escape()
{
	sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'
}

head_of_page()
{
	cat <<-'EOF'
	<!DOCTYPE html>
	<html lang="en">
	<meta charset="utf-8">
	<meta name="viewport" content="width=device-width, initial-scale=1">
	<title>muxd: what was measured</title>
	<style>
	:root { color-scheme: light dark; --line: #8884; --ours: #2460e1;
	  --bad: #c0392b; --good: #2e8b57 }
	@media (prefers-color-scheme: dark) { :root { --ours: #7aa2ff;
	  --bad: #ff7b6b; --good: #6fcf97 } }
	body { font: 16px/1.5 sans-serif; max-width: 72rem; margin: 2rem auto;
	  padding: 0 1rem }
	table { border-collapse: collapse; margin: .5rem 0 1.5rem;
	  display: block; overflow-x: auto }
	th, td { padding: .2rem .8rem .2rem 0; text-align: left;
	  border-bottom: 1px solid var(--line) }
	td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
	tr.ours td { color: var(--ours); font-weight: 600 }
	.ok { color: var(--good) } .MISSED { color: var(--bad); font-weight: 600 }
	figure { display: inline-block; margin: 0 1rem 1rem 0; max-width: 100% }
	figure svg { max-width: 100%; height: auto }
	pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line);
	  font-size: 13px }
	</style>
	<h1>muxd: what was measured</h1>
	<p>Medians, with the lowest and the highest run. All programs had one worker
	or thread on one processor, clients and servers the other one; runs
	alternated. Ratios hold within this run: on another machine, and with other
	work beside it, the numbers are others.</p>
	EOF
}

goals()
{
	echo '<h2>Goals</h2><table><tr><th>goal<th>'
	echo '<th class=n>goal<th class=n>measured<th>'
	escape <"$folder/goals.txt" | awk -F'|' '{
		printf "<tr><td>%s<td>%s<td class=n>%s<td class=n>%s", $1,
		    $2 == "&lt;=" ? "&le;" : "&ge;", $3, $4
		printf "<td class=\"%s\">%s\n", $5, $5
	}'
	echo '</table>'
}

plots()
{
	for plot in echo-cpu http-cpu relay-cpu latency-relay latency-http \
	    echo-rate relay-rate udprelay bulk1 bulk1-cpu bulk16 bulk16-cpu \
	    echo-memory relay-memory loop; do
		[ -s "$folder/$plot.svg" ] || continue
		echo '<figure>'
		# Names inside must not be those of another plot.
		sed -e '/^<?xml/d' -e '/^<!DOCTYPE/d' -e '/^ "http.*dtd">/d' \
		    -e "s/id=\"/&$plot-/g" -e "s/url(#/&$plot-/g" \
		    -e "s/xlink:href='#/&$plot-/g" "$folder/$plot.svg"
		echo '</figure>'
	done
}

# A table for each work and metric, with the ratio to muxd's (the first of
# its ways).
tables()
{
	escape <"$folder/medians.csv" | awk -F, '
	function title(work, metric, unit)
	{
		return work " " metric (unit == 1 ? "" : ", " unit)
	}
	function number(value)
	{
		if (value + 0 == int(value) || value >= 1000)
			return sprintf("%.0f", value)
		return sprintf("%.4g", value)
	}
	function row_of(subject)
	{
		return subject ~ /^muxd/ ? "<tr class=ours>" : "<tr>"
	}
	function ratio(value, to)
	{
		if (to + 0 == 0)
			return ""
		return sprintf("%.2f", value / to)
	}
	NR == 1 { next }
	{
		key = title($2, $4, $5)
		if (!(key in n)) {
			keys[++nkeys] = key
			benchmark[key] = $1
		}
		i = ++n[key]
		who[key, i] = $3
		runs[key, i] = $6
		median[key, i] = $7
		lowest[key, i] = $8
		highest[key, i] = $9
		if ($3 ~ /^muxd/ && !(key in ours))
			ours[key] = $7
	}
	END {
		for (k = 1; k <= nkeys; k++) {
			key = keys[k]
			if (benchmark[key] != last)
				print "<h2>" (last = benchmark[key]) "</h2>"
			print "<h3>" key "</h3><table><tr><th>who" \
			    "<th class=n>median<th class=n>lowest" \
			    "<th class=n>highest<th class=n>runs" \
			    "<th class=n>of muxd&#39;s"
			for (i = 1; i <= n[key]; i++) {
				printf "%s<td>%s<td class=n>%s" \
				    "<td class=n>%s<td class=n>%s" \
				    "<td class=n>%s<td class=n>%s\n",
				    row_of(who[key, i]), who[key, i],
				    number(median[key, i]),
				    number(lowest[key, i]),
				    number(highest[key, i]), runs[key, i],
				    ratio(median[key, i], ours[key])
			}
			print "</table>"
		}
	}'
}

files()
{
	echo '<h2>Machine and versions</h2><pre>'
	escape <"$folder/machine.txt"
	echo '</pre><h2>Configurations</h2>'
	for file in "$folder"/configurations/*; do
		[ -f "$file" ] || continue
		echo "<h3>${file##*/}</h3><pre>"
		escape <"$file"
		echo '</pre>'
	done
}

awk -f "$here/medians.awk" "$folder/rows.csv" >"$folder/medians.csv" &&
	awk -f "$here/goals.awk" "$folder/medians.csv" "$here/goals.tab" \
	    >"$folder/goals.txt" &&
	sh "$here/plots.sh" "$folder/medians.csv" "$folder" || exit 1
{
	head_of_page
	goals
	plots
	tables
	files
} >"$folder/index.html"
