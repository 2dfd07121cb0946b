/*
 * What people get wrong, and what they are told: all of it in one run, in
 * the order of the text, with file and line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

static void
all_errors_come_in_one_run(void **state)
{
	(void)state;
	fixture_expect("workers = 300   # too many\n"
		       "/* two\n"
		       "   lines */ wrkers = 3\n"
		       "lmits { connections = 3 }\n"
		       "user = { a, b }\n"
		       "service \"a\" {\n"
		       "\tlisten = { \"127.0.0.1:7\", # a comment in a list\n"
		       "\t    \"nowhere\" }\n"
		       "\thandler = ecko\n"
		       "\tidle_timeout = 10\n"
		       "\tlimit { rate = 10 }\n"
		       "}\n",
	    "t:1: bad value \"300\" for workers: it must be auto, or 1 to "
	    "256\n"
	    "t:3: unknown option \"wrkers\": did you mean \"workers\"?\n"
	    "t:4: unknown section \"lmits\": did you mean \"limits\"?\n"
	    "t:5: bad form of \"user\": it takes one value, not a list\n"
	    "t:8: bad value \"nowhere\" for listen: the port is missing\n"
	    "t:9: bad value \"ecko\" for handler: did you mean \"echo\"?\n"
	    "t:10: bad value \"10\" for idle_timeout: a unit is expected after "
	    "the number: ms, s, m, h or d\n"
	    "t:11: bad value \"10\" for rate: a period is expected after the "
	    "number: /s, /m or /h\n");
}

static void
unknown_names_are_told_where_they_belong(void **state)
{
	(void)state;
	fixture_expect("level = debug\n"
		       "log { workers = 3 }\n"
		       "socket { }\n"
		       "colour = { red, green }\n"
		       "paint(\"it\")\n"
		       "service \"a\" { hander = echo limits { } log { } }\n"
		       "Workers = 2\n",
	    "t:1: unknown option \"level\": it belongs in \"log\"\n"
	    "t:2: unknown option \"workers\" in \"log\": it belongs outside of "
	    "all sections\n"
	    "t:3: unknown section \"socket\": it belongs in \"service\"\n"
	    "t:4: unknown option \"colour\"\n"
	    "t:5: unknown function \"paint\"\n"
	    "t:6: unknown option \"hander\" in \"service\": did you mean "
	    "\"handler\"?\n"
	    "t:6: unknown section \"limits\" in \"service\": did you mean "
	    "\"limit\"?\n"
	    "t:6: unknown section \"log\" in \"service\": it belongs outside "
	    "of all sections\n"
	    "t:7: unknown option \"Workers\": did you mean \"workers\"?\n");
}

/* What later versions may know is no option of this one. */
static void
an_unknown_section_is_skipped_as_a_whole(void **state)
{
	(void)state;
	fixture_expect("gate \"web\" {\n"
		       "  post \"a\" { address = \"10.0.0.1:80\" } # }\n"
		       "  check { type = 'tcp}' }\n"
		       "}\n"
		       "workers = 0\n",
	    "t:1: unknown section \"gate\"\n"
	    "t:5: bad value \"0\" for workers: it must be auto, or 1 to "
	    "256\n");
}

static void
repetitions_name_both_lines(void **state)
{
	(void)state;
	fixture_expect("workers = 1\n"
		       "workers = 2\n"
		       "log { level = info }\n"
		       "log { format = json }\n"
		       "service \"a\" { listen = \"127.0.0.1:7\"\n"
		       "  handler = echo\n"
		       "  listen = { \"127.0.0.1:8\", \"127.0.0.1:9\" }\n"
		       "  limit { rate = 1/s }\n"
		       "  limit { rate = 2/s }\n"
		       "}\n"
		       "service \"a\" { listen = \"127.0.0.1:7\"\n"
		       "  handler = echo }\n",
	    "t:2: workers is given twice, first at t:1\n"
	    "t:4: section \"log\" is given twice, first at t:3\n"
	    "t:7: listen is given twice, first at t:5\n"
	    "t:9: section \"limit\" is given twice, first at t:8\n"
	    "t:11: service \"a\" is defined already, at t:5\n");
}

static void
a_service_needs_a_name_and_an_address_and_a_handler(void **state)
{
	(void)state;
	fixture_expect("service \"a\" { }\n",
	    "t:1: service \"a\" has no listen\n"
	    "t:1: service \"a\" has no handler\n");
	fixture_expect("service { }\n",
	    "t:1: bad form of \"service\": it is a section with a title: "
	    "NAME \"TITLE\" { … }\n");
	fixture_expect(
	    "service \"\" { listen = \"127.0.0.1:7\" handler = echo }\n",
	    "t:1: bad name of a service: it needs 1 to 63 characters\n");
	fixture_expect(
	    "service \"a/b\" { listen = \"127.0.0.1:7\" handler = echo }\n",
	    "t:1: bad name of a service: only letters, digits, \"_\", \".\" "
	    "and \"-\" are allowed\n");
	fixture_expect(
	    "service "
	    "\"123456789.123456789.123456789.123456789.123456789.123456789."
	    "1234\" { listen = \"127.0.0.1:7\" handler = echo }\n",
	    "t:1: bad name of a service: it needs 1 to 63 characters\n");
}

static void
a_configuration_without_a_service_is_an_error(void **state)
{
	(void)state;
	fixture_expect("", "t: there is no service\n");
	fixture_expect("# nothing\n", "t: there is no service\n");
	fixture_expect("workers = 2\n", "t: there is no service\n");
}

struct syntax {
	const char *text;
	const char *errors;
};

/* Errors before the break are told too, and nothing that follows from it. */
static const struct syntax syntax_errors[] = {
	{ "workers",
	    "t:1: syntax error after \"workers\": \"=\" or \"{\" expected, the "
	    "file ends here\n" },
	{ "workers 3\n",
	    "t:2: syntax error after \"workers\": \"=\" or \"{\" expected, the "
	    "file ends here\n" },
	{ "workers =\n\n}",
	    "t:3: syntax error after \"workers\": a value expected\n" },
	{ "user = \"\"\nworkers = = 3",
	    "t:1: bad value \"\" for user: it must be 1B to 255B\n"
	    "t:2: syntax error after \"workers\": a value expected\n" },
	{ "service \"a\" {\n idle_timeout = 5\n listen = { \"x:7\",\n",
	    "t:2: bad value \"5\" for idle_timeout: a unit is expected after "
	    "the number: ms, s, m, h or d\n"
	    "t:4: syntax error after \"listen\": a value or \"}\" expected, "
	    "the file ends here\n" },
	{ "service \"a\" { listen = { \"127.0.0.1:7\"\n \"127.0.0.1:8\" } }",
	    "t:2: syntax error after \"listen\": \",\" or \"}\" expected\n" },
	{ "\nservice \"a\" {\nhandler = echo\n",
	    "t:2: this section is not closed\n" },
	{ "service \"a\" {\nlimit {\n}\n",
	    "t:1: this section is not closed\n" },
	{ "}\n", "t:1: syntax error: unexpected \"}\"\n" },
	{ "workers = 1 }\n", "t:1: syntax error: unexpected \"}\"\n" },
	{ "= 3\n", "t:1: syntax error: unexpected \"=\"\n" },
	{ "user = \"a\nb\nc\n", "t:1: this string is not closed\n" },
	{ "user = 'a\nb\nc\\'\n", "t:1: this string is not closed\n" },
	{ "workers = 1\n/* a\n * b\n", "t:2: this comment is not closed\n" },
	{ "user += a\n",
	    "t:1: syntax error after \"user\": \"=\" and the whole list, not "
	    "\"+=\", expected\n" },
	{ "include(\"a\"\n",
	    "t:2: syntax error after \"include\": \",\" or \")\" expected, the "
	    "file ends here\n" },
	{ "include(\"a\" \"b\")\n",
	    "t:1: syntax error after \"include\": \",\" or \")\" expected\n" },
	{ "gate {\n a { \n }\n",
	    "t:1: unknown section \"gate\"\n"
	    "t:1: syntax error after \"gate\": a closing \"}\" expected\n" },
	{ "user = \"\\8\"\n",
	    "t:1: bad escape \"\\8\": an octal one goes from \\1 to \\377\n" },
	{ "user = \"\\1234\"\n",
	    "t:1: bad escape \"\\1234\": an octal one goes from \\1 to "
	    "\\377\n" },
	{ "user = \"${HOME\n\"",
	    "t:1: \"${\" begins the name of an environment variable, and a "
	    "\"}\" is missing behind it; write \"\\${\" for the characters "
	    "themselves\n" },
	{ "log \"x\" { }\n",
	    "t:1: bad form of \"log\": it is a section: NAME { … }\n" },
	{ "log = x\n",
	    "t:1: bad form of \"log\": it is a section: NAME { … }\n" },
	{ "workers { }\n",
	    "t:1: bad form of \"workers\": it is an option: NAME = VALUE\n" },
	{ "include = \"a\"\n",
	    "t:1: bad form of \"include\": it is a function of one text: "
	    "NAME(\"PATH\")\n" },
	{ "include_dir()\n",
	    "t:1: bad form of \"include_dir\": it is a function of one text: "
	    "NAME(\"PATH\")\n" },
	{ "user = a*b\n", "t:1: a text with \"*\" in it needs quotes\n" },
	{ "user = ${MUXD_TEST_IS_NOT_SET}\n",
	    "t:1: there is no environment variable "
	    "\"MUXD_TEST_IS_NOT_SET\"\n" },
};

static void
syntax_errors_are_told_and_nothing_misleading_follows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(syntax_errors) / sizeof(syntax_errors[0]); i++)
		fixture_expect(syntax_errors[i].text, syntax_errors[i].errors);
}

/* A line is a line, whatever stands between. */
/* What was left out elsewhere is no reason to keep quiet about a service; what
 * was left out in it may be the very option. */
static void
what_a_service_lacks_is_told_unless_it_may_have_been_left_out(void **state)
{
	(void)state;
	fixture_expect(
	    "wrokers = 2\n"
	    "service \"a\" { handler = echo }\n"
	    "service \"b\" { handler = echo  lisen = \"x\" }\n"
	    "service \"c\" { handler = echo  limit { rote = 1/s } }\n"
	    "service \"d\" { listen = \"127.0.0.1:7\"\n"
	    "  socket { backlog = }\n",
	    "t:1: unknown option \"wrokers\": did you mean \"workers\"?\n"
	    "t:2: service \"a\" has no listen\n"
	    "t:3: unknown option \"lisen\" in \"service\": did you mean "
	    "\"listen\"?\n"
	    "t:4: unknown option \"rote\" in \"service.limit\": did you "
	    "mean \"rate\"?\n"
	    "t:6: syntax error after \"backlog\": a value expected\n");
}

/* The shortest statements, and those that stand right behind a value. */
static void
what_is_left_out_takes_nothing_with_it(void **state)
{
	(void)state;
	fixture_expect("workers = 2x\n"
		       "a=1 a() a{} a={} a\n=\n1\n"
		       "log { level = ecko\"\"{} format = jsn'b'=1 }\n"
		       "service \"a\" { handler = ecko\"\n",
	    "t:1: bad value \"2x\" for workers: a whole number is expected, "
	    "without a unit\n"
	    "t:2: unknown option \"a\"\n"
	    "t:2: unknown function \"a\"\n"
	    "t:2: unknown section \"a\"\n"
	    "t:2: unknown option \"a\"\n"
	    "t:2: unknown option \"a\"\n"
	    "t:5: unknown section \"\" in \"log\"\n"
	    "t:5: unknown option \"b\" in \"log\"\n"
	    "t:5: bad value \"ecko\" for level: it must be one of error, "
	    "warning, notice, info, debug\n"
	    "t:5: bad value \"jsn\" for format: did you mean \"json\"?\n"
	    "t:6: this string is not closed\n"
	    "t:6: bad value \"ecko\" for handler: did you mean \"echo\"?\n");
}

static void
lines_are_counted_through_comments_and_strings(void **state)
{
	(void)state;
	fixture_expect("# one\n// two\n/* three\n four */ /* still */\n"
		       "log { # five\r\n"
		       "\tlevel # six\n"
		       "\t= /* seven\n eight */ lowd // nine\n"
		       "}\n"
		       "service \"a\" // a title\n"
		       "{ listen = \"127.0.0.1:7\" handler = http\n"
		       "http { body = \"1\n2\\\n3\n\"\n"
		       "status = 1 } }\n"
		       "workers = 0 #",
	    "t:8: bad value \"lowd\" for level: it must be one of error, "
	    "warning, notice, info, debug\n"
	    "t:16: bad value \"1\" for status: it must be 200 to 599\n"
	    "t:17: bad value \"0\" for workers: it must be auto, or 1 to "
	    "256\n");
}

static void
comments_may_stand_anywhere(void **state)
{
	struct conf *conf = fixture_parse(
	    "workers/**/=/* # */3 //x\n"
	    "service # {\n\"a\" /* { */ { listen = { # {\n"
	    "\"127.0.0.1:7\" /* , */, // }\n } handler = # x\necho }\n"
	    "#\n##\n###############################\n"
	    "# 3456789012345678901234567890123");

	(void)state;
	assert_int_equal(conf->workers, 3);
	assert_int_equal(conf->services[0].nlisten, 1);
	conf_free(conf);
}

static void
environment_variables_are_replaced(void **state)
{
	struct conf *conf;

	(void)state;
	assert_int_equal(setenv("MUXD_TEST_USER", "someone", 1), 0);
	conf = fixture_parse(
	    "user = ${MUXD_TEST_USER}\n"
	    "group = \"a${MUXD_TEST_NONE:-b}\\${c\"\n" FIXTURE_SERVICE);
	assert_string_equal(conf->user, "someone");
	assert_string_equal(conf->group, "ab${c");
	conf_free(conf);
	assert_int_equal(unsetenv("MUXD_TEST_USER"), 0);
}

static void
errors_keep_a_terminal_safe(void **state)
{
	(void)state;
	fixture_expect("\x1b[2Jx = 1\n", "t:1: unknown option \"\\x1b[2Jx\"\n");
}

static void
a_long_value_is_quoted_in_part(void **state)
{
	char text[400] = "workers = ", *errors;

	(void)state;
	memset(text + strlen(text), 'x', 300);
	errors = fixture_errors(text);
	assert_non_null(strstr(errors, "x…\" for workers"));
	assert_true(strlen(errors) < 200);
	free(errors);
}

static void
errors_can_be_added_from_outside(void **state)
{
	struct conf_errors errors = { 0 };
	char *text = NULL;
	size_t len;
	FILE *out;

	(void)state;
	conf_error_add(&errors, true, "f", 3, "no user \"%s\"", "x");
	conf_error_add(&errors, false, "f", 0, "none");
	assert_int_equal(errors.n, 2);
	assert_int_equal(errors.nerrors, 1);
	out = open_memstream(&text, &len);
	conf_errors_print(&errors, out);
	fclose(out);
	assert_string_equal(text, "f:3: warning: no user \"x\"\nf: none\n");
	free(text);
	conf_errors_free(&errors);
	assert_int_equal(errors.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_errors_come_in_one_run),
		cmocka_unit_test(unknown_names_are_told_where_they_belong),
		cmocka_unit_test(an_unknown_section_is_skipped_as_a_whole),
		cmocka_unit_test(repetitions_name_both_lines),
		cmocka_unit_test(
		    a_service_needs_a_name_and_an_address_and_a_handler),
		cmocka_unit_test(a_configuration_without_a_service_is_an_error),
		cmocka_unit_test(
		    syntax_errors_are_told_and_nothing_misleading_follows),
		cmocka_unit_test(
		    what_a_service_lacks_is_told_unless_it_may_have_been_left_out),
		cmocka_unit_test(what_is_left_out_takes_nothing_with_it),
		cmocka_unit_test(
		    lines_are_counted_through_comments_and_strings),
		cmocka_unit_test(comments_may_stand_anywhere),
		cmocka_unit_test(environment_variables_are_replaced),
		cmocka_unit_test(errors_keep_a_terminal_safe),
		cmocka_unit_test(a_long_value_is_quoted_in_part),
		cmocka_unit_test(errors_can_be_added_from_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
