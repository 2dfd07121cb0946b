#!/bin/sh
# The plots of a report, as SVG, of the medians that medians.awk makes.
#
# usage: plots.sh MEDIANS FOLDER; without gnuplot it says so and makes none.
set -u

[ $# -eq 2 ] || { echo "usage: $0 MEDIANS FOLDER" >&2; exit 2; }
medians=$1
folder=$2
if ! command -v gnuplot >/dev/null; then
	echo 'no plots: gnuplot is not here (Debian package gnuplot-nox)'
	exit 0
fi

# What all plots begin with.  The greys can be read on white and on black.
style()
{
	cat <<-EOF
	set terminal svg size $2,$3 font "sans-serif,13"
	set output "$folder/$1.svg"
	set border 3 linecolor rgb "#808890"
	set tics nomirror textcolor rgb "#808890"
	set grid ytics linecolor rgb "#808890" linewidth 0.3
	set title textcolor rgb "#808890"
	set ylabel textcolor rgb "#808890"
	set xlabel textcolor rgb "#808890"
	set key textcolor rgb "#808890"
	EOF
}

# Subjects whose bar would be so many times as high as muxd's: the others could
# not be told apart beside it.  beyond METRIC WORK TIMES
beyond()
{
	awk -F, -v metric="$1" -v work="$2" -v times="$3" '
	$2 == work && $4 == metric {
		value[$3] = $7
		if ($3 ~ /^muxd/ && !ours)
			ours = $7
	}
	END {
		for (subject in value)
			if (ours && value[subject] >= times * ours)
				print subject
	}' "$medians" | sort
}

# bars NAME METRIC BY TITLE WORK [TIMES]: a bar for each subject, with the range
# of its runs; values are divided by BY.  muxd's are blue.
bars()
{
	omitted=$(beyond "$2" "$5" "${6:-8}" | paste -s -d ' ' -)
	awk -F, -v metric="$2" -v by="$3" -v work="$5" -v omitted="$omitted" '
	$2 == work && $4 == metric && index(" " omitted " ", " " $3 " ") == 0 {
		colour = $3 ~ /^muxd/ ? 2384097 : 10134706
		print "\"" $3 "\"", $7 / by, $8 / by, $9 / by, colour
	}' "$medians" >"$folder/$1.dat"
	[ -s "$folder/$1.dat" ] || return 0
	title=$4
	[ -z "$omitted" ] || title="$title (too high to show: $omitted)"
	n=$(wc -l <"$folder/$1.dat")
	{
		style "$1" $((n < 5 ? 600 : 180 + n * 84)) 300
		cat <<-EOF
		set title "$title"
		set style fill solid
		set boxwidth 0.6
		set yrange [0:*]
		set xrange [-0.6:$n-0.4]
		unset key
		plot "$folder/$1.dat" using 0:2:5:xtic(1) with boxes \
		    linecolor rgb variable, \
		    "" using 0:3:(0):(\$4-\$3) with vectors nohead \
		    linecolor rgb "#505860"
		EOF
	} | gnuplot
}

# The latency of a work at each load, a line for each subject and percentile.
latency()
{
	plot=
	for subject in muxd haproxy nginx; do
		case $subject in
		muxd) colour='#2460e1' ;;
		haproxy) colour='#d0722a' ;;
		nginx) colour='#3a9a5c' ;;
		esac
		for percentile in p50 p99 p999; do
			file=$folder/latency-$1.$subject.$percentile.dat
			awk -F, -v work="$1" -v subject="$subject" \
			    -v percentile="$percentile" '
			$2 == work && $3 == subject &&
			    $4 ~ "^latency[0-9]+[.]" percentile "$" {
				load = $4
				gsub(/^latency|[.].*/, "", load)
				print load, $7
			}' "$medians" >"$file"
			[ -s "$file" ] || continue
			case $percentile in
			p50) dash=1 ;;
			p99) dash=2 ;;
			p999) dash=3 ;;
			esac
			plot="$plot \"$file\" using 1:2 with linespoints
			    dashtype $dash pointtype 7 pointsize 0.5
			    linecolor rgb \"$colour\"
			    title \"$subject ${percentile%999}\","
			plot=$(echo "$plot" | sed 's/ p"/ p99.9"/')
		done
	done
	[ -n "$plot" ] || return 0
	{
		style "latency-$1" 720 360
		cat <<-EOF
		set title "$2: microseconds from when a request was due"
		set xlabel "load, percent of the weaker peer's most"
		set logscale y
		set xtics (20, 50, 80)
		set xrange [15:85]
		set key outside
		plot $(echo "${plot%,}" | tr '\n' ' ')
		EOF
	} | gnuplot
}

# A turn with ever more idle descriptors, a line for each subject.
growth()
{
	plot=
	awk -F, '$4 == "turn" { print $3 }' "$medians" | sort -u \
	    >"$folder/loop.subjects"
	while read -r subject; do
		file=$folder/loop.$(echo "$subject" | tr ' ' -).dat
		awk -F, -v subject="$subject" '
		$3 == subject && $4 == "turn" {
			sub(/idle=/, "", $2)
			print $2, $7 / 1000
		}' "$medians" | sort -n >"$file"
		[ "$(wc -l <"$file")" -gt 1 ] || continue
		plot="$plot \"$file\" using 1:2 with linespoints pointtype 7
		    pointsize 0.5 title \"$subject\","
	done <"$folder/loop.subjects"
	[ -n "$plot" ] || return 0
	{
		style loop 720 400
		cat <<-EOF
		set title "one turn with 10 ready descriptors: microseconds"
		set xlabel "idle descriptors"
		set logscale xy
		set key outside
		plot $(echo "${plot%,}" | tr '\n' ' ')
		EOF
	} | gnuplot
}

us='us of CPU'
bars echo-cpu trips.cpu 1000 "echo: $us for a round trip" echo
bars http-cpu trips.cpu 1000 "fixed HTTP answer: $us for a request" http
bars relay-cpu trips.cpu 1000 "small relay: $us for a round trip" relay
latency relay 'small relay'
latency http 'fixed HTTP answer'
bars echo-rate connections 1000 'echo: thousand connections a second' echo
bars relay-rate connections 1000 'relay: thousand connections a second' relay
bars udprelay datagrams 1000 'UDP relay: thousand datagrams a second' udprelay
for streams in 1 16; do
	bars "bulk$streams" throughput 1e9 \
	    "bulk relay, $streams connections: Gbit/s" "bulk$streams"
	bars "bulk$streams-cpu" throughput.cpu 1 \
	    "bulk relay, $streams connections: ns of CPU for a KiB" \
	    "bulk$streams"
done
bars echo-memory memory 1024 'idle session, direct: KiB' echo 40
bars relay-memory memory 1024 'idle session, relayed: KiB' relay 40
growth
rm -f "$folder"/*.dat "$folder/loop.subjects"
