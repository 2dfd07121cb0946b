# Medians (see medians.awk) against goals.tab, which comes after them:
#
#   title|operator|goal|measured|ok, MISSED or "not measured"
#
# A goal of something else than muxd alone needs one of the others at least.

function value_of(what, metric,    cut)
{
	cut = index(what, "/")
	return median[substr(what, 1, cut - 1), substr(what, cut + 1), metric]
}

# The lowest or highest of "lowest WORK/SUBJECT,WORK/SUBJECT"; "" if there is
# none.
function best_of(text, metric,    order, list, n, i, value, best)
{
	order = text
	sub(/ .*/, "", order)
	sub(/^[a-z]+ /, "", text)
	n = split(text, list, ",")
	best = ""
	for (i = 1; i <= n; i++) {
		value = value_of(list[i], metric)
		if (value == "")
			continue
		if (best == "" || (order == "lowest") == (value + 0 < best + 0))
			best = value
	}
	return best
}

BEGIN { OFS = "|" }

FILENAME !~ /[.]tab$/ {
	split($0, field, ",")
	median[field[2], field[3], field[4]] = field[7]
	next
}
/^#/ || /^$/ { next }

{
	split($0, goal, "|")
	measured = value_of(goal[5], goal[4])
	if (measured != "" && goal[6] != "") {
		best = best_of(goal[6], goal[4])
		measured = best + 0 > 0 ? measured / best : ""
	}
	if (measured == "")
		verdict = "not measured"
	else if (goal[2] == "<=" ? measured <= goal[3] : measured >= goal[3])
		verdict = "ok"
	else
		verdict = "MISSED"
	print goal[1], goal[2], goal[3],
	    measured == "" ? "" : sprintf("%.3f", measured), verdict
}
