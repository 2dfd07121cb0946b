/*
 * Quantities: exact in both directions, and nothing that might be meant
 * differently is taken.
 */
#include "base/units.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct quantity {
	const char *text;
	uint64_t value;
	const char *canonical; /* NULL: the text itself */
};

typedef int parse_fn(const char *, uint64_t *, const char **);
typedef const char *format_fn(uint64_t, char *, size_t);

static void
check(const struct quantity *rows, size_t n, parse_fn *parse, format_fn *format)
{
	char text[UNITS_STRLEN];

	for (size_t i = 0; i < n; i++) {
		const char *want = rows[i].canonical, *why = NULL;
		uint64_t value = 1;

		if (parse(rows[i].text, &value, &why) == -1)
			fail_msg("%s: %s", rows[i].text, why);
		assert_int_equal(value, rows[i].value);
		assert_ptr_equal(format(value, text, sizeof(text)), text);
		assert_string_equal(text, want ? want : rows[i].text);
	}
}

static void
check_refused(const char *const *texts, size_t n, parse_fn *parse)
{
	for (size_t i = 0; i < n; i++) {
		const char *why = NULL;
		uint64_t value = 4711;

		if (parse(texts[i], &value, &why) != -1)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_non_null(why);
	}
}

static void
durations_are_exact(void **state)
{
	static const struct quantity rows[] = {
		{ "0", 0, NULL },
		{ "0s", 0, "0" },
		{ "0.0", 0, "0" },
		{ "1ms", 1, NULL },
		{ "100ms", 100, NULL },
		{ "0.1s", 100, "100ms" },
		{ "1500ms", 1500, "1.5s" },
		{ "1.5s", 1500, NULL },
		{ "1.500000000000s", 1500, "1.5s" },
		{ "10m", 600000, NULL },
		{ "60s", 60000, "1m" },
		{ "90s", 90000, NULL },
		{ "1.5h", 5400000, "90m" },
		{ "1h", 3600000, NULL },
		{ "24h", 86400000, "1d" },
		{ "0.5d", 43200000, "12h" },
		{ "007s", 7000, "7s" },
		{ "18446744073709551615ms", UINT64_MAX, NULL },
		{ "213503982334d", UINT64_C(18446744073657600000), NULL },
	};

	(void)state;
	check(rows, COUNT(rows), units_parse_duration, units_format_duration);
}

static void
sizes_are_exact(void **state)
{
	static const struct quantity rows[] = {
		{ "0", 0, NULL },
		{ "1B", 1, NULL },
		{ "512B", 512, NULL },
		{ "0.5K", 512, "512B" },
		{ "1K", 1024, NULL },
		{ "1024B", 1024, "1K" },
		{ "64K", 65536, NULL },
		{ "1.5K", 1536, NULL },
		{ "256M", 268435456, NULL },
		{ "1536M", 1610612736, "1.5G" },
		{ "1.125M", 1179648, "1152K" },
		{ "18446744073709551615B", UINT64_MAX, NULL },
		{ "17179869183G", UINT64_C(18446744072635809792), NULL },
	};

	(void)state;
	check(rows, COUNT(rows), units_parse_size, units_format_size);
}

static void
every_value_reads_back(void **state)
{
	char text[UNITS_STRLEN];
	const char *why;

	(void)state;
	/* A walk over all magnitudes: each step adds an odd share. */
	for (uint64_t v = 1; v < UINT64_MAX / 2; v += v / 3 + 1) {
		uint64_t back = 0;

		units_format_duration(v, text, sizeof(text));
		assert_int_equal(units_parse_duration(text, &back, &why), 0);
		assert_int_equal(back, v);
		units_format_size(v, text, sizeof(text));
		assert_int_equal(units_parse_size(text, &back, &why), 0);
		assert_int_equal(back, v);
	}
}

static void
bad_durations_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"10",
		"1.5",
		"s",
		".5s",
		"1.s",
		"1..5s",
		"1.5.5s",
		"-1s",
		"+1s",
		" 1s",
		"1s ",
		"1 s",
		"1S",
		"1sec",
		"1K",
		"1m30s",
		"1e3s",
		"0x10s",
		"1,5s",
		"infinity",
		"0.5ms",
		"1.0005s",
		"0.1234567891s",
		"18446744073709551616ms",
		"18446744073709552s",
		"213503982335d",
		"99999999999999999999999999999999999999s",
	};

	(void)state;
	check_refused(texts, COUNT(texts), units_parse_duration);
}

static void
bad_sizes_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"10",
		"K",
		"1k",
		"1KB",
		"1KiB",
		"1T",
		"-1K",
		"1 K",
		"0.5B",
		"1.3K",
		"18446744073709551616B",
		"17179869184G",
		"17179869183.99999999999G",
	};

	(void)state;
	check_refused(texts, COUNT(texts), units_parse_size);
}

static void
whole_numbers_have_no_unit(void **state)
{
	static const char *const bad[] = { "", "-1", "+1", "1K", "1.0", " 1",
		"1 ", "0x1", "18446744073709551616" };
	const char *why;
	uint64_t value;

	(void)state;
	assert_int_equal(units_parse_uint("0", &value, &why), 0);
	assert_int_equal(value, 0);
	assert_int_equal(
	    units_parse_uint("18446744073709551615", &value, &why), 0);
	assert_int_equal(value, UINT64_MAX);
	check_refused(bad, COUNT(bad), units_parse_uint);
}

static void
rates_have_a_period(void **state)
{
	static const struct {
		const char *text;
		struct rate rate;
		const char *canonical;
	} rows[] = {
		{ "200/s", { 200, 1000 }, "200/s" },
		{ "3/m", { 3, 60000 }, "3/m" },
		{ "10/h", { 10, 3600000 }, "10/h" },
		{ "60/m", { 60, 60000 }, "60/m" },
		{ "4294967295/s", { UINT32_MAX, 1000 }, "4294967295/s" },
		{ "0", { 0, 1000 }, "0" },
		{ "0/h", { 0, 1000 }, "0" },
	};
	char text[UNITS_STRLEN];
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rate rate;

		assert_int_equal(
		    units_parse_rate(rows[i].text, &rate, &why), 0);
		assert_int_equal(rate.count, rows[i].rate.count);
		assert_int_equal(rate.period_ms, rows[i].rate.period_ms);
		units_format_rate(rate, text, sizeof(text));
		assert_string_equal(text, rows[i].canonical);
	}
}

static void
bad_rates_are_refused(void **state)
{
	static const char *const texts[] = { "", "200", "/s", "200/", "200/d",
		"200/ms", "200/S", "200 /s", "200/s ", "200/1s", "-1/s",
		"1.5/s", "4294967296/s", "200s", "0x", "0s" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *why = NULL;
		struct rate rate;

		if (units_parse_rate(texts[i], &rate, &why) != -1)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_non_null(why);
	}
}

static void
text_is_cut_to_the_buffer(void **state)
{
	char text[] = "0123456789";

	(void)state;
	units_format_size(268435456, text, 3);
	assert_string_equal(text, "25");
	assert_int_equal(text[3], '3');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_exact),
		cmocka_unit_test(sizes_are_exact),
		cmocka_unit_test(every_value_reads_back),
		cmocka_unit_test(bad_durations_are_refused),
		cmocka_unit_test(bad_sizes_are_refused),
		cmocka_unit_test(whole_numbers_have_no_unit),
		cmocka_unit_test(rates_have_a_period),
		cmocka_unit_test(bad_rates_are_refused),
		cmocka_unit_test(text_is_cut_to_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
