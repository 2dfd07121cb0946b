# Count tests one by one from the results of automake's test driver.  The
# arguments are .trs files; beside each lies the .log of the program.  A
# program that uses cmocka counts with each of its tests, any other as one.
# One that ended badly without a failed test (a crash, a report of leaks)
# counts as one that failed.

function number(line) {
	match(line, /[0-9]+ test/)
	return substr(line, RSTART, RLENGTH) + 0
}

BEGIN {
	for (i = 1; i < ARGC; i++)
		count(ARGV[i])
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0
}

function count(trs,    log_file, line, result, p, f, s) {
	result = "ERROR"
	while ((getline line < trs) > 0)
		if (line ~ /^:test-result: /)
			result = substr(line, 15)
	close(trs)
	sub(/ .*/, "", result)

	log_file = trs
	sub(/trs$/, "log", log_file)
	p = f = s = 0
	while ((getline line < log_file) > 0) {
		if (line ~ /^\[  PASSED  \] [0-9]+ test\(s\)/)
			p += number(line)
		else if (line ~ /^\[  FAILED  \] [0-9]+ test\(s\)/)
			f += number(line)
		else if (line ~ /^\[  SKIPPED \] [0-9]+ test\(s\)/)
			s += number(line)
	}
	close(log_file)

	if (result == "PASS" && p + f + s == 0)
		p = 1
	else if (result == "SKIP" && s == 0)
		s = 1
	else if (result != "PASS" && result != "SKIP" && f == 0)
		f = 1
	passed += p
	failed += f
	skipped += s
}
