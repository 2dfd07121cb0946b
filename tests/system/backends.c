/*
 * See backends.h.
 */
#include "backends.h"

#include <stdlib.h>
#include <string.h>

#include "harness.h"

/* Whether the binary was built with it.  Any other error is left for the
 * tests to show. */
static bool
has_backend(const char *name)
{
	struct muxd *muxd = muxd_new();
	struct muxd_result result;
	void *state = NULL;
	bool has;

	muxd_configure(muxd,
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	result = muxd_run(muxd, "-t", "--event-backend", name, "-c",
	    test_format("%s/muxd.conf", muxd->dir));
	has = strstr(result.err, "no event backend") == NULL;
	muxd_teardown(&state);
	return has;
}

int
backends_run(const char *name, const struct CMUnitTest *tests, size_t n)
{
	static const char *const backends[] = { "epoll", "epoll-level",
		"kqueue", "poll", "select" };
	const char *only = getenv("MUXD_BACKEND");
	int failures = 0;
	size_t i;

	if (only != NULL)
		return _cmocka_run_group_tests(name, tests, n, NULL, NULL);

	for (i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		if (!has_backend(backends[i])) {
			print_message("muxd has no %s\n", backends[i]);
			continue;
		}
		print_message("under %s:\n", backends[i]);
		setenv("MUXD_BACKEND", backends[i], 1);
		failures += _cmocka_run_group_tests(name, tests, n, NULL, NULL);
	}
	unsetenv("MUXD_BACKEND");
	return failures;
}
