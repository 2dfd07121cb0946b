/*
 * The histogram of muxload: exact where its buckets begin and end, three
 * digits everywhere, and the sum of its parts.
 */
#include "../../bench/load_histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define US 1000U

static struct load_histogram *
new_histogram(void)
{
	struct load_histogram *histogram = calloc(1, sizeof(*histogram));

	assert_non_null(histogram);
	return histogram;
}

static void
buckets_follow_each_other_without_gaps(void **state)
{
	uint64_t next = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
		uint64_t low = load_histogram_lowest(i);
		uint64_t high = load_histogram_highest(i);

		assert_int_equal(low, next);
		assert_true(high >= low);
		assert_int_equal(load_histogram_bucket(low), i);
		assert_int_equal(load_histogram_bucket(high), i);
		/* A thousandth of what it holds, or one microsecond. */
		assert_true((high - low + 1) * 1000 <= low || high == low);
		next = high + 1;
	}
	assert_true(next > LOAD_HISTOGRAM_MAX_US);
}

static void
bounds_are_where_they_should_be(void **state)
{
	(void)state;
	assert_int_equal(load_histogram_bucket(1), 1);
	assert_int_equal(load_histogram_bucket(2047), 2047);
	assert_int_equal(load_histogram_bucket(2048), 2048);
	assert_int_equal(load_histogram_bucket(2049), 2048);
	assert_int_equal(load_histogram_bucket(2050), 2049);
	assert_int_equal(load_histogram_bucket(4095), 3071);
	assert_int_equal(load_histogram_bucket(4096), 3072);
	assert_int_equal(load_histogram_bucket(4099), 3072);
	assert_true(load_histogram_bucket(LOAD_HISTOGRAM_MAX_US) <
	    LOAD_HISTOGRAM_BUCKETS);
}

static void
small_values_are_exact(void **state)
{
	struct load_histogram *histogram = new_histogram();
	uint64_t us;

	(void)state;
	for (us = 1; us <= 1000; us++)
		load_histogram_add(histogram, us * US);
	assert_int_equal(histogram->count, 1000);
	assert_int_equal(load_histogram_percentile(histogram, 0), 1);
	assert_int_equal(load_histogram_percentile(histogram, 100), 1);
	assert_int_equal(load_histogram_percentile(histogram, 101), 2);
	assert_int_equal(load_histogram_percentile(histogram, 50000), 500);
	assert_int_equal(load_histogram_percentile(histogram, 99900), 999);
	assert_int_equal(load_histogram_percentile(histogram, 99901), 1000);
	assert_int_equal(load_histogram_percentile(histogram, 100000), 1000);
	free(histogram);
}

static void
values_are_rounded_and_kept_in_range(void **state)
{
	struct load_histogram *histogram = new_histogram();

	(void)state;
	load_histogram_add(histogram, 0);
	load_histogram_add(histogram, 1499);
	assert_int_equal(histogram->buckets[1], 2);
	load_histogram_add(histogram, 1500);
	assert_int_equal(histogram->buckets[2], 1);
	load_histogram_add(histogram, UINT64_MAX);
	assert_int_equal(histogram->max_us, LOAD_HISTOGRAM_MAX_US);
	assert_int_equal(load_histogram_percentile(histogram, 100000),
	    LOAD_HISTOGRAM_MAX_US);
	free(histogram);
}

static void
percentile_never_exceeds_the_maximum(void **state)
{
	struct load_histogram *histogram = new_histogram();

	(void)state;
	/* Its bucket goes up to 65,567. */
	load_histogram_add(histogram, (uint64_t)65540 * US);
	assert_int_equal(load_histogram_percentile(histogram, 50000), 65540);
	load_histogram_add(histogram, (uint64_t)99999999 * US);
	assert_int_equal(load_histogram_percentile(histogram, 50000),
	    load_histogram_highest(load_histogram_bucket(65540)));
	assert_int_equal(
	    load_histogram_percentile(histogram, 100000), 99999999);
	free(histogram);
}

static void
empty_one_has_no_percentile(void **state)
{
	struct load_histogram *histogram = new_histogram();

	(void)state;
	assert_int_equal(load_histogram_percentile(histogram, 99000), 0);
	free(histogram);
}

static void
merged_ones_are_as_one(void **state)
{
	struct load_histogram *one = new_histogram();
	struct load_histogram *two = new_histogram();
	struct load_histogram *all = new_histogram();
	uint64_t ns = 1;
	unsigned i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		ns = (ns * 6364136223846793005U + 1442695040888963407U) >> 1;
		load_histogram_add(i % 3 == 0 ? one : two, ns % 200000000000U);
		load_histogram_add(all, ns % 200000000000U);
	}
	load_histogram_merge(one, two);
	assert_memory_equal(one, all, sizeof(*all));
	free(one);
	free(two);
	free(all);
}

static void
file_has_a_line_for_each_bucket_in_use(void **state)
{
	struct load_histogram *histogram = new_histogram();
	char text[256] = "";
	FILE *file = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_non_null(file);
	load_histogram_add(histogram, 5 * US);
	load_histogram_add(histogram, 5 * US);
	load_histogram_add(histogram, 5 * US);
	load_histogram_add(histogram, 4100 * US);
	assert_int_equal(load_histogram_write(histogram, file), 0);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(text,
	    "# value_us percentile count\n"
	    "5 75.000000 3\n"
	    "4100 100.000000 1\n");
	free(histogram);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_follow_each_other_without_gaps),
		cmocka_unit_test(bounds_are_where_they_should_be),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(values_are_rounded_and_kept_in_range),
		cmocka_unit_test(percentile_never_exceeds_the_maximum),
		cmocka_unit_test(empty_one_has_no_percentile),
		cmocka_unit_test(merged_ones_are_as_one),
		cmocka_unit_test(file_has_a_line_for_each_bucket_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
