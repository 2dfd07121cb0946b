/*
 * See reload.h.
 */
#include "reload.h"

#include <signal.h>
#include <string.h>

#include "records.h"

void
reload_apply(struct muxd *muxd)
{
	muxd_mark_log(muxd);
	muxd_signal(muxd, SIGHUP);
	muxd_wait_log(muxd, "process=master", "duration_ms=*");
	if (muxd_count_log(muxd, "msg=reloaded") == 0)
		test_fail("the reload was refused");
}

void
reload_expect_refused(struct muxd *muxd, const char *text)
{
	muxd_mark_log(muxd);
	muxd_signal(muxd, SIGHUP);
	muxd_wait_log(muxd, "process=master", "duration_ms=*");
	assert_int_equal(muxd_count_log(muxd, "msg=reloaded"), 0);
	assert_int_equal(muxd_count_log(muxd, "msg=\"reload refused*"), 1);
	if (muxd_count_log(
		muxd, "msg=configuration", test_format("*%s*", text)) == 0)
		test_fail("no error says: %s", text);
}

void
reload_with(struct muxd *muxd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	muxd_vconfigure(muxd, fmt, ap);
	va_end(ap);
	reload_apply(muxd);
}
