/*
 * Turns by weight: in proportion over a period, and at no moment in it is
 * anybody a whole turn ahead or behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/sequence.h"

#define MANY 2000

static uint64_t
sum_of(const uint32_t *weights, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += weights[i];
	return sum;
}

/* The turns of each in a period. */
static void
count_turns(const struct sequence *sequence, uint32_t *counts, size_t n)
{
	memset(counts, 0, n * sizeof(*counts));
	for (size_t t = 0; t < sequence->len; t++) {
		assert_true(sequence->turns[t] < n);
		counts[sequence->turns[t]]++;
	}
}

/* The promise of the header, at each moment of the period. */
static void
assert_smooth(const struct sequence *sequence, size_t n)
{
	static uint32_t weights[MANY], counts[MANY];
	uint64_t len = sequence->len;

	count_turns(sequence, weights, n);
	memset(counts, 0, sizeof(counts));
	for (size_t t = 0; t < len; t++) {
		counts[sequence->turns[t]]++;
		for (size_t i = 0; i < n; i++) {
			int64_t lag = (int64_t)((t + 1) * weights[i]) -
			    (int64_t)(counts[i] * len);

			assert_true(llabs(lag) < (int64_t)len);
		}
	}
}

static void
assert_period(const uint32_t *weights, size_t n, size_t len)
{
	struct sequence sequence;
	static uint32_t counts[MANY];

	assert_int_equal(sequence_open(&sequence, n), 0);
	sequence_make(&sequence, weights, n);
	assert_int_equal(sequence.len, len);
	count_turns(&sequence, counts, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    counts[i] * sum_of(weights, n), (uint64_t)weights[i] * len);
	assert_smooth(&sequence, n);
	sequence_close(&sequence);
}

static void
everybody_has_its_share_smoothly(void **state)
{
	(void)state;
	assert_period((const uint32_t[]){ 1 }, 1, 1);
	assert_period((const uint32_t[]){ 65536 }, 1, 1);
	assert_period((const uint32_t[]){ 1, 1, 1 }, 3, 3);
	assert_period((const uint32_t[]){ 5, 1, 1 }, 3, 7);
	assert_period((const uint32_t[]){ 1, 2, 3, 4 }, 4, 10);
	assert_period((const uint32_t[]){ 256, 1 }, 2, 257);
	assert_period((const uint32_t[]){ 256, 255, 254, 1, 7 }, 5, 773);
}

static void
what_weights_have_in_common_makes_no_turns(void **state)
{
	(void)state;
	assert_period((const uint32_t[]){ 100, 100 }, 2, 2);
	assert_period((const uint32_t[]){ 65536, 32768, 16384 }, 3, 7);
	assert_period((const uint32_t[]){ 6, 10, 15 }, 3, 31);
}

static void
heavy_one_comes_at_regular_distances(void **state)
{
	static const uint32_t weights[] = { 4, 1, 1, 1, 1 };
	struct sequence sequence;
	size_t t;

	(void)state;
	assert_int_equal(sequence_open(&sequence, 5), 0);
	sequence_make(&sequence, weights, 5);
	assert_int_equal(sequence.len, 8);
	for (t = 0; t < 8; t++)
		assert_int_equal(sequence.turns[t] == 0, t % 2 == 0);
	sequence_close(&sequence);
}

static void
chance_weights_are_smooth_too(void **state)
{
	uint32_t weights[16];
	unsigned seed = 7;
	struct sequence sequence;

	(void)state;
	assert_int_equal(sequence_open(&sequence, 16), 0);
	for (unsigned round = 0; round < 50; round++) {
		size_t n = 1 + (size_t)rand_r(&seed) % 16;

		for (size_t i = 0; i < n; i++)
			weights[i] = 1 + (uint32_t)rand_r(&seed) % 256;
		sequence_make(&sequence, weights, n);
		assert_smooth(&sequence, n);
	}
	sequence_close(&sequence);
}

/* All 16 servers of the highest different weights still fit. */
static void
weights_of_the_configuration_are_exact(void **state)
{
	uint32_t weights[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		weights[i] = 256 - i;
	assert_period(weights, 16, sum_of(weights, 16));
}

static void
period_is_bounded_and_shares_are_off_by_a_turn_at_most(void **state)
{
	static const uint32_t weights[] = { 65536, 65535, 1, 40000 };
	struct sequence sequence;
	uint32_t counts[4];
	uint64_t sum = sum_of(weights, 4);

	(void)state;
	assert_int_equal(sequence_open(&sequence, 4), 0);
	sequence_make(&sequence, weights, 4);
	assert_in_range(sequence.len, 1, sequence_len_max(4));
	count_turns(&sequence, counts, 4);
	for (unsigned i = 0; i < 4; i++) {
		int64_t off = (int64_t)(counts[i] * sum) -
		    (int64_t)(weights[i] * sequence.len);

		assert_true(counts[i] >= 1);
		assert_true(llabs(off) <= (int64_t)sum);
	}
	assert_smooth(&sequence, 4);
	sequence_close(&sequence);
}

static void
many_servers_fit(void **state)
{
	static uint32_t weights[MANY], counts[MANY];
	struct sequence sequence;

	(void)state;
	assert_int_equal(sequence_open(&sequence, MANY), 0);
	for (unsigned i = 0; i < MANY; i++)
		weights[i] = i % 2 == 0 ? 65536 : 1;
	sequence_make(&sequence, weights, MANY);
	assert_in_range(sequence.len, 1, sequence_len_max(MANY));
	count_turns(&sequence, counts, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_true(counts[i] >= 1);
	sequence_close(&sequence);
}

static void
it_can_be_made_again_and_of_nobody(void **state)
{
	static const uint32_t weights[] = { 3, 2, 1 };
	struct sequence sequence;
	uint32_t counts[3];

	(void)state;
	assert_int_equal(sequence_open(&sequence, 3), 0);
	assert_int_equal(sequence.len, 0);
	sequence_make(&sequence, weights, 3);
	assert_int_equal(sequence.len, 6);
	sequence_make(&sequence, weights, 0);
	assert_int_equal(sequence.len, 0);
	sequence_make(&sequence, weights + 1, 2);
	assert_int_equal(sequence.len, 3);
	count_turns(&sequence, counts, 2);
	assert_int_equal(counts[0], 2);
	sequence_close(&sequence);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_has_its_share_smoothly),
		cmocka_unit_test(what_weights_have_in_common_makes_no_turns),
		cmocka_unit_test(heavy_one_comes_at_regular_distances),
		cmocka_unit_test(chance_weights_are_smooth_too),
		cmocka_unit_test(weights_of_the_configuration_are_exact),
		cmocka_unit_test(
		    period_is_bounded_and_shares_are_off_by_a_turn_at_most),
		cmocka_unit_test(many_servers_fit),
		cmocka_unit_test(it_can_be_made_again_and_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
