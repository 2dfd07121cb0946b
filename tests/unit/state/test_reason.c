/*
 * The table of reasons and the names of counters: complete, in order, and
 * fit for records and metrics.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state/counters.h"
#include "state/reason.h"

#define METRIC_LETTERS "abcdefghijklmnopqrstuvwxyz_"

static void
each_reason_stands_at_its_code(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASON_COUNT; i++)
		assert_int_equal(reason_info((enum reason)i)->code, i);
}

static void
reason_names_are_unique_and_fit_for_metrics(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const char *name = reason_info((enum reason)i)->name;

		assert_true(strlen(name) > 0);
		assert_int_equal(strspn(name, METRIC_LETTERS), strlen(name));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(
			    name, reason_info((enum reason)k)->name);
	}
}

static void
reason_texts_are_sentences_without_a_stop(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const char *text = reason_info((enum reason)i)->text;

		assert_true(strlen(text) > 10);
		assert_int_not_equal(text[strlen(text) - 1], '.');
	}
}

static void
reasons_from_denied_on_refuse(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASON_COUNT; i++)
		assert_int_equal(
		    reason_info((enum reason)i)->refused, i >= REASON_DENIED);
}

static void
unknown_reason_is_internal(void **state)
{
	(void)state;
	assert_int_equal(reason_info(REASON_COUNT)->code, REASON_INTERNAL);
	assert_int_equal(reason_info((enum reason) - 1)->code, REASON_INTERNAL);
}

static void
who_has_names(void **state)
{
	(void)state;
	assert_string_equal(reason_who_name(WHO_NOBODY), "nobody");
	assert_string_equal(reason_who_name(WHO_CLIENT), "client");
	assert_string_equal(reason_who_name(WHO_MUXD), "muxd");
	assert_string_equal(reason_who_name(WHO_ADMIN), "admin");
	assert_string_equal(reason_who_name((enum reason_who)99), "nobody");
}

static void
counter_names_are_unique_and_fit_for_metrics(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
		const char *name = counter_name((enum counter)i);

		assert_non_null(name);
		assert_int_equal(strspn(name, METRIC_LETTERS), strlen(name));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(
			    name, counter_name((enum counter)k));
	}
	assert_string_equal(counter_name(COUNTER_EVENTS), "unknown");
}

/* Whoever reads a record finds its reason in muxd(8). */
static void
manual_names_every_reason(void **state)
{
	char path[512], text[65536];
	const char *srcdir = getenv("MUXD_SRCDIR");
	FILE *file;
	size_t n;
	int i;

	(void)state;
	(void)snprintf(
	    path, sizeof(path), "%s/man/muxd.8", srcdir != NULL ? srcdir : ".");
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	text[n] = '\0';
	for (i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		if (strstr(text, reason_info((enum reason)i)->name) == NULL)
			fail_msg("muxd(8) lacks the reason %s",
			    reason_info((enum reason)i)->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reason_stands_at_its_code),
		cmocka_unit_test(manual_names_every_reason),
		cmocka_unit_test(reason_names_are_unique_and_fit_for_metrics),
		cmocka_unit_test(reason_texts_are_sentences_without_a_stop),
		cmocka_unit_test(reasons_from_denied_on_refuse),
		cmocka_unit_test(unknown_reason_is_internal),
		cmocka_unit_test(who_has_names),
		cmocka_unit_test(counter_names_are_unique_and_fit_for_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
