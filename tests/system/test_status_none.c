/*
 * A build without libmicrohttpd says so when a page is asked for.
 */
#include <string.h>

#include "harness.h"

static void
page_is_an_error_of_the_configuration(void **state)
{
	struct muxd *muxd = muxd_new();
	struct muxd_result result;

	(void)state;
	muxd_configure(muxd,
	    "status { listen = \"127.0.0.1:9180\" }\n"
	    "service \"echo\" { listen = \"127.0.0.1:0\" handler = echo }\n");
	result =
	    muxd_run(muxd, "-t", "-c", test_format("%s/muxd.conf", muxd->dir));
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.err, "muxd.conf:1: "));
	assert_non_null(strstr(result.err, "without libmicrohttpd"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(page_is_an_error_of_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
