/*
 * Requests of the control socket: their words, what they mean, what is wrong
 * with them; and the table of commands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "proc/request.h"

/* ---- words ---- */

static int
split(const char *text, char *line, const char *words[REQUEST_WORDS])
{
	const char *why = NULL;
	size_t len = strlen(text);
	int n;

	memcpy(line, text, len);
	n = request_split(line, len, words, &why);
	if (n == -1)
		assert_non_null(why);
	return n;
}

static void
expect_words(const char *text, int n, const char *const *expected)
{
	char line[REQUEST_MAX + 1];
	const char *words[REQUEST_WORDS];
	int i;

	assert_int_equal(split(text, line, words), n);
	for (i = 0; i < n; i++)
		assert_string_equal(words[i], expected[i]);
}

static void
words_are_cut_at_blanks_and_not_in_quotes(void **state)
{
	(void)state;
	expect_words("", 0, NULL);
	expect_words(" \t ", 0, NULL);
	expect_words("status", 1, (const char *const[]){ "status" });
	expect_words(" set\tweight  p/a 3 ", 4,
	    (const char *const[]){ "set", "weight", "p/a", "3" });
	expect_words("a\"b c\"d \"\" \"\\\"\\\\\"", 3,
	    (const char *const[]){ "ab cd", "", "\"\\" });
	expect_words("a\\b", 1, (const char *const[]){ "a\\b" });
}

static void
lines_that_cannot_be_cut_are_refused(void **state)
{
	static const char *const lines[] = { "\"", "a \"b", "\"\\", "\"\\n\"",
		"a\nb", "a\x7f", "\x1b[2J",
		"1 2 3 4 5 6 7 8 9 10 11 12 13 14"
		" 15 16 17" };
	char line[REQUEST_MAX + 1];
	const char *words[REQUEST_WORDS];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(split(lines[i], line, words), -1);
}

static void
what_is_written_is_read_again(void **state)
{
	static const char *const words[] = { "drain", "my pool/a", "", "\"",
		"\\", "a\tb", "c:\\d" };
	struct strbuf out = { 0 };
	char *text;

	(void)state;
	request_write(&out, words, 7);
	text = strbuf_steal(&out);
	assert_non_null(text);
	assert_int_equal(text[strlen(text) - 1], '\n');
	text[strlen(text) - 1] = '\0';
	expect_words(text, 7, words);
	mem_free(text);
}

/* ---- requests ---- */

static int
read_text(const char *text, struct request *request, char *error)
{
	static char line[REQUEST_MAX + 1];
	static const char *words[REQUEST_WORDS];
	int n = split(text, line, words);

	assert_int_not_equal(n, -1);
	return request_read(request, words, (size_t)n, error);
}

static void
expect_error(const char *text, const char *part)
{
	char error[REQUEST_ERROR_MAX];
	struct request request;

	assert_int_equal(read_text(text, &request, error), -1);
	if (strstr(error, part) == NULL)
		fail_msg("%s: %s", text, error);
}

static struct request
expect_request(const char *text, enum command_id id)
{
	char error[REQUEST_ERROR_MAX];
	struct request request;

	if (read_text(text, &request, error) == -1)
		fail_msg("%s: %s", text, error);
	assert_int_equal(request.command->id, id);
	return request;
}

static void
arguments_and_options_are_understood(void **state)
{
	struct request request;

	(void)state;
	request = expect_request("status", COMMAND_STATUS);
	assert_int_equal(request.options, 0);
	request =
	    expect_request("show servers --by-worker", COMMAND_SHOW_SERVERS);
	assert_int_equal(request.options, OPTION_BY_WORKER);
	request = expect_request("set weight p/a 3", COMMAND_SET_WEIGHT);
	assert_string_equal(request.arguments[0], "p/a");
	assert_int_equal(request.number, 3);
	request = expect_request("kill 0001000000000fFf", COMMAND_KILL);
	assert_true(request.session == UINT64_C(0x0001000000000fff));
	request = expect_request("kill --source 192.0.2.0/24", COMMAND_KILL);
	assert_int_equal(request.prefix.bits, 24);
	request = expect_request("ban --for 90s 2001:db8::/32", COMMAND_BAN);
	assert_int_equal(request.prefix.bits, 32);
	request = expect_request("wait drained", COMMAND_WAIT_DRAINED);
	assert_null(request.arguments[0]);
}

static void
what_is_wrong_is_told(void **state)
{
	(void)state;
	expect_error("", "no command");
	expect_error("statsu", "did you mean \"status\"");
	expect_error("show sesions", "did you mean \"show sessions\"");
	expect_error("show", "followed by one of: services, pools");
	expect_error("set", "weight, max-connections");
	expect_error("status now", "\"now\" is too much");
	expect_error("status --by-worker", "does not take --by-worker");
	expect_error("disable", "usage: disable POOL/SERVER");
	expect_error("drain p/a --refuse", "not for a server");
	expect_error("explain", "usage: explain PREFIX [--last N]");
	expect_error("explain 192.0.2.1 --last 0", "bad number");
	expect_error("explain --try", "usage: explain --try src=ADDRESS");
	expect_error("explain --try src=1.2.3.4 src=1.2.3.5", "usage:");
	expect_error("explain --try src=x service=a", "bad address");
	expect_error("explain --try src=10.0.0.0/8 service=a", "single");
	expect_error("explain --try src=10.0.0.1 service=", "bad argument");
	expect_error("drain a", "POOL/SERVER");
	expect_error("drain /a", "POOL/SERVER");
	expect_error("drain a/", "POOL/SERVER");
	expect_error("set weight p/a", "usage: set weight POOL/SERVER N");
	expect_error("set weight p/a x", "bad number \"x\"");
	expect_error("kill", "either a SESSION or --source");
	expect_error("kill 12 --source 1.2.3.4", "either");
	expect_error("kill 0", "bad session");
	expect_error("kill 12345678901234567", "bad session");
	expect_error("kill -1", "bad session");
	expect_error("ban 192.0.2.1/24", "bad prefix");
	expect_error("ban 192.0.2.0/24 --for", "--for takes a DURATION");
	expect_error("ban 192.0.2.0/24 --for 5", "bad duration");
	expect_error("ban 192.0.2.0/24 --for 0", "bad duration");
	expect_error("ban 192.0.2.0/24 --for 1m --for 2m", "there twice");
}

/* However long the words are. */
static void
errors_fit(void **state)
{
	char text[REQUEST_MAX + 1] = "", error[REQUEST_ERROR_MAX];
	struct request request;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	assert_int_equal(read_text(text, &request, error), -1);
	memcpy(text, "drain ", 6);
	assert_int_equal(read_text(text, &request, error), -1);
	memcpy(text, "kill --source ", 14);
	assert_int_equal(read_text(text, &request, error), -1);
	text[1000] = ' ';
	memcpy(text, "status", 6);
	assert_int_equal(read_text(text, &request, error), -1);
}

/* ---- the table ---- */

static void
commands_are_in_order_and_can_be_told_apart(void **state)
{
	char usage[COMMAND_USAGE_MAX];
	size_t i, k, len;

	(void)state;
	for (i = 0; i < COMMANDS; i++) {
		assert_int_equal(command_table[i].id, i);
		assert_true(strlen(command_table[i].help) > 5);
		(void)command_usage(&command_table[i], usage, sizeof(usage));
		assert_true(strlen(usage) < sizeof(usage) - 1);
		len = strlen(command_table[i].name);
		/* No name goes on where another one ends; but one that goes on
		 * with an option stands before it, and is tried first. */
		for (k = 0; k < COMMANDS; k++)
			if (k != i &&
			    strncmp(command_table[i].name,
				command_table[k].name, len) == 0 &&
			    (k > i ||
				strncmp(command_table[k].name + len, " --",
				    3) != 0))
				assert_true(
				    command_table[k].name[len] != '\0' &&
				    command_table[k].name[len] != ' ');
	}
}

static void
usage_tells_what_may_be_left_out(void **state)
{
	char usage[COMMAND_USAGE_MAX];

	(void)state;
	assert_string_equal(command_usage(&command_table[COMMAND_SET_WEIGHT],
				usage, sizeof(usage)),
	    "set weight POOL/SERVER N");
	assert_string_equal(command_usage(&command_table[COMMAND_WAIT_DRAINED],
				usage, sizeof(usage)),
	    "wait drained [POOL/SERVER] [--for DURATION]");
	/* One that does not fit is cut. */
	assert_string_equal(
	    command_usage(&command_table[COMMAND_SET_WEIGHT], usage, 8),
	    "set wei");
}

/* The manual has an entry for each, in the words of its usage. */
static void
manual_tells_of_every_command(void **state)
{
	const char *srcdir = getenv("srcdir");
	char path[512], line[512], wanted[128];
	bool found;
	FILE *man;
	size_t i;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/man/muxctl.8",
	    srcdir != NULL ? srcdir : ".");
	man = fopen(path, "r");
	assert_non_null(man);
	for (i = 0; i < COMMANDS; i++) {
		(void)snprintf(
		    wanted, sizeof(wanted), ".It Ic %s", command_table[i].name);
		found = false;
		rewind(man);
		while (!found && fgets(line, sizeof(line), man) != NULL)
			found = strncmp(line, wanted, strlen(wanted)) == 0 &&
			    strchr("\n ", line[strlen(wanted)]) != NULL;
		if (!found)
			fail_msg("man/muxctl.8 has no \"%s\"", wanted);
	}
	(void)fclose(man);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_cut_at_blanks_and_not_in_quotes),
		cmocka_unit_test(lines_that_cannot_be_cut_are_refused),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(arguments_and_options_are_understood),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(errors_fit),
		cmocka_unit_test(commands_are_in_order_and_can_be_told_apart),
		cmocka_unit_test(usage_tells_what_may_be_left_out),
		cmocka_unit_test(manual_tells_of_every_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
