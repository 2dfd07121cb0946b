/*
 * Any configuration that chance makes: its canonical text reads back as the
 * same one.
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

static void
put_server(struct dice *dice, FILE *out, unsigned i)
{
	static const char *const addresses[] = { "192.0.2.1:80",
		"[2001:db8::1]:80", "unix:/run/a b", "www.example.org:80",
		"_http._tcp.example.org." };
	static const char *const options[] = { "weight = 7",
		"max_connections = 8", "state = draining",
		"check_address = \"[::1]:81\"" };

	fprintf(
	    out, "server s%u { address = \"%s\" ", i, addresses[roll(dice, 5)]);
	PUT_SOME(dice, out, options);
	/* The first one is none, which would be warned about. */
	if (i > 0 && roll(dice, 3) == 0)
		fprintf(out, "backup = yes ");
	fprintf(out, "}\n");
}

static void
put_check(struct dice *dice, FILE *out)
{
	static const char *const options[] = { "interval = 9s",
		"timeout = 1.5s", "rise = 1", "fall = 1", "port = 81" };
	static const char *const http[] = { "method = HEAD", "path = \"/x\"",
		"host = \"x:80\"", "status = { 200, \"300-302\" }" };

	if (roll(dice, 3) == 0) {
		fprintf(out, "check { type = none }\n");
		return;
	}
	fprintf(out, "check {\n");
	PUT_SOME(dice, out, options);
	switch (roll(dice, 3)) {
	case 0:
		fprintf(out, "type = tcp }\n");
		break;
	case 1:
		fprintf(out, "type = http\n");
		PUT_SOME(dice, out, http);
		fprintf(out, "}\n");
		break;
	default:
		fprintf(out, "type = send expect = x send = ");
		put_string(dice, out, 200);
		fprintf(out, " }\n");
	}
}

/* A pool and the service that uses it. */
static void
put_pool(struct dice *dice, FILE *out, unsigned i)
{
	static const char *const options[] = { "balance = hash",
		"hash_prefix4 = 24", "retries = 0", "connect_timeout = 7s",
		"half_close_timeout = 0", "idle_timeout = 1d", "lifetime = 25h",
		"queue = 0", "proxy_protocol = v1", "splice = off",
		"resolve = first", "addresses = 3", "resolve_min = 61s" };
	static const char *const sockets[] = { "keepalive = 0", "nodelay = off",
		"source = \"::1\"", "mark = 4294967295", "dscp = 63" };
	unsigned j, n = 1 + roll(dice, 3);

	fprintf(out, "pool p%u {\n", i);
	PUT_SOME(dice, out, options);
	for (j = 0; j < n; j++)
		put_server(dice, out, j);
	put_check(dice, out);
	fprintf(out, "socket {\n");
	PUT_SOME(dice, out, sockets);
	fprintf(out, "} }\n");
	fprintf(out,
	    "service r%u { handler = relay pool = p%u listen = "
	    "\"127.0.0.1:%u\" %s }\n",
	    i, i, 2000 + i,
	    roll(dice, 2) == 0 ? "accept_proxy = \"::/0\"" : "");
}

static char *
make_configuration(struct dice *dice)
{
	static const char *const global[] = { "workers = 2", "user = \"x\"",
		"group = \"y\"", "event_backend = poll",
		"log { target = \"file:/tmp/a \\\" b\" level = debug }",
		"limits { connections = 5 memory = 1.5M }",
		"defaults { idle_timeout = 0 connect_timeout = 4s }",
		"resolver { servers = { \"::1\", \"192.0.2.1:5353\" } }",
		"status { listen = { \"127.0.0.1:1\", \"[::1]:2\" } hosts = q "
		"}",
		"control = \"/tmp/\\x01c.sock\"" };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	unsigned i, n = 1 + roll(dice, 4);

	assert_non_null(out);
	PUT_SOME(dice, out, global);
	for (i = 0; i < n; i++)
		put_service(dice, out, i);
	n = roll(dice, 3);
	for (i = 0; i < n; i++)
		put_pool(dice, out, i);
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
		struct conf *again = fixture_round_trip(conf);

		assert_int_equal(conf->nservices, again->nservices);
		assert_int_equal(conf->npools, again->npools);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_configuration_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
