/*
 * Lists that a reload cannot change stay as they were, too.
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

#define FIXED "user = u event_backend = poll\n"

static struct conf_errors errors;

static void
list_stays_as_it_was(void **state)
{
	struct conf *running =
	    fixture_parse(FIXED "status { listen = { \"127.0.0.1:1\", "
				"\"[::1]:2\" } hosts = a }\n" FIXTURE_SERVICE);
	struct conf *conf =
	    fixture_parse(FIXED "status { listen = { \"127.0.0.1:3\" } hosts = "
				"{ b, c } }\n" FIXTURE_SERVICE);

	(void)state;
	assert_int_equal(conf_keep(conf, running, &errors), 0);
	assert_int_equal(errors.n, 2);
	assert_non_null(strstr(errors.items[0].text,
	    "status.listen = 127.0.0.1:3 takes a restart; until then it stays "
	    "127.0.0.1:1, [::1]:2"));
	assert_int_equal(errors.items[0].line, 2);
	assert_int_equal(conf->status.nlisten, 2);
	assert_int_equal(conf->status.listen[0].addr.port, 1);
	assert_int_equal(conf->status.listen[1].addr.port, 2);
	assert_int_equal(conf->status.nhosts, 1);
	assert_string_equal(conf->status.hosts[0], "a");
	conf_errors_free(&errors);
	conf_free(conf);
	conf_free(running);
}

static void
list_that_comes_or_goes_does_not(void **state)
{
	struct conf *with = fixture_parse(
	    FIXED "status { listen = \"127.0.0.1:1\" }\n" FIXTURE_SERVICE);
	struct conf *without = fixture_parse(FIXED FIXTURE_SERVICE);
	struct conf *again = fixture_parse(
	    FIXED "status { listen = \"127.0.0.1:1\" }\n" FIXTURE_SERVICE);

	(void)state;
	assert_int_equal(conf_keep(again, with, &errors), 0);
	assert_int_equal(errors.n, 0);
	assert_int_equal(conf_keep(with, without, &errors), 0);
	assert_int_equal(errors.n, 1);
	assert_int_equal(with->status.nlisten, 0);
	assert_int_equal(conf_keep(without, again, &errors), 0);
	assert_int_equal(errors.n, 2);
	assert_int_equal(without->status.nlisten, 1);
	assert_int_equal(without->status.listen[0].addr.port, 1);
	conf_errors_free(&errors);
	conf_free(with);
	conf_free(without);
	conf_free(again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_stays_as_it_was),
		cmocka_unit_test(list_that_comes_or_goes_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
