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

/* Dump, parse, dump: the texts are the same, with origins and without.
 * Returns what was parsed. */
static struct conf *
round_trip(const struct conf *conf)
{
	char *first = fixture_dump(conf, false);
	char *marked = fixture_dump(conf, true);
	struct conf *plain = fixture_parse(first);
	struct conf *from_marked = fixture_parse(marked);
	char *second = fixture_dump(plain, false);
	char *third = fixture_dump(from_marked, false);

	assert_string_equal(first, second);
	assert_string_equal(first, third);
	conf_free(from_marked);
	free(first);
	free(marked);
	free(second);
	free(third);
	return plain;
}

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
	conf_free(round_trip(conf));
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
	conf_free(round_trip(conf));
	conf_free(conf);
	conf_errors_free(&errors);
	free(path);
	fixture_folder_remove(folder);
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

/* ---- any configuration -------------------------------------------------------- */

/* The tests' own random numbers, the same on every run. */
struct dice {
	uint32_t state;
};

static uint32_t
roll(struct dice *dice, uint32_t sides)
{
	dice->state = dice->state * 1664525 + 1013904223;
	return (dice->state >> 8) % sides;
}

/* A quoted text of any bytes but NUL, in any way to write them. */
static void
put_string(struct dice *dice, FILE *out, uint32_t max)
{
	static const char odd[] = "\"\\${}'#/*\n\t\r =,()";
	uint32_t len = roll(dice, max + 1);

	putc('"', out);
	while (len-- > 0) {
		unsigned byte = 1 + roll(dice, 255);

		if (roll(dice, 3) == 0)
			byte = (unsigned char)odd[roll(dice, sizeof(odd) - 1)];
		switch (roll(dice, 3)) {
		case 0:
			fprintf(out, "\\x%02x", byte);
			break;
		case 1:
			/* Three digits: one more might follow. */
			fprintf(out, "\\%03o\\\n", byte);
			break;
		default:
			if (byte == '"' || byte == '\\' || byte == '$')
				putc('\\', out);
			putc((int)byte, out);
		}
	}
	putc('"', out);
}

static void
put_some(struct dice *dice, FILE *out, const char *const *options, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (roll(dice, 3) == 0)
			fprintf(out, "%s\n", options[i]);
	}
}

#define PUT_SOME(dice, out, options) \
	put_some(dice, out, options, sizeof(options) / sizeof(options[0]))

static void
put_service(struct dice *dice, FILE *out, unsigned i)
{
	static const char *const handlers[] = { "echo", "discard", "chargen",
		"daytime", "time", "http" };
	static const char *const options[] = { "idle_timeout = 1.5s",
		"first_byte_timeout = 61s", "lifetime = \"25h\"",
		"allow = { \"10.0.0.0/8\", \"::/0\" }", "deny = 192.0.2.7" };
	static const char *const limits[] = { "connections = 77",
		"per_source = 3", "rate = 9/s", "source_rate = \"5/m\"",
		"when_full = refuse", "wait_timeout = 1500ms" };
	static const char *const sockets[] = { "backlog = 1", "keepalive = 0",
		"nodelay = off", "user_timeout = 100s", "fastopen = 5" };
	const char *handler = handlers[roll(dice, 6)];

	fprintf(out, "service 's-%u' {\nhandler = %s\n", i, handler);
	fprintf(out, "listen = { \"127.0.0.1:%u\", \"unix:/tmp/s%u\" }\n",
	    1000 + i, i);
	PUT_SOME(dice, out, options);
	fprintf(out, "limit {\n");
	PUT_SOME(dice, out, limits);
	fprintf(out, "}\nsocket {\n");
	PUT_SOME(dice, out, sockets);
	fprintf(out, "}\n");
	if (strcmp(handler, "echo") == 0) {
		fprintf(out, "echo { prefix = ");
		put_string(dice, out, 256);
		fprintf(out, " }\n");
	} else if (strcmp(handler, "http") == 0) {
		fprintf(
		    out, "http { status = %u body = ", 500 + roll(dice, 100));
		put_string(dice, out, 2000);
		fprintf(out,
		    " headers = { \"X-A: \xc3\xbc ${X:-\\\"$\\\"}\", "
		    "'X-B: \"\\\\' } max_body = %uB }\n",
		    roll(dice, 100000));
	}
	fprintf(out, "}\n");
}

static char *
make_configuration(struct dice *dice)
{
	static const char *const global[] = { "workers = 2", "user = \"x\"",
		"group = \"y\"", "event_backend = poll",
		"log { target = \"file:/tmp/a \\\" b\" level = debug }",
		"limits { connections = 5 memory = 1.5M }",
		"defaults { idle_timeout = 0 drain_timeout = 1s }",
		"control = \"/tmp/\\x01c.sock\"" };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	unsigned i, n = 1 + roll(dice, 4);

	assert_non_null(out);
	PUT_SOME(dice, out, global);
	for (i = 0; i < n; i++)
		put_service(dice, out, i);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
any_configuration_reads_back(void **state)
{
	struct dice dice = { 20261121 };
	unsigned i;
	size_t j;

	(void)state;
	for (i = 0; i < 200; i++) {
		char *text = make_configuration(&dice);
		struct conf *conf = fixture_parse(text);
		struct conf *again = round_trip(conf);

		assert_int_equal(conf->nservices, again->nservices);
		for (j = 0; j < conf->nservices; j++) {
			const struct conf_service *a = &conf->services[j];
			const struct conf_service *b = &again->services[j];

			assert_int_equal(a->http.body_len, b->http.body_len);
			assert_int_equal(
			    a->echo.prefix_len, b->echo.prefix_len);
			assert_string_equal(a->echo.prefix, b->echo.prefix);
			assert_string_equal(a->http.body, b->http.body);
		}
		conf_free(again);
		conf_free(conf);
		free(text);
	}
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
	again = round_trip(conf);
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
		conf_free(round_trip(conf));
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
		cmocka_unit_test(a_failing_stream_is_told),
		cmocka_unit_test(any_configuration_reads_back),
		cmocka_unit_test(every_byte_reads_back),
		cmocka_unit_test(shipped_files_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
