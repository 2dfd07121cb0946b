# Rows of a run (see common.sh) to one row for each figure, in the order in
# which they came first:
#
#   benchmark,work,subject,metric,unit,runs,median,lowest,highest
BEGIN {
	FS = OFS = ","
	print "benchmark", "work", "subject", "metric", "unit", "runs",
	    "median", "lowest", "highest"
}

# Sort the n values of a list by insertion: there are few.
function sort(list, n,    i, j, value)
{
	for (i = 2; i <= n; i++) {
		value = list[i]
		for (j = i - 1; j >= 1 && list[j] > value; j--)
			list[j + 1] = list[j]
		list[j + 1] = value
	}
}

$1 == "benchmark" { next }

{
	key = $1 OFS $2 OFS $3 OFS $4 OFS $5
	if (!(key in count))
		keys[++nkeys] = key
	values[key, ++count[key]] = $7 + 0
}

END {
	for (k = 1; k <= nkeys; k++) {
		key = keys[k]
		n = count[key]
		for (i = 1; i <= n; i++)
			list[i] = values[key, i]
		sort(list, n)
		print key, n, list[int((n + 1) / 2)], list[1], list[n]
	}
}
