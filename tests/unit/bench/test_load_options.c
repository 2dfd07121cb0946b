/*
 * The command line of muxload: what is taken, and that what has no meaning
 * is refused with its name.
 */
#include "../../bench/load_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ARGUMENTS = 32 };

/* Parse what stands between blanks. */
static enum load_options_result
parse(struct load_options *options, char *line, char *why, size_t size)
{
	char *argv[ARGUMENTS] = { (char[]){ "muxload" } };
	int argc = 1;

	for (argv[argc] = strtok(line, " "); argv[argc] != NULL;
	     argv[argc] = strtok(NULL, " "))
		argc++;
	return load_options_parse(options, argc, argv, why, size);
}

/* The caller frees the options; texts in them live in line. */
static void
expect_taken(struct load_options *options, char *line)
{
	char why[256] = "";

	if (parse(options, line, why, sizeof(why)) != LOAD_OPTIONS_RUN)
		fail_msg("refused: %s", why);
}

static void
expect_refused(const char *text, const char *reason)
{
	struct load_options options;
	char line[256], why[256] = "";

	(void)strcpy(line, text);
	assert_int_equal(
	    parse(&options, line, why, sizeof(why)), LOAD_OPTIONS_BAD);
	if (strstr(why, reason) == NULL)
		fail_msg("%s: \"%s\" lacks \"%s\"", text, why, reason);
	load_options_free(&options);
}

static void
defaults_are_documented_ones(void **state)
{
	struct load_options options;

	(void)state;
	expect_taken(&options, (char[]){ "127.0.0.1:7" });
	assert_int_equal(options.connections, 1);
	assert_int_equal(options.message, 64);
	assert_int_equal(options.depth, 1);
	assert_int_equal(options.duration_ms, 10000);
	assert_int_equal(options.warmup_ms, 0);
	assert_int_equal(options.timeout_ms, 10000);
	assert_int_equal(options.requests, 0);
	assert_int_equal(options.rate.count, 0);
	assert_int_equal(options.active, 1);
	assert_false(options.udp);
	load_options_free(&options);
	expect_taken(&options, (char[]){ "udp:127.0.0.1:7" });
	assert_int_equal(options.timeout_ms, 1000);
	assert_true(options.udp);
	load_options_free(&options);
	expect_taken(&options, (char[]){ "--lines 127.0.0.1:7" });
	assert_int_equal(options.duration_ms, 0);
	load_options_free(&options);
}

static void
values_have_units(void **state)
{
	struct load_options options;

	(void)state;
	expect_taken(&options,
	    (char[]){ "-c 20 -m 16K -p 8 -d 1.5s -w 200ms -r 5000/s"
		      " --timeout 2s --connect-rate 100/s --meter 1,22"
		      " --histogram f --keys -q 127.0.0.1:7 [::1]:7 unix:/p" });
	assert_int_equal(options.connections, 20);
	assert_int_equal(options.message, 16384);
	assert_int_equal(options.depth, 8);
	assert_int_equal(options.duration_ms, 1500);
	assert_int_equal(options.warmup_ms, 200);
	assert_int_equal(options.rate.count, 5000);
	assert_int_equal(options.timeout_ms, 2000);
	assert_int_equal(options.connect_rate.count, 100);
	assert_int_equal(options.meter.npids, 2);
	assert_int_equal(options.meter.pids[1], 22);
	assert_string_equal(options.histogram, "f");
	assert_true(options.keys && options.quiet);
	assert_int_equal(options.nendpoints, 3);
	assert_string_equal(options.endpoints[2].path, "/p");
	load_options_free(&options);
}

static void
options_may_follow_addresses(void **state)
{
	struct load_options options;

	(void)state;
	expect_taken(&options, (char[]){ "127.0.0.1:7 -c 3 --message 10" });
	assert_int_equal(options.connections, 3);
	assert_int_equal(options.message, 10);
	load_options_free(&options);
}

static void
active_is_a_number_or_a_share(void **state)
{
	static const struct {
		const char *text;
		unsigned active;
	} rows[] = {
		{ "-c 1000 --idle a:7", 10 },
		{ "-c 1000 --idle --active 3 a:7", 3 },
		{ "-c 1000 --idle --active 1.5% a:7", 15 },
		{ "-c 10 --idle --active 1% a:7", 1 },
		{ "-c 10 --active 100% --idle a:7", 10 },
	};
	struct load_options options;
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)strcpy(line, rows[i].text);
		(void)strcpy(strstr(line, "a:7"), "127.0.0.1:7");
		expect_taken(&options, line);
		assert_int_equal(options.active, rows[i].active);
		load_options_free(&options);
	}
}

static void
expect_source(const struct load_options *options, size_t i, const char *text)
{
	char ip[ADDR_STRLEN];

	assert_string_equal(
	    addr_format_ip(&options->sources[i], ip, sizeof(ip)), text);
	assert_int_equal(options->sources[i].port, 0);
}

static void
sources_are_lists_and_ranges(void **state)
{
	struct load_options options;

	(void)state;
	expect_taken(&options,
	    (char[]){ "-s 127.0.0.254-127.0.1.1,127.0.0.9 127.0.0.1:7" });
	assert_int_equal(options.nsources, 5);
	expect_source(&options, 0, "127.0.0.254");
	expect_source(&options, 1, "127.0.0.255");
	expect_source(&options, 2, "127.0.1.0");
	expect_source(&options, 3, "127.0.1.1");
	expect_source(&options, 4, "127.0.0.9");
	load_options_free(&options);
	expect_taken(&options, (char[]){ "-s ::1 [::1]:7" });
	assert_int_equal(options.nsources, 1);
	expect_source(&options, 0, "::1");
	load_options_free(&options);
}

static void
bad_values_are_refused(void **state)
{
	(void)state;
	expect_refused("-c 0 127.0.0.1:7", "--connections");
	expect_refused("-c 1x 127.0.0.1:7", "--connections");
	expect_refused("-m 0 127.0.0.1:7", "--message");
	expect_refused("-m 65M 127.0.0.1:7", "--message");
	expect_refused("-d 10 127.0.0.1:7", "--duration");
	expect_refused("-d 0 127.0.0.1:7", "--duration");
	expect_refused("-r 5 127.0.0.1:7", "--rate");
	expect_refused("-r 0/s 127.0.0.1:7", "--rate");
	expect_refused("-n -5 127.0.0.1:7", "--requests");
	expect_refused("--meter 1,,2 127.0.0.1:7", "--meter");
	expect_refused("--http index 127.0.0.1:7", "--http");
	expect_refused("--timeout 1ms 127.0.0.1:7", "--timeout");
	expect_refused("--idle --active 0% 127.0.0.1:7", "--active");
	expect_refused("--idle --active 101% 127.0.0.1:7", "--active");
	expect_refused("--idle --active 2 127.0.0.1:7", "--active");
	expect_refused("-s 127.0.0.9-127.0.0.1 127.0.0.1:7", "--source");
	expect_refused("-s 127.0.0.1-::1 127.0.0.1:7", "--source");
	expect_refused("-s 127.0.0.1, 127.0.0.1:7", "--source");
	expect_refused("-s 0.0.0.0-127.0.0.1 127.0.0.1:7", "--source");
	expect_refused("-s ::1 127.0.0.1:7", "--source");
}

static void
bad_addresses_are_refused(void **state)
{
	(void)state;
	expect_refused("", "address");
	expect_refused("localhost:7", "localhost:7");
	expect_refused("127.0.0.1", "127.0.0.1");
	expect_refused("127.0.0.1:0", "127.0.0.1:0");
	expect_refused("*:7", "*:7");
	expect_refused("127.0.0.1:7 udp:127.0.0.1:7", "UDP");
}

static void
options_that_exclude_each_other_are_refused(void **state)
{
	(void)state;
	expect_refused("-n 5 -d 1s 127.0.0.1:7", "--requests and --duration");
	expect_refused("--http / -m 5 127.0.0.1:7", "--http and --message");
	expect_refused("-k -p 2 127.0.0.1:7", "--short and --depth");
	expect_refused("-k --idle 127.0.0.1:7", "--short and --idle");
	expect_refused("-k --hold 127.0.0.1:7", "--short and --hold");
	expect_refused("--lines -r 5/s 127.0.0.1:7", "--lines and --rate");
	expect_refused("--active 5 127.0.0.1:7", "--idle");
	expect_refused("-k udp:127.0.0.1:7", "--short");
	expect_refused("--http / udp:127.0.0.1:7", "--http");
	expect_refused("-m 7 udp:127.0.0.1:7", "--message");
	expect_refused("-m 64K udp:127.0.0.1:7", "--message");
}

static void
unknown_and_incomplete_options_are_named(void **state)
{
	(void)state;
	expect_refused("--nonsense 127.0.0.1:7", "--nonsense");
	expect_refused("-x 127.0.0.1:7", "-x");
	expect_refused("127.0.0.1:7 -c", "-c: a value");
	expect_refused("127.0.0.1:7 --rate", "--rate: a value");
	expect_refused("--keys=1 127.0.0.1:7", "--keys=1: no value");
}

static void
help_comes_before_all(void **state)
{
	struct load_options options;
	char why[64];

	(void)state;
	assert_int_equal(
	    parse(&options, (char[]){ "--help" }, why, sizeof(why)),
	    LOAD_OPTIONS_HELP);
	load_options_free(&options);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_documented_ones),
		cmocka_unit_test(values_have_units),
		cmocka_unit_test(options_may_follow_addresses),
		cmocka_unit_test(active_is_a_number_or_a_share),
		cmocka_unit_test(sources_are_lists_and_ranges),
		cmocka_unit_test(bad_values_are_refused),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(options_that_exclude_each_other_are_refused),
		cmocka_unit_test(unknown_and_incomplete_options_are_named),
		cmocka_unit_test(help_comes_before_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
