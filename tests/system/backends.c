/*
 * See backends.h.
 */
#include "backends.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "harness.h"
#include "records.h"

/* Whether the binary has it, and it works here.  Any other error than its
 * absence is left for the tests to show. */
static bool
has_backend(const char *name)
{
	static const char *const ready[] = { "msg=ready", NULL };
	struct muxd *muxd = muxd_new();
	void *state = NULL;
	bool has;

	muxd_configure(muxd,
	    "workers = 1\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	setenv("MUXD_BACKEND", name, 1);
	muxd_launch(muxd);
	has = capture_wait(muxd->capture, 0, 1, ready, test_deadline_ms()) !=
		NULL ||
	    strstr(muxd_output(muxd), "cannot open the event backend") == NULL;
	kill(muxd->pid, SIGTERM);
	(void)muxd_wait_exit(muxd);
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
		failures += _cmocka_run_group_tests(name, tests, n, NULL, NULL);
	}
	unsetenv("MUXD_BACKEND");
	return failures;
}
