/*
 * muxd -t and -T, and a command line that is wrong: what they print, how
 * they end, and what they leave alone.
 */
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "records.h"

static const char good[] = "workers = 2\n"
			   "service \"echo\" {\n"
			   "  listen = { \"127.0.0.1:7777\" }\n"
			   "  handler = \"echo\"\n"
			   "}\n";

/* Run muxd on DIR/muxd.conf. */
static struct muxd_result
check(struct muxd *muxd, const char *option)
{
	return muxd_run(
	    muxd, option, "-c", test_format("%s/muxd.conf", muxd->dir));
}

static struct muxd *
with_text(const char *text)
{
	struct muxd *muxd = muxd_new();

	muxd_write_file(muxd, "muxd.conf", text);
	return muxd;
}

static void
expect_text(const char *where, const char *what)
{
	if (strstr(where, what) == NULL)
		test_fail("\"%s\" is not in:\n%s", what, where);
}

static void
good_configuration_passes_silently(void **state)
{
	struct muxd_result result = check(with_text(good), "-t");

	(void)state;
	assert_int_equal(result.status, 0);
	assert_string_equal(result.err, "");
}

static void
all_errors_are_listed_with_their_lines(void **state)
{
	struct muxd_result result =
	    check(with_text("wrokers = 2\n"
			    "service \"a\" {\n"
			    "  listen = { \"127.0.0.1:99999\" }\n"
			    "  handler = \"ecko\"\n"
			    "  idle_timeout = \"10\"\n"
			    "}\n"
			    "service \"b\" {\n"
			    "  handler = \"echo\"\n"
			    "}\n"),
		"-t");

	(void)state;
	assert_int_equal(result.status, 1);
	expect_text(result.err, "muxd.conf:1: ");
	expect_text(result.err, "workers"); /* did you mean */
	expect_text(result.err, "muxd.conf:3: ");
	expect_text(result.err, "muxd.conf:4: ");
	expect_text(result.err, "\"echo\"");
	expect_text(result.err, "muxd.conf:5: ");
	expect_text(result.err, "muxd.conf:7: ");
}

static void
missing_file_is_an_error(void **state)
{
	struct muxd_result result = check(muxd_new(), "-t");

	(void)state;
	assert_int_equal(result.status, 1);
	expect_text(result.err, "muxd.conf");
	expect_text(result.err, "No such file or directory");
}

static void
included_files_count_as_part_of_the_file(void **state)
{
	struct muxd *muxd = with_text("include(\"@DIR@/one.inc\")\n"
				      "wrong = 1\n");
	struct muxd_result result;

	(void)state;
	muxd_write_file(muxd, "one.inc", good);
	result = check(muxd, "-t");
	assert_int_equal(result.status, 1);
	expect_text(result.err, "muxd.conf:2: ");

	muxd_write_file(muxd, "muxd.conf", "include(\"@DIR@/one.inc\")\n");
	assert_int_equal(check(muxd, "-t").status, 0);

	muxd_write_file(muxd, "one.inc", "workers = 2\nwrong = 1\n");
	result = check(muxd, "-t");
	assert_int_equal(result.status, 1);
	expect_text(result.err, "one.inc:2: ");
}

static void
dump_is_complete_and_tells_origins(void **state)
{
	struct muxd *muxd = with_text(good);
	struct muxd_result first = check(muxd, "-T"), second;

	(void)state;
	assert_int_equal(first.status, 0);
	assert_string_equal(first.err, "");
	expect_text(first.out, "workers = 2");
	expect_text(first.out, "muxd.conf:1");
	expect_text(first.out, "idle_timeout = ");
	expect_text(first.out, "# default");

	/* A dump is a configuration, and says the same of itself. */
	muxd_write_file(muxd, "dumped.conf", first.out);
	second = muxd_run(
	    muxd, "-T", "-c", test_format("%s/dumped.conf", muxd->dir));
	assert_int_equal(second.status, 0);
	expect_text(second.out, "workers = 2");
	expect_text(second.out, "dumped.conf:");
}

static void
dump_of_an_invalid_one_prints_errors_alone(void **state)
{
	struct muxd_result result = check(with_text("nonsense"), "-T");

	(void)state;
	assert_int_equal(result.status, 1);
	assert_string_equal(result.out, "");
	expect_text(result.err, "muxd.conf:1");
}

/* fault 11: the ports are taken, the lock is held, and the check does not
 * mind. */
static void
check_beside_a_running_muxd_opens_nothing(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 1\n"
		       "service \"echo\" {\n"
		       "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\","
		       "    \"unix:@DIR@/echo.sock\" }\n"
		       "  handler = \"echo\"\n"
		       "}\n");
	struct muxd *other = muxd_new();
	struct muxd_result result;
	size_t lines;

	(void)state;
	muxd_configure(other,
	    "workers = 1\n"
	    "control = \"%s/control.sock\"\n"
	    "service \"echo\" {\n"
	    "  listen = { \"%s\", \"%s\", \"%s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    muxd->dir, muxd_address(muxd, "echo", 0),
	    muxd_address(muxd, "echo", 1), muxd_address(muxd, "echo", 2));
	lines = muxd_count_log(muxd, "time=*");
	result = check(other, "-t");
	assert_int_equal(result.status, 0);
	assert_string_equal(result.err, "");
	result = check(other, "-T");
	assert_int_equal(result.status, 0);
	/* Whoever looked whether the socket file is alive would have been a
	 * client. */
	assert_int_equal(muxd_count_log(muxd, "time=*"), lines);
	client_visit(muxd_address(muxd, "echo", 2), NULL, "alive\n");
	muxd_stop(muxd);
}

static void
become_nobody(void)
{
	if (geteuid() == 0 && (setgid(65534) == -1 || setuid(65534) == -1))
		_exit(125);
}

/* fault 11 */
static void
check_needs_no_privilege(void **state)
{
	struct muxd *muxd =
	    with_text("user = \"root\"\n"
		      "control = \"/no/such/folder/control.sock\"\n"
		      "service \"low\" {\n"
		      "  listen = { \"127.0.0.1:1\", \"192.0.2.1:7\" }\n"
		      "  handler = \"echo\"\n"
		      "}\n");

	(void)state;
	/* A wrapper could not write its report as another user. */
	if (test_is_wrapped())
		skip();
	muxd->prepare = become_nobody;
	assert_int_equal(check(muxd, "-t").status, 0);
	assert_int_equal(check(muxd, "-T").status, 0);
}

static void
start_with_an_invalid_configuration_is_refused(void **state)
{
	struct muxd *muxd = with_text("wrokers = 2\n");

	(void)state;
	muxd_launch(muxd);
	muxd_expect_failure(muxd, 1, "muxd.conf:1: ");
}

static void
wrong_usage_is_explained(void **state)
{
	static const char *const wrong[] = { "-x", "--nonsense", "stray",
		"-c" };
	struct muxd *muxd = muxd_new();
	struct muxd_result result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		result = muxd_run(muxd, wrong[i]);
		assert_int_equal(result.status, 1);
		assert_string_equal(result.out, "");
		expect_text(result.err, "usage: muxd");
	}
}

static void
help_and_version_are_told(void **state)
{
	struct muxd *muxd = muxd_new();
	struct muxd_result result;

	(void)state;
	result = muxd_run(muxd, "-h");
	assert_int_equal(result.status, 0);
	expect_text(result.out, "usage: muxd");
	result = muxd_run(muxd, "-V");
	assert_int_equal(result.status, 0);
	assert_int_equal(strncmp(result.out, "muxd ", 5), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(good_configuration_passes_silently),
		system_test(all_errors_are_listed_with_their_lines),
		system_test(missing_file_is_an_error),
		system_test(included_files_count_as_part_of_the_file),
		system_test(dump_is_complete_and_tells_origins),
		system_test(dump_of_an_invalid_one_prints_errors_alone),
		system_test(check_beside_a_running_muxd_opens_nothing),
		system_test(check_needs_no_privilege),
		system_test(start_with_an_invalid_configuration_is_refused),
		system_test(wrong_usage_is_explained),
		system_test(help_and_version_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
