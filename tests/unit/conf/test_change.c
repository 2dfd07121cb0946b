/*
 * What a reload cannot change stays, and is told of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/change.h"
#include "fixture.h"

#define SERVICE "service \"a\" { listen = \"127.0.0.1:7\" handler = echo }\n"

static void
same_values_are_no_change(void **state)
{
	struct conf *running = fixture_parse("workers = 2\n" SERVICE);
	struct conf *conf = fixture_parse(SERVICE "workers = 2\n"
						  "limits { memory = 1G }\n");
	struct conf_errors errors = { 0 };

	(void)state;
	assert_int_equal(conf_keep(conf, running, &errors), 0);
	assert_int_equal(errors.n, 0);
	assert_int_equal(conf->memory, UINT64_C(1) << 30);
	conf_free(conf);
	conf_free(running);
}

static void
options_that_take_a_restart_keep_their_values(void **state)
{
	struct conf *running =
	    fixture_parse("group = \"staff\"\nevent_backend = poll\n" SERVICE);
	struct conf *conf =
	    fixture_parse("user = \"other\"\nevent_backend = select\n" SERVICE
			  "\nworkers = 3\n");
	struct conf_errors errors = { 0 };

	(void)state;
	assert_int_equal(conf_keep(conf, running, &errors), 0);
	assert_int_equal(conf->workers, 3);
	assert_string_equal(conf->user, "muxd");
	assert_string_equal(conf->group, "staff");
	assert_string_equal(conf->event_backend, "poll");
	assert_int_equal(errors.n, 3);
	assert_int_equal(errors.nerrors, 0);
	assert_int_equal(errors.items[0].line, 1);
	assert_non_null(strstr(errors.items[0].text, "user = other"));
	/* What is gone from the text has no line there. */
	assert_int_equal(errors.items[1].line, 0);
	assert_non_null(strstr(errors.items[1].text, "group = (none)"));
	assert_int_equal(errors.items[2].line, 2);
	assert_string_equal(errors.items[2].text,
	    "event_backend = select takes a restart; until then it stays poll");
	conf_errors_free(&errors);
	conf_free(conf);
	conf_free(running);
}

static void
a_value_that_was_none_becomes_none_again(void **state)
{
	struct conf *running = fixture_parse(SERVICE);
	struct conf *conf = fixture_parse("group = \"staff\"\n" SERVICE);
	struct conf_errors errors = { 0 };

	(void)state;
	assert_int_equal(conf_keep(conf, running, &errors), 0);
	assert_null(conf->group);
	assert_int_equal(errors.n, 1);
	conf_errors_free(&errors);
	conf_free(conf);
	conf_free(running);
}

/* What a reload sends is what it has kept, and reads back the same. */
static void
the_text_has_what_was_kept(void **state)
{
	struct conf *running = fixture_parse("user = \"me\"\n" SERVICE);
	struct conf *conf = fixture_parse("user = \"you\"\n" SERVICE), *again;
	struct conf_errors errors = { 0 };
	char *text, *same;

	(void)state;
	assert_int_equal(conf_keep(conf, running, &errors), 0);
	conf_errors_free(&errors);
	text = conf_text(conf);
	assert_non_null(text);
	assert_non_null(strstr(text, "user = \"me\"\n"));
	again = fixture_parse(text);
	same = conf_text(again);
	assert_string_equal(same, text);
	free(same);
	free(text);
	conf_free(again);
	conf_free(conf);
	conf_free(running);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_values_are_no_change),
		cmocka_unit_test(options_that_take_a_restart_keep_their_values),
		cmocka_unit_test(a_value_that_was_none_becomes_none_again),
		cmocka_unit_test(the_text_has_what_was_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
