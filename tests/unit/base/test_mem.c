/*
 * Checked memory, and that the clocks are what they say.
 */
#include "base/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

/* Kept from the compiler, which would foresee the overflow and warn. */
static volatile size_t huge = SIZE_MAX;

static void
memory_is_zeroed(void **state)
{
	static const unsigned char zero[64];
	unsigned char *p = mem_zalloc(sizeof(zero));

	(void)state;
	assert_non_null(p);
	assert_memory_equal(p, zero, sizeof(zero));
	mem_free(p);
	p = mem_array(8, 8);
	assert_non_null(p);
	assert_memory_equal(p, zero, sizeof(zero));
	mem_free(p);
	mem_free(NULL);
}

static void
nothing_is_something(void **state)
{
	char *a = mem_zalloc(0), *b = mem_array(0, 16), *c = mem_dup("", 0);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_int_equal(*a, 0);
	mem_free(a);
	mem_free(b);
	mem_free(c);
}

static void
product_that_overflows_is_no_memory(void **state)
{
	(void)state;
	errno = 0;
	assert_null(mem_array(huge / 2 + 1, 2));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(mem_array(2, huge / 2 + 1));
	assert_int_equal(errno, ENOMEM);
	/* The product that just wraps to a small number. */
	errno = 0;
	assert_null(mem_array(huge / 16 + 2, 16));
	assert_int_equal(errno, ENOMEM);
}

static void
pushed_elements_stay_in_order(void **state)
{
	uint64_t *items = NULL, *item;
	size_t n = 0;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		item = mem_push(&items, &n, sizeof(*items));
		assert_non_null(item);
		assert_int_equal(*item, 0);
		*item = i + 1;
		assert_int_equal(n, i + 1);
	}
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], i + 1);
	mem_free(items);
}

static void
push_without_memory_changes_nothing(void **state)
{
	int one = 1, *items = &one;
	size_t n = huge / 2 + 1;

	(void)state;
	errno = 0;
	assert_null(mem_push(&items, &n, sizeof(*items)));
	assert_int_equal(errno, ENOMEM);
	assert_ptr_equal(items, &one);
	assert_int_equal(n, huge / 2 + 1);
	n = 1;
	assert_null(mem_push(&items, &n, huge / 2 + 1));
	assert_ptr_equal(items, &one);
	assert_int_equal(n, 1);
}

static void
strings_are_copied(void **state)
{
	char source[] = "source", *a, *b, *c, *d;

	(void)state;
	a = mem_strdup(source);
	b = mem_strndup(source, 3);
	c = mem_strndup(source, 100);
	d = mem_dup(source, 4);
	memset(source, 'x', sizeof(source));
	assert_string_equal(a, "source");
	assert_string_equal(b, "sou");
	assert_string_equal(c, "source");
	assert_memory_equal(d, "sour", 4);
	mem_free(a);
	mem_free(b);
	mem_free(c);
	mem_free(d);
}

static void
bounded_copy_reads_no_further(void **state)
{
	/* Not terminated: a sanitizer sees a read behind it. */
	char *source = mem_dup("abc", 3), *copy = mem_strndup(source, 3);

	(void)state;
	assert_string_equal(copy, "abc");
	mem_free(copy);
	mem_free(source);
}

static void
printed_text_has_its_own_length(void **state)
{
	char *text = mem_printf("%s-%d-%0500d", "a", 7, 0);

	(void)state;
	assert_int_equal(strlen(text), 504);
	assert_memory_equal(text, "a-7-000", 7);
	mem_free(text);
	text = mem_printf("%s", "");
	assert_string_equal(text, "");
	mem_free(text);
}

static void
monotonic_clock_does_not_go_back(void **state)
{
	uint64_t ns = clock_mono_ns(), ms = clock_mono_ms(), last = ns;

	(void)state;
	assert_true(ms >= ns / 1000000);
	assert_true(ms <= clock_mono_ns() / 1000000);
	for (int i = 0; i < 1000; i++) {
		ns = clock_mono_ns();
		assert_true(ns >= last);
		last = ns;
	}
}

static void
wall_clock_counts_from_the_epoch(void **state)
{
	/* From 2020 to 2100; the kernel's own tests are not ours. */
	int64_t us = clock_wall_us();

	(void)state;
	assert_true(us > INT64_C(1577836800) * 1000000);
	assert_true(us < INT64_C(4102444800) * 1000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed),
		cmocka_unit_test(nothing_is_something),
		cmocka_unit_test(product_that_overflows_is_no_memory),
		cmocka_unit_test(pushed_elements_stay_in_order),
		cmocka_unit_test(push_without_memory_changes_nothing),
		cmocka_unit_test(strings_are_copied),
		cmocka_unit_test(bounded_copy_reads_no_further),
		cmocka_unit_test(printed_text_has_its_own_length),
		cmocka_unit_test(monotonic_clock_does_not_go_back),
		cmocka_unit_test(wall_clock_counts_from_the_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
