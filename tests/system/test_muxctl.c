/*
 * muxctl as an administrator uses it: tables, JSON, exit statuses, completion,
 * the live table and the prompt.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "control.h"
#include "records.h"
#include "server.h"

static struct muxd *
start(void)
{
	return muxd_start("workers = 2\n"
			  "defaults { drain_timeout = \"50ms\" }\n"
			  "pool \"web\" {\n"
			  "  server \"a\" { address = \"%s\" }\n"
			  "  server \"b\" { address = \"%s\" }\n"
			  "}\n"
			  "service \"www\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"web\"\n"
			  "}\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n",
	    server_absent(), server_absent());
}

static void
expect(struct muxd_result result, int status, const char *out, const char *err)
{
	if (result.status != status)
		test_fail(
		    "status %d: %s%s", result.status, result.out, result.err);
	if (strstr(result.out, out) == NULL)
		test_fail("no \"%s\" in: %s", out, result.out);
	if (*err == '\0' ? result.err[0] != '\0'
			 : strstr(result.err, err) == NULL)
		test_fail("no \"%s\" in: %s", err, result.err);
}

static void
exit_status_tells_what_became_of_it(void **state)
{
	struct muxd *muxd = start();

	(void)state;
	expect(muxctl_run(muxd, "status"), 0, "healthy", "");
	expect(
	    muxctl_run(muxd, "drain", "web/a"), 0, "web/a is draining\n", "");
	expect(muxctl_run(muxd, "drain", "web/x"), 1, "",
	    "there is no server \"web/x\"");
	expect(muxctl_run(muxd, "kill", "1234"), 1, "", "no session 1234");
	expect(muxctl_run(muxd, "drian", "web/a"), 2, "",
	    "did you mean \"drain\"");
	expect(muxctl_run(muxd, "show"), 2, "", "followed by one of");
	expect(muxctl_run(muxd, "ban", "192.0.2.0/24", "--for", "5"), 2, "",
	    "bad duration");
	expect(muxctl_run(muxd, "--nothing"), 2, "", "unknown option");
	expect(muxctl_run(muxd, NULL), 2, "", "there is no command");
	expect(muxctl_run(muxd, "--help"), 0, "set weight POOL/SERVER N", "");
	expect(muxctl_run(muxd, "--version"), 0, "muxctl ", "");
	expect(muxctl_run(muxd, "top"), 2, "", "needs a terminal");
	muxd_stop(muxd);
	expect(muxctl_run(muxd, "status"), 2, "", "does it run?");
}

/* Without a screen, a line a second, until muxd is gone. */
static void
top_and_help_speak_json(void **state)
{
	struct muxd *muxd = start();
	struct muxctl_terminal terminal;

	(void)state;
	expect(muxctl_run(muxd, "help", "--json"), 0,
	    "{\"name\":\"explain --try\",", "");
	muxctl_start(&terminal, muxd, "top", "--json");
	muxctl_wait_for(&terminal, "\"services\":[{");
	muxctl_wait_for(&terminal, "\"services\":[{");
	muxd_stop(muxd);
	assert_int_equal(muxctl_wait_status(&terminal), 1);
}

static void
tables_show_what_there_is(void **state)
{
	struct muxd *muxd = start();
	int fd = client_connect(muxd_address(muxd, "echo", 0));
	const char *session;

	(void)state;
	client_echo(fd, "hello\n");
	expect(muxctl_run(muxd, "show", "services"), 0, "\necho     echo", "");
	expect(muxctl_run(muxd, "show", "services", "--by-worker"), 0,
	    "\n  worker 1", "");
	expect(muxctl_run(muxd, "show", "pools"), 0, "2 of 2", "");
	expect(muxctl_run(muxd, "set", "weight", "web/b", "7"), 0,
	    "web/b has weight 7\n", "");
	expect(muxctl_run(muxd, "show", "servers"), 0, "\nweb/b", "");
	expect(muxctl_run(muxd, "show", "sessions"), 0, "127.0.0.1:", "");
	expect(muxctl_run(muxd, "show", "sources"), 0, "127.0.0.1/32", "");
	expect(muxctl_run(muxd, "show", "limits"), 0, "limits.memory", "");
	expect(muxctl_run(muxd, "show", "workers"), 0, "serving", "");
	expect(muxctl_run(muxd, "metrics"), 0, "\n# TYPE muxd_", "");
	expect(muxctl_run(muxd, "show", "config"), 0, "service \"echo\" {", "");
	expect(muxctl_run(muxd, "ban", "192.0.2.0/24"), 0,
	    "192.0.2.0/24 is banned\n", "");
	expect(muxctl_run(muxd, "show", "bans"), 0, "192.0.2.0/24", "");
	session = control_order(muxd, "show sessions");
	session = strstr(session, "\"session\":\"") + 11;
	expect(muxctl_run(muxd, "kill", test_format("%.16s", session)), 0,
	    "1 session is told to end\n", "");
	(void)client_wait_end(fd);
	client_expect_refused(muxd_address(muxd, "www", 0), NULL);
	expect(
	    muxctl_run(muxd, "show", "errors"), 0, "connect_refused  www", "");
	muxd_stop(muxd);
}

static void
json_is_what_the_daemon_says(void **state)
{
	struct muxd *muxd = start();
	struct muxd_result result;

	(void)state;
	expect(muxctl_run(muxd, "status", "--json"), 0, "{\"status\":{", "");
	expect(muxctl_run(muxd, "--json", "show", "services"), 0,
	    "{\"services\":[{\"name\":\"www\"", "");
	result = muxctl_run(muxd, "--json", "drain", "web/x");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.out, "{\"ok\":false,\"error\":"));
	/* No session, no line. */
	result = muxctl_run(muxd, "--json", "show", "sessions");
	assert_int_equal(result.status, 0);
	assert_string_equal(result.out, "");
	muxd_stop(muxd);
}

static void
daemon_that_does_not_answer_is_given_up(void **state)
{
	struct muxd *muxd = start();
	struct muxd_result result;

	(void)state;
	muxd_signal(muxd, SIGSTOP);
	result = muxctl_run(muxd, "status");
	muxd_signal(muxd, SIGCONT);
	expect(result, 1, "", "muxd does not answer");
	muxd_stop(muxd);
}

static void
stop_and_wait_return_when_it_is_over(void **state)
{
	struct muxd *muxd = start();

	(void)state;
	expect(muxctl_run(muxd, "wait", "drained"), 0, "", "");
	expect(muxctl_run(muxd, "stop"), 0, "muxd stops\n", "");
	assert_int_equal(muxd_wait_status(muxd), 0);
}

static void
words_are_completed(void **state)
{
	struct muxd *muxd = start();
	struct muxd_result result;

	(void)state;
	result = muxctl_run(muxd, "--complete", "show", "se");
	assert_string_equal(result.out, "services\nservers\nsessions\n");
	result = muxctl_run(muxd, "--complete", "dr");
	assert_string_equal(result.out, "drain\n");
	result = muxctl_run(muxd, "--complete", "set", "weight", "web/");
	assert_string_equal(result.out, "web/a\nweb/b\n");
	result = muxctl_run(muxd, "--complete", "ban", "1.2.3.4", "--f");
	assert_string_equal(result.out, "--for\n");
	(void)control_order(muxd, "ban 192.0.2.0/24");
	result = muxctl_run(muxd, "--complete", "unban", "1");
	assert_string_equal(result.out, "192.0.2.0/24\n");
	muxd_stop(muxd);
	/* Without a daemon, as far as that goes. */
	result = muxctl_run(muxd, "--complete", "show", "w");
	assert_int_equal(result.status, 0);
	assert_string_equal(result.out, "workers\n");
}

static void
top_shows_rates_and_hears_keys(void **state)
{
	struct muxd *muxd = start();
	struct muxctl_terminal terminal;
	int i;

	(void)state;
	muxctl_start(&terminal, muxd, "top");
	muxctl_wait_for(&terminal, "NEW/S");
	muxctl_wait_for(&terminal, "by the order of the configuration");
	muxctl_type(&terminal, "s");
	muxctl_wait_for(&terminal, "by sessions");
	for (i = 0; i < 7; i++)
		client_echo(
		    client_connect(muxd_address(muxd, "echo", 0)), "hello\n");
	muxctl_wait_for(&terminal, ": 7 sessions");
	muxctl_type(&terminal, "q");
	assert_int_equal(muxctl_wait_status(&terminal), 0);
	/* The screen that was there is back, and so is the cursor. */
	terminal.seen[terminal.len] = '\0';
	assert_non_null(strstr(terminal.seen, "\033[?25h\033[?1049l"));
	muxd_stop(muxd);
}

static void
prompt_reads_commands_and_shows_events(void **state)
{
	struct muxd *muxd = start();
	struct muxctl_terminal terminal;

	(void)state;
	muxctl_start(&terminal, muxd, NULL);
	muxctl_wait_for(&terminal, "muxd> ");
	muxctl_type(&terminal, "show pools\n");
	muxctl_wait_for(&terminal, "round_robin");
	/* Half a line stays what it is while something happens. */
	muxctl_type(&terminal, "dra");
	muxctl_wait_for(&terminal, "muxd> dra");
	(void)control_order(muxd, "disable web/b");
	muxctl_wait_for(&terminal, "* server web/b is disabled, and was up");
	muxctl_wait_for(&terminal, "muxd> dra");
	muxctl_type(&terminal, "in web/a\n");
	muxctl_wait_for(&terminal, "web/a is draining");
	/* The line before, by an arrow; names by Tab. */
	muxctl_type(&terminal, "\033[A");
	muxctl_wait_for(&terminal, "muxd> drain web/a");
	muxctl_type(&terminal, "\025ena\t");
	muxctl_wait_for(&terminal, "muxd> enable ");
	muxctl_type(&terminal, "web/a\n");
	muxctl_wait_for(&terminal, "web/a is enabled");
	muxctl_type(&terminal, "nonsense\n");
	muxctl_wait_for(&terminal, "unknown command \"nonsense\"");
	muxctl_type(&terminal, "quit\n");
	assert_int_equal(muxctl_wait_status(&terminal), 0);
	muxd_stop(muxd);
}

static void
prompt_outlives_the_daemon(void **state)
{
	struct muxd *muxd = start();
	struct muxctl_terminal terminal;

	(void)state;
	muxctl_start(&terminal, muxd, NULL);
	muxctl_wait_for(&terminal, "muxd> ");
	muxd_stop(muxd);
	muxctl_wait_for(&terminal, "* muxd has closed the connection");
	muxctl_type(&terminal, "status\n");
	muxctl_wait_for(&terminal, "does it run?");
	muxctl_type(&terminal, "\004");
	assert_int_equal(muxctl_wait_status(&terminal), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(exit_status_tells_what_became_of_it),
		system_test(top_and_help_speak_json),
		system_test(tables_show_what_there_is),
		system_test(json_is_what_the_daemon_says),
		system_test(daemon_that_does_not_answer_is_given_up),
		system_test(stop_and_wait_return_when_it_is_over),
		system_test(words_are_completed),
		system_test(top_shows_rates_and_hears_keys),
		system_test(prompt_reads_commands_and_shows_events),
		system_test(prompt_outlives_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
