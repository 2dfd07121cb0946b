/*
 * Every option: its default, what it takes, what it refuses, and that the
 * values land where the rest of muxd looks for them.
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

#define VALUES_MAX 14

/* Texts as they stand behind "NAME = ". */
struct sample {
	const char *section;
	const char *name;
	const char *good[VALUES_MAX];
	const char *bad[VALUES_MAX];
};

#define TIMEOUT_VALUES                                                         \
	{ "0", "\"0\"", "1ms", "\"1.5s\"", "\"90s\"", "7d", "\"168h\"" },      \
	{                                                                      \
		"10", "\"10\"", "\"\"", "-1s", "1x", "8d", "\"10 s\"", "true", \
		    "99999999999999999999s"                                    \
	}
#define COUNT_VALUES                                                   \
	{ "0", "1", "\"200\"", "10000000" },                           \
	{                                                              \
		"10000001", "-1", "1.5", "1K", "many", "\"\"", "0x10", \
		    "18446744073709551617"                             \
	}
#define RATE_VALUES                                                    \
	{ "0", "\"1/s\"", "\"3/m\"", "1000000/h" },                    \
	{                                                              \
		"10", "\"10\"", "\"10/d\"", "\"1000001/s\"", "\"/s\"", \
		    "\"5s\""                                           \
	}
#define ACCOUNT_VALUES                                            \
	{ "nobody", "\"www-data\"", "\"1000\"" },                 \
	{                                                         \
		"\"\"", "\"a:b\"", "\"a b\"", "\"a/b\"", "\"-a\"" \
	}
#define BOOLEAN_VALUES                                                     \
	{ "true", "yes", "on", "false", "no", "off", "\"true\"", "TRUE" }, \
	{                                                                  \
		"1", "0", "maybe", "\"\""                                  \
	}
#define PREFIX_VALUES                                                         \
	{ "\"0.0.0.0/0\"", "{ \"10.0.0.0/8\", \"2001:db8::/32\" }",           \
		"192.0.2.1" },                                                \
	{                                                                     \
		"{ \"10.0.0.1/8\" }", "{ \"10.0.0.0/33\" }", "\"localhost\"", \
		    "\"\"", "{ }"                                             \
	}

static const struct sample samples[] = {
	{ "", "workers", { "auto", "\"auto\"", "1", "256" },
	    { "0", "257", "-1", "Auto", "2x", "\"\"", "{ 1 }" } },
	{ "", "user", ACCOUNT_VALUES },
	{ "", "group", ACCOUNT_VALUES },
	{ "", "event_backend",
	    { "auto", "epoll", "\"kqueue\"", "epoll-level", "poll", "select" },
	    { "iocp", "\"\"", "Epoll" } },
	{ "", "control", { "\"/run/x.sock\"", "/tmp/a" },
	    { "\"x.sock\"", "\"/\"", "\"\"",
		"\"/1234567890123456789012345678901234567890123456789012345678"
		"901234567890123456789012345678901234567890123456789\"" } },
	{ "log", "target",
	    { "auto", "journal", "syslog", "stderr", "\"file:/var/log/x\"" },
	    { "\"file:x\"", "\"file:\"", "\"file:/\"", "stdout", "\"\"" } },
	{ "log", "level", { "error", "warning", "notice", "info", "debug" },
	    { "warn", "verbose", "3", "\"\"" } },
	{ "log", "format", { "logfmt", "\"json\"" }, { "xml", "\"\"" } },
	{ "log", "access", BOOLEAN_VALUES },
	{ "limits", "connections", { "auto", "1", "10000000" },
	    { "0", "10000001", "1K", "-5", "all" } },
	{ "limits", "per_source", COUNT_VALUES },
	{ "limits", "memory", { "1M", "\"64M\"", "\"1.5G\"", "1024G" },
	    { "1000K", "256", "1025G", "0", "1T", "-1M" } },
	{ "defaults", "idle_timeout", TIMEOUT_VALUES },
	{ "defaults", "first_byte_timeout", TIMEOUT_VALUES },
	{ "defaults", "lifetime", TIMEOUT_VALUES },
	{ "defaults", "drain_timeout", TIMEOUT_VALUES },
	{ "service", "listen",
	    { "127.0.0.1:7", "\"[::1]:7\"", "{ \"*:7\", \"udp:*:7\" }",
		"\"unix:/tmp/x\"", "tcp:127.0.0.1:7",
		"{ \"127.0.0.1:0\", \"127.0.0.1:0\" }" },
	    { "\"127.0.0.1\"", "7", "*:7", "\"localhost:7\"", "{ }",
		"\"unix:x\"", "\"127.0.0.1:65536\"", "\"224.0.0.1:7\"",
		"{ \"127.0.0.1:7\" \"127.0.0.1:8\" }", "\"sctp:[::]:7\"" } },
	{ "service", "handler",
	    { "echo", "discard", "chargen", "daytime", "time", "http" },
	    { "relay", "\"\"", "ECHO" } },
	{ "service", "allow", PREFIX_VALUES },
	{ "service", "deny", PREFIX_VALUES },
	{ "service", "idle_timeout", TIMEOUT_VALUES },
	{ "service", "first_byte_timeout", TIMEOUT_VALUES },
	{ "service", "lifetime", TIMEOUT_VALUES },
	{ "service.limit", "connections", COUNT_VALUES },
	{ "service.limit", "per_source", COUNT_VALUES },
	{ "service.limit", "rate", RATE_VALUES },
	{ "service.limit", "source_rate", RATE_VALUES },
	{ "service.limit", "source_datagram_rate", RATE_VALUES },
	{ "service.limit", "when_full", { "wait", "\"refuse\"" },
	    { "reset", "\"\"" } },
	{ "service.limit", "wait_timeout", { "0", "1ms", "\"1h\"" },
	    { "2h", "5", "\"\"" } },
	{ "service.socket", "backlog", { "1", "65535" },
	    { "0", "65536", "1K" } },
	{ "service.socket", "keepalive", { "0", "1s", "\"9h\"" },
	    { "10h", "500ms", "60" } },
	{ "service.socket", "nodelay", BOOLEAN_VALUES },
	{ "service.socket", "user_timeout", { "0", "1s", "7d" },
	    { "999ms", "8d", "30" } },
	{ "service.socket", "defer_accept", { "0", "1s", "1h" },
	    { "999ms", "61m", "30" } },
	{ "service.socket", "fastopen", { "0", "1", "65535" },
	    { "65536", "-1", "true" } },
	{ "service.socket", "unix_mode", { "0660", "\"777\"", "0", "\"0\"" },
	    { "888", "1777", "rw", "\"\"", "00660" } },
	{ "service.socket", "unix_user", ACCOUNT_VALUES },
	{ "service.socket", "unix_group", ACCOUNT_VALUES },
	{ "service.echo", "prefix", { "\"\"", "x", "\"a\\tb\\x01\\n\"" },
	    { "{ a }", "\"a\\0b\"", "\"\\x00\"", "\"\\400\"" } },
	{ "service.http", "status", { "200", "404", "599" },
	    { "199", "600", "OK", "100" } },
	{ "service.http", "body", { "\"\"", "\"200 OK\\n\"" }, { "{ a }" } },
	{ "service.http", "body_file", { "\"/dev/../etc/passwd\"" },
	    { "\"/nonexistent/x\"", "\"/dev/zero\"", "\"/\"", "\"\"" } },
	{ "service.http", "content_type",
	    { "text/html", "\"text/html; charset=utf-8\"" },
	    { "\"a\\r\\nX: y\"", "\"a\\nb\"", "\"\"", "\"\\x7f\"" } },
	{ "service.http", "headers",
	    { "\"X-A: b\"", "{ \"Server: x\", \"Cache-Control: no-store\" }",
		"\"X-Empty:\"" },
	    { "\"X-A\"", "\"X A: b\"", "\": b\"", "\"X-A: b\\r\\nY: z\"",
		"\"date: x\"", "\"Content-Length: 3\"", "\"X-A : b\"",
		"\"Connection: close\"", "\"Transfer-Encoding: chunked\"",
		"\"Content-Type: a\"", "\"X: \\x01\"", "{ }" } },
	{ "service.http", "head_timeout", { "1ms", "1h" },
	    { "0", "61m", "10" } },
	{ "service.http", "keepalive_timeout", { "1ms", "1h" },
	    { "0", "61m", "10" } },
	{ "service.http", "max_body", { "0", "1B", "\"1.5K\"", "1G" },
	    { "10", "2G", "\"\"" } },
};

#define NSAMPLES (sizeof(samples) / sizeof(samples[0]))

static const struct sample *
find_sample(const char *section, const char *name)
{
	size_t i;

	for (i = 0; i < NSAMPLES; i++) {
		if (strcmp(samples[i].section, section) == 0 &&
		    strcmp(samples[i].name, name) == 0)
			return &samples[i];
	}
	return NULL;
}

/* A whole configuration in which the option stands on line 3. */
static char *
embed(const char *section, const char *name, const char *value)
{
	const char *handler = "echo";
	const char *listen = "\"127.0.0.1:9\", \"udp:127.0.0.1:9\"";
	const char *inner = strchr(section, '.');
	char *text;

	if (strcmp(section, "service.http") == 0) {
		handler = "http";
		listen = "\"127.0.0.1:9\"";
	}
	if (strncmp(section, "service", 7) != 0)
		assert_int_not_equal(
		    asprintf(&text, "%s%s\n\n%s = %s\n%s" FIXTURE_SERVICE,
			section, *section != '\0' ? " {" : "", name, value,
			*section != '\0' ? "}\n" : ""),
		    -1);
	else if (strcmp(name, "listen") == 0)
		assert_int_not_equal(
		    asprintf(&text,
			"service \"s\" { handler = echo\n\n%s = %s\n}\n", name,
			value),
		    -1);
	else if (strcmp(name, "handler") == 0)
		assert_int_not_equal(
		    asprintf(&text,
			"service \"s\" { listen = \"127.0.0.1:9\"\n\n%s = %s"
			"\n}\n",
			name, value),
		    -1);
	else
		assert_int_not_equal(
		    asprintf(&text,
			"service \"s\" { handler = %s listen = { %s, "
			"\"unix:/tmp/s\" }\n%s%s\n%s = %s\n%s}\n",
			handler, listen, inner != NULL ? inner + 1 : "",
			inner != NULL ? " {" : "", name, value,
			inner != NULL ? "}\n" : ""),
		    -1);
	return text;
}

static void
every_option_has_samples(void **state)
{
	struct conf_option_info info;
	size_t n;

	(void)state;
	for (n = 0; conf_option_at(n, &info); n++) {
		if (find_sample(info.section, info.name) == NULL)
			fail_msg(
			    "no samples for %s.%s", info.section, info.name);
	}
	assert_int_equal(n, NSAMPLES);
}

static void
good_values_are_taken(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < NSAMPLES; i++) {
		for (j = 0; samples[i].good[j] != NULL; j++) {
			char *text = embed(samples[i].section, samples[i].name,
			    samples[i].good[j]);
			char *errors = fixture_errors(text);

			if (*errors != '\0')
				fail_msg("%s%s", text, errors);
			free(errors);
			free(text);
		}
	}
}

/* One error, on the line of the value, that names the option or quotes what
 * is wrong about the text. */
static void
bad_values_are_refused_where_they_stand(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < NSAMPLES; i++) {
		for (j = 0; samples[i].bad[j] != NULL; j++) {
			char *text = embed(samples[i].section, samples[i].name,
			    samples[i].bad[j]);
			char *errors = fixture_errors(text);
			char *end = strchr(errors, '\n');

			if (strncmp(errors, "t:3: ", 5) != 0 || end == NULL ||
			    end[1] != '\0')
				fail_msg("%s%s", text, errors);
			free(errors);
			free(text);
		}
	}
}

/* What a default says, written out, changes nothing. */
static void
defaults_are_what_the_table_says(void **state)
{
	struct conf_option_info info;
	size_t i;

	(void)state;
	for (i = 0; conf_option_at(i, &info); i++) {
		const struct sample *sample =
		    find_sample(info.section, info.name);
		char *quoted, *plain, *text, *with, *without;
		struct conf *conf;

		if (info.fallback == NULL || sample == NULL)
			continue;
		assert_int_not_equal(
		    asprintf(&quoted, "\"%s\"", info.fallback), -1);
		text = embed(info.section, info.name, quoted);
		conf = fixture_parse(text);
		with = fixture_dump(conf, false);
		conf_free(conf);
		plain = strstr(text, info.name);
		memset(plain, ' ', strlen(info.name) + 3 + strlen(quoted));
		conf = fixture_parse(text);
		without = fixture_dump(conf, false);
		conf_free(conf);
		assert_string_equal(with, without);
		free(with);
		free(without);
		free(text);
		free(quoted);
	}
	assert_true(i > 40);
}

static void
values_land_in_the_global_options(void **state)
{
	struct conf *conf = fixture_parse(
	    "workers = 3 user = u group = g event_backend = poll\n"
	    "control = /tmp/c.sock\n"
	    "log { target = \"file:/tmp/l\" level = debug format = json\n"
	    "  access = no }\n"
	    "limits { connections = 10 per_source = 2 memory = 64M }\n"
	    "defaults { drain_timeout = 5s idle_timeout = 1m\n"
	    "  first_byte_timeout = 2s lifetime = 1h }\n" FIXTURE_SERVICE);

	(void)state;
	assert_int_equal(conf->workers, 3);
	assert_string_equal(conf->user, "u");
	assert_string_equal(conf->group, "g");
	assert_string_equal(conf->event_backend, "poll");
	assert_string_equal(conf->control, "/tmp/c.sock");
	assert_int_equal(conf->log.target, LOG_TARGET_FILE);
	assert_string_equal(conf->log.path, "/tmp/l");
	assert_int_equal(conf->log.level, LOG_LEVEL_DEBUG);
	assert_int_equal(conf->log.format, LOG_FORMAT_JSON);
	assert_false(conf->log.access);
	assert_int_equal(conf->connections, 10);
	assert_int_equal(conf->per_source, 2);
	assert_int_equal(conf->memory, 64 << 20);
	assert_int_equal(conf->drain_timeout, 5000);
	assert_int_equal(conf->nservices, 1);
	assert_int_equal(conf->services[0].timeouts.idle, 60000);
	assert_int_equal(conf->services[0].timeouts.first_byte, 2000);
	assert_int_equal(conf->services[0].timeouts.lifetime, 3600000);
	conf_free(conf);
}

static void
values_land_in_their_service(void **state)
{
	struct conf *conf = fixture_parse(
	    "service \"a\" { listen = { \"*:7\", \"udp:[::1]:7\",\n"
	    "  \"unix:/tmp/a\" } handler = echo echo { prefix = \"> \" }\n"
	    "  allow = { \"10.0.0.0/8\", \"::1\" } deny = 10.1.0.0/16\n"
	    "  idle_timeout = 1s first_byte_timeout = 2s lifetime = 3s\n"
	    "  limit { connections = 4 per_source = 5 rate = 6/s\n"
	    "    source_rate = 7/m source_datagram_rate = 8/h\n"
	    "    when_full = refuse wait_timeout = 9s }\n"
	    "  socket { backlog = 10 keepalive = 11s nodelay = off\n"
	    "    user_timeout = 12s defer_accept = 13s fastopen = 14\n"
	    "    unix_mode = 0640 unix_user = u unix_group = g } }\n"
	    "service \"b\" { listen = \"127.0.0.1:80\" handler = http }\n");
	const struct conf_service *a = &conf->services[0];
	const struct conf_service *b = &conf->services[1];

	(void)state;
	assert_int_equal(conf->nservices, 2);
	assert_string_equal(a->name, "a");
	assert_int_equal(a->line, 1);
	assert_string_equal(a->file, "t");
	assert_int_equal(a->handler, HANDLER_ECHO);
	assert_int_equal(a->nlisten, 4);
	assert_int_equal(a->listen[0].addr.family, ADDR_INET4);
	assert_int_equal(a->listen[1].addr.family, ADDR_INET6);
	assert_int_equal(a->listen[2].transport, TRANSPORT_UDP);
	assert_string_equal(a->listen[3].path, "/tmp/a");
	assert_int_equal(a->nallow, 2);
	assert_int_equal(a->ndeny, 1);
	assert_int_equal(a->timeouts.idle, 1000);
	assert_int_equal(a->timeouts.first_byte, 2000);
	assert_int_equal(a->timeouts.lifetime, 3000);
	assert_int_equal(a->limit.connections, 4);
	assert_int_equal(a->limit.per_source, 5);
	assert_int_equal(a->limit.rate.count, 6);
	assert_int_equal(a->limit.rate.period_ms, 1000);
	assert_int_equal(a->limit.source_rate.period_ms, 60000);
	assert_int_equal(a->limit.source_datagram_rate.count, 8);
	assert_int_equal(a->limit.when_full, WHEN_FULL_REFUSE);
	assert_int_equal(a->limit.wait_timeout, 9000);
	assert_int_equal(a->socket.backlog, 10);
	assert_int_equal(a->socket.keepalive, 11000);
	assert_false(a->socket.nodelay);
	assert_int_equal(a->socket.user_timeout, 12000);
	assert_int_equal(a->socket.defer_accept, 13000);
	assert_int_equal(a->socket.fastopen, 14);
	assert_int_equal(a->socket.unix_mode, 0640);
	assert_string_equal(a->socket.unix_user, "u");
	assert_string_equal(a->socket.unix_group, "g");
	assert_string_equal(a->echo.prefix, "> ");
	assert_int_equal(a->echo.prefix_len, 2);

	assert_int_equal(b->handler, HANDLER_HTTP);
	assert_int_equal(b->line, 11);
	assert_int_equal(b->http.status, 200);
	assert_int_equal(b->http.body_len, 0);
	assert_string_equal(b->http.content_type, "text/plain");
	assert_int_equal(b->http.head_timeout, 10000);
	assert_int_equal(b->http.keepalive_timeout, 60000);
	assert_int_equal(b->http.max_body, 1 << 20);
	assert_int_equal(b->timeouts.idle, 600000);
	assert_int_equal(b->limit.source_datagram_rate.count, 1000);
	assert_int_equal(b->socket.unix_mode, 0666);
	assert_null(b->socket.unix_user);
	assert_null(conf->group);
	assert_int_equal(conf->workers, 0);
	assert_int_equal(conf->connections, 0);
	conf_free(conf);
}

static void
sections_may_stand_in_any_order(void **state)
{
	struct conf *conf =
	    fixture_parse("service \"a\" { echo { prefix = x }"
			  " handler = echo listen = \"127.0.0.1:7\" }\n"
			  "defaults { idle_timeout = 7s } workers = 2\n");

	(void)state;
	assert_int_equal(conf->services[0].timeouts.idle, 7000);
	assert_int_equal(conf->workers, 2);
	conf_free(conf);
}

static void
long_texts_are_measured_in_bytes(void **state)
{
	char prefix[258], *text, *errors;
	size_t len;

	(void)state;
	for (len = 256; len <= 257; len++) {
		memset(prefix, 'x', len);
		prefix[len] = '\0';
		text = embed("service.echo", "prefix", prefix);
		errors = fixture_errors(text);
		assert_int_equal(*errors == '\0', len == 256);
		free(errors);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_has_samples),
		cmocka_unit_test(good_values_are_taken),
		cmocka_unit_test(bad_values_are_refused_where_they_stand),
		cmocka_unit_test(defaults_are_what_the_table_says),
		cmocka_unit_test(values_land_in_the_global_options),
		cmocka_unit_test(values_land_in_their_service),
		cmocka_unit_test(sections_may_stand_in_any_order),
		cmocka_unit_test(long_texts_are_measured_in_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
