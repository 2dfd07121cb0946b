/*
 * The canonical text: it reads back as the same configuration, byte for byte
 * in its strings, and tells where each value came from.
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
a_small_configuration_is_written_whole(void **state)
{
	struct conf *conf = fixture_parse(
	    "service \"a\" { handler = echo listen = \"127.0.0.1:7\"\n"
	    "idle_timeout = 90s }\n");
	char *text = fixture_dump(conf, false);

	(void)state;
	assert_string_equal(text,
	    "workers = auto\n"
	    "user = \"muxd\"\n"
	    "event_backend = \"auto\"\n"
	    "control = \"/run/muxd/control.sock\"\n"
	    "log {\n"
	    "\ttarget = \"auto\"\n"
	    "\tlevel = \"info\"\n"
	    "\tformat = \"logfmt\"\n"
	    "\taccess = true\n"
	    "\tprogress = \"1h\"\n"
	    "\tremember = true\n"
	    "\ttcp_info = \"unclean\"\n"
	    "}\n"
	    "limits {\n"
	    "\tconnections = auto\n"
	    "\tper_source = 0\n"
	    "\tmemory = \"256M\"\n"
	    "}\n"
	    "defaults {\n"
	    "\tidle_timeout = \"10m\"\n"
	    "\tfirst_byte_timeout = \"0\"\n"
	    "\tlifetime = \"0\"\n"
	    "\tdrain_timeout = \"30s\"\n"
	    "\tconnect_timeout = \"3s\"\n"
	    "\thalf_close_timeout = \"1m\"\n"
	    "}\n"
	    "resolver {\n"
	    "\ttimeout = \"2s\"\n"
	    "\ttries = 2\n"
	    "}\n"
	    "status {\n"
	    "\tallow_remote = false\n"
	    "}\n"
	    "service \"a\" {\n"
	    "\tlisten = { \"127.0.0.1:7\" }\n"
	    "\thandler = \"echo\"\n"
	    "\tidle_timeout = \"90s\"\n"
	    "\tfirst_byte_timeout = \"0\"\n"
	    "\tlifetime = \"0\"\n"
	    "\tproxy_timeout = \"3s\"\n"
	    "\tlimit {\n"
	    "\t\tconnections = 0\n"
	    "\t\tper_source = 0\n"
	    "\t\trate = \"0\"\n"
	    "\t\tsource_rate = \"0\"\n"
	    "\t\twhen_full = \"wait\"\n"
	    "\t\twait_timeout = \"1s\"\n"
	    "\t}\n"
	    "\tsocket {\n"
	    "\t\tbacklog = 4096\n"
	    "\t\tkeepalive = \"5m\"\n"
	    "\t\tnodelay = true\n"
	    "\t\tuser_timeout = \"0\"\n"
	    "\t\tdefer_accept = \"0\"\n"
	    "\t\tfastopen = 0\n"
	    "\t}\n"
	    "\techo {\n"
	    "\t\tprefix = \"\"\n"
	    "\t}\n"
	    "}\n");
	free(text);
	conf_free(fixture_round_trip(conf));
	conf_free(conf);
}

/* The line of a dump that begins with the option, without white space. */
static void
expect_origin(const char *dump, const char *option, const char *origin)
{
	const char *line = strstr(dump, option);
	const char *end;

	assert_non_null(line);
	end = strchr(line, '\n');
	assert_non_null(end);
	assert_true((size_t)(end - line) > strlen(origin));
	assert_memory_equal(end - strlen(origin), origin, strlen(origin));
}

static void
origins_are_told(void **state)
{
	char *folder = fixture_folder(), *path, *text, *origin;
	struct conf_errors errors = { 0 };
	struct conf *conf;

	(void)state;
	free(fixture_write(folder, "body", "hello\n"));
	free(fixture_write(
	    folder, "a.conf", "\ndefaults {\n idle_timeout = 1m\n}\n"));
	path = fixture_write(folder, "main.conf",
	    "include(\"a.conf\")\nservice \"w\" {\n"
	    "listen = { \"127.0.0.1:80\",\n\"127.0.0.1:81\" }\n"
	    "handler = http\nhttp {\nbody_file = body } }\n");
	conf = conf_load(path, &errors);
	assert_non_null(conf);
	text = fixture_dump(conf, true);
	expect_origin(text, "workers = auto", " # default");
	assert_int_not_equal(asprintf(&origin, " # %s:3", path), -1);
	expect_origin(text, "\tlisten = ", origin);
	free(origin);
	assert_int_not_equal(asprintf(&origin, " # %s:7", path), -1);
	expect_origin(text, "\t\tbody = \"hello\\n\"", origin);
	free(origin);
	assert_int_not_equal(asprintf(&origin, " # %s/a.conf:3", folder), -1);
	expect_origin(text, "\tidle_timeout = \"1m\"", origin);
	expect_origin(
	    strstr(text, "service"), "\tidle_timeout = \"1m\"", origin);
	free(origin);
	assert_null(strstr(text, "body_file"));
	assert_null(strstr(text, "include"));
	free(text);
	conf_free(fixture_round_trip(conf));
	conf_free(conf);
	conf_errors_free(&errors);
	free(path);
	fixture_folder_remove(folder);
}

/* Also those of sections, and of each element of a list. */
static void
origins_are_read_back(void **state)
{
	struct conf *conf =
	    fixture_parse("defaults { lifetime = 1h }\n"
			  "service \"a\" {\n"
			  "  handler = echo listen = \"127.0.0.1:7\"\n"
			  "  deny = { \"192.0.2.1\", \"192.0.2.2\",\n"
			  "    \"192.0.2.3\" }\n"
			  "  limit { connections = 5 }\n"
			  "  echo { prefix = \"a # b:3 \\\" # c:4\" } }\n");
	char *text = fixture_dump(conf, true), *origin;
	struct conf_errors errors = { 0 };
	struct conf *again = conf_parse_with_origins(text, "u", &errors);
	const char *file;
	int line;

	(void)state;
	assert_non_null(again);
	expect_origin(text, "service \"a\" {", " # t:2");
	expect_origin(text, "\tdeny = { \"192.0.2.1/32\", ", " # t:4");
	expect_origin(text, "\t    \"192.0.2.3/32\" }", " # t:5");
	assert_string_equal(again->services[0].file, "t");
	assert_int_equal(again->services[0].line, 2);
	conf_origin(again, "defaults", "lifetime", &file, &line);
	assert_string_equal(file, "t");
	assert_int_equal(line, 1);
	conf_origin(again, "defaults", "idle_timeout", &file, &line);
	assert_null(file);
	origin = fixture_dump(again, true);
	assert_string_equal(origin, text);
	free(origin);
	free(text);
	conf_free(fixture_round_trip(again));
	conf_free(again);
	conf_free(conf);
}

/* Whatever a comment says, the configuration is the same. */
static void
strange_origins_are_survived(void **state)
{
	static const char *const comments[] = { "#", "# ", "# :", "# :1",
		"# a:", "# a:0", "# a:-1", "# a:99999999999999999999", "# a:1x",
		"#a:1", "# default ", "# a:b:2", "// a:1" };
	struct conf_errors errors = { 0 };
	struct conf *conf;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(comments) / sizeof(comments[0]); i++) {
		assert_int_not_equal(
		    asprintf(&text,
			"service \"a\" { %s\nhandler = echo %s\n"
			"listen = \"127.0.0.1:7\" %s\n} %s",
			comments[i], comments[i], comments[i], comments[i]),
		    -1);
		conf = conf_parse_with_origins(text, "u", &errors);
		assert_non_null(conf);
		assert_int_equal(errors.n, 0);
		if (strcmp(comments[i], "# a:b:2") == 0) {
			assert_string_equal(conf->services[0].file, "a:b");
			assert_int_equal(conf->services[0].line, 2);
		} else {
			assert_string_equal(conf->services[0].file, "u");
			assert_int_equal(conf->services[0].line, 1);
		}
		conf_free(conf);
		free(text);
	}
}

static void
origins_are_told_of_pools(void **state)
{
	struct conf *conf = fixture_parse(
	    "service s { handler = relay pool = p listen = \"127.0.0.1:7\" }\n"
	    "defaults { connect_timeout = 4s }\n"
	    "pool p { server a { address = \"192.0.2.1:80\" }\n"
	    "  server b {\n"
	    "    address = \"www.example.org:80\" }\n"
	    "  check { type =\n"
	    "    http } }\n");
	char *text = fixture_dump(conf, true), *pool;

	(void)state;
	pool = strstr(text, "\npool \"p\" {");
	assert_non_null(pool);
	expect_origin(text, "\tpool = \"p\"", " # t:1");
	expect_origin(pool, "\tconnect_timeout = \"4s\"", " # t:2");
	expect_origin(pool, "\thalf_close_timeout = \"1m\"", " # default");
	expect_origin(pool, "\t\taddress = \"192.0.2.1:80\"", " # t:3");
	expect_origin(pool, "\t\taddress = \"www.example.org:80\"", " # t:5");
	expect_origin(pool, "\t\ttype = \"http\"", " # t:7");
	free(text);
	conf_free(fixture_round_trip(conf));
	conf_free(conf);
}

/* What does nothing is not there, so that it is not warned about. */
static void
what_has_no_effect_is_left_out(void **state)
{
	struct conf *conf = fixture_parse(
	    "service s { handler = relay pool = p listen = \"127.0.0.1:7\" }\n"
	    "pool p { server a { address = \"192.0.2.1:80\" } }\n");
	char *text = fixture_dump(conf, false);

	(void)state;
	assert_non_null(strstr(text, "\tcheck {\n\t\ttype = \"none\"\n\t}"));
	assert_non_null(strstr(text, "\tudp {\n\t}"));
	assert_null(strstr(text, "check_address"));
	assert_null(strstr(text, "\tsource ="));
	free(text);
	conf_free(fixture_round_trip(conf));
	conf_free(conf);
}

static void
a_failing_stream_is_told(void **state)
{
	struct conf *conf = fixture_parse(FIXTURE_SERVICE);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (full != NULL) {
		assert_int_equal(conf_dump(conf, full, false), -1);
		fclose(full);
	}
	conf_free(conf);
	if (full == NULL)
		skip();
}

static void
every_byte_reads_back(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct conf *conf, *again;
	unsigned byte;

	(void)state;
	assert_non_null(out);
	fputs("service \"a\" { handler = echo listen = \"127.0.0.1:7\"\n"
	      "echo { prefix = \"",
	    out);
	for (byte = 1; byte < 256; byte++)
		fprintf(out, "\\x%02x", byte);
	fputs("\" } }\n", out);
	fclose(out);
	conf = fixture_parse(text);
	again = fixture_round_trip(conf);
	assert_int_equal(again->services[0].echo.prefix_len, 255);
	for (byte = 1; byte < 256; byte++)
		assert_int_equal(
		    (unsigned char)again->services[0].echo.prefix[byte - 1],
		    byte);
	conf_free(again);
	conf_free(conf);
	free(text);
}

static void
shipped_files_read_back(void **state)
{
	static const char *const names[] = { "conf/muxd.conf",
		"conf/demo.conf" };
	const char *srcdir = getenv("MUXD_SRCDIR");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct conf_errors errors = { 0 };
		struct conf *conf;
		char *path;

		assert_int_not_equal(
		    asprintf(&path, "%s/%s", srcdir != NULL ? srcdir : ".",
			names[i]),
		    -1);
		conf = conf_load(path, &errors);
		conf_errors_print(&errors, stderr);
		assert_int_equal(errors.n, 0);
		assert_non_null(conf);
		conf_free(fixture_round_trip(conf));
		conf_free(conf);
		free(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_configuration_is_written_whole),
		cmocka_unit_test(origins_are_told),
		cmocka_unit_test(origins_are_told_of_pools),
		cmocka_unit_test(origins_are_read_back),
		cmocka_unit_test(strange_origins_are_survived),
		cmocka_unit_test(what_has_no_effect_is_left_out),
		cmocka_unit_test(a_failing_stream_is_told),
		cmocka_unit_test(every_byte_reads_back),
		cmocka_unit_test(shipped_files_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
