/*
 * Every option: its default, what it takes, what it refuses.
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

#define VALUES_MAX 20

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
#define WITHIN_HOUR_VALUES                     \
	{ "1ms", "\"1.5s\"", "1h" },           \
	{                                      \
		"0", "61m", "5", "\"\"", "-1s" \
	}
#define PERCENT_VALUES                         \
	{ "0", "50", "100" },                  \
	{                                      \
		"101", "-1", "\"50%\"", "\"\"" \
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
	{ "log", "progress", { "0", "1s", "\"1h\"", "7d" },
	    { "999ms", "8d", "10", "\"\"" } },
	{ "log", "remember", BOOLEAN_VALUES },
	{ "log", "tcp_info", { "never", "\"unclean\"", "always" },
	    { "maybe", "true", "\"\"" } },
	{ "limits", "connections", { "auto", "1", "10000000" },
	    { "0", "10000001", "1K", "-5", "all" } },
	{ "limits", "per_source", COUNT_VALUES },
	{ "limits", "memory", { "1M", "\"64M\"", "\"1.5G\"", "1024G" },
	    { "1000K", "256", "1025G", "0", "1T", "-1M" } },
	{ "defaults", "idle_timeout", TIMEOUT_VALUES },
	{ "defaults", "first_byte_timeout", TIMEOUT_VALUES },
	{ "defaults", "lifetime", TIMEOUT_VALUES },
	{ "defaults", "drain_timeout", TIMEOUT_VALUES },
	{ "defaults", "connect_timeout", WITHIN_HOUR_VALUES },
	{ "defaults", "half_close_timeout", TIMEOUT_VALUES },
	{ "resolver", "servers",
	    { "192.0.2.53", "\"192.0.2.53:5353\"",
		"{ \"2001:db8::53\", \"[2001:db8::53]:5353\" }",
		"\"[2001:db8::53]\"", "\"::ffff:192.0.2.53\"" },
	    { "\"dns.example.org\"", "\"192.0.2.53:\"", "\"192.0.2.53:0\"",
		"\"192.0.2.53:65536\"", "\"0.0.0.0\"", "\"ff02::1\"", "\"\"",
		"{ }", "\"udp:192.0.2.53:53\"", "\"unix:/tmp/dns\"" } },
	{ "resolver", "timeout", { "10ms", "\"2.5s\"", "1m" },
	    { "0", "9ms", "61s", "5" } },
	{ "resolver", "tries", { "1", "10" }, { "0", "11", "2s" } },
	{ "status", "listen",
	    { "127.0.0.1:9180", "\"[::1]:9180\"", "tcp:127.0.0.1:9",
		"{ \"127.0.0.1:0\", \"127.0.0.2:0\" }" },
	    { "\"127.0.0.1\"", "9180", "\"localhost:9180\"", "{ }",
		"\"192.0.2.1:9180\"", "\"udp:127.0.0.1:9180\"",
		"\"unix:/tmp/x\"", "{ \"127.0.0.1:9180\", \"127.0.0.1:9180\" }",
		"\"127.0.0.1:7\"" } },
	{ "status", "allow_remote", BOOLEAN_VALUES },
	{ "status", "hosts", { "a", "{ \"mux.example.org\", \"b_c\" }" },
	    { "\"\"", "\"a:80\"", "\"[::1]\"", "{ }", "\"a b\"" } },
	{ "service", "listen",
	    { "127.0.0.1:7", "\"[::1]:7\"", "{ \"*:7\", \"udp:*:7\" }",
		"\"unix:/tmp/x\"", "tcp:127.0.0.1:7",
		"{ \"127.0.0.1:0\", \"127.0.0.1:0\" }" },
	    { "\"127.0.0.1\"", "7", "*:7", "\"localhost:7\"", "{ }",
		"\"unix:x\"", "\"127.0.0.1:65536\"", "\"224.0.0.1:7\"",
		"{ \"127.0.0.1:7\" \"127.0.0.1:8\" }", "\"sctp:[::]:7\"" } },
	{ "service", "handler",
	    { "echo", "discard", "chargen", "daytime", "time", "http" },
	    { "\"relais\"", "\"\"", "ECHO" } },
	{ "service", "allow", PREFIX_VALUES },
	{ "service", "deny", PREFIX_VALUES },
	{ "service", "idle_timeout", TIMEOUT_VALUES },
	{ "service", "first_byte_timeout", TIMEOUT_VALUES },
	{ "service", "lifetime", TIMEOUT_VALUES },
	{ "service", "pool", { "p", "\"p\"" },
	    { "\"\"", "q", "P", "{ p, q }" } },
	{ "service", "accept_proxy", PREFIX_VALUES },
	{ "service", "proxy_timeout", WITHIN_HOUR_VALUES },
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
	{ "pool", "balance",
	    { "round_robin", "\"least_connections\"", "random", "hash" },
	    { "roundrobin", "\"\"", "first" } },
	{ "pool", "hash_prefix4", { "1", "24", "32" }, { "0", "33", "/24" } },
	{ "pool", "hash_prefix6", { "1", "64", "128" }, { "0", "129", "/64" } },
	{ "pool", "retries", { "0", "15" }, { "16", "-1", "\"\"" } },
	{ "pool", "connect_timeout", WITHIN_HOUR_VALUES },
	{ "pool", "half_close_timeout", TIMEOUT_VALUES },
	{ "pool", "idle_timeout", { "service", "\"service\"", "1ms", "7d" },
	    { "0", "8d", "10", "Service", "\"\"" } },
	{ "pool", "lifetime", { "service", "\"service\"", "1ms", "7d" },
	    { "0", "8d", "10", "never", "\"\"" } },
	{ "pool", "lifetime_jitter", PERCENT_VALUES },
	{ "pool", "queue", { "0", "1", "1000000" }, { "1000001", "1K", "-1" } },
	{ "pool", "queue_timeout", WITHIN_HOUR_VALUES },
	{ "pool", "slow_start", { "0", "1ms", "1h" }, { "61m", "5", "\"\"" } },
	{ "pool", "max_failures", { "0", "1", "1000" }, { "1001", "-1" } },
	{ "pool", "fail_timeout", WITHIN_HOUR_VALUES },
	{ "pool", "max_ejected", PERCENT_VALUES },
	{ "pool", "proxy_protocol", { "none", "v1", "\"v2\"" },
	    { "v3", "2", "\"\"" } },
	{ "pool", "splice", { "auto", "off", "\"on\"" },
	    { "true", "no", "\"\"" } },
	{ "pool", "resolve", { "all", "first" }, { "some", "1", "\"\"" } },
	{ "pool", "addresses", { "1", "64" }, { "0", "65", "all" } },
	{ "pool", "resolve_min", { "100ms", "\"1.5s\"", "1d" },
	    { "0", "99ms", "25h", "5" } },
	{ "pool", "resolve_max", { "100ms", "\"1.5s\"", "1d" },
	    { "0", "99ms", "25h", "5" } },
	{ "pool.server", "address",
	    { "\"192.0.2.1:80\"", "\"[2001:db8::1]:80\"", "\"[fe80::1%1]:80\"",
		"\"unix:/run/a b.sock\"", "\"www.example.org:80\"",
		"\"www.example.org.:65535\"", "localhost:1",
		"\"3com.example:80\"", "\"a-1.b2:80\"",
		"\"_http._tcp.example.org\"", "\"_a-b._udp.x.\"" },
	    { "\"192.0.2.1\"", "\"192.0.2.1:0\"", "\"192.0.2.1:65536\"",
		"\"192.0.2.256:80\"", "\"2001:db8::1\"", "\"::1:80\"",
		"\"[::]:80\"", "\"0.0.0.0:80\"", "\"224.0.0.1:80\"",
		"\"255.255.255.255:80\"", "\"[ff02::1]:80\"", "\"[::1]\"",
		"\"\"", "\"unix:x\"", "\"tcp:192.0.2.1:80\"",
		"\"udp:localhost:80\"", "{ \"192.0.2.1:80\" }" } },
	{ "pool.server", "weight", { "1", "256" }, { "0", "257", "-1" } },
	{ "pool.server", "max_connections", COUNT_VALUES },
	{ "pool.server", "backup", BOOLEAN_VALUES },
	{ "pool.server", "state", { "enabled", "draining", "\"disabled\"" },
	    { "up", "true", "\"\"" } },
	{ "pool.server", "check_address",
	    { "\"192.0.2.1:80\"", "\"[2001:db8::1]:80\"", "\"unix:/a\"" },
	    { "\"192.0.2.1\"", "\"192.0.2.1:0\"", "\"localhost:80\"",
		"\"_http._tcp.example.org\"", "\"0.0.0.0:1\"", "\"\"" } },
	{ "pool.check", "type", { "none", "tcp", "\"http\"" },
	    { "https", "ping", "\"\"" } },
	{ "pool.check", "interval", { "10ms", "1d" }, { "0", "9ms", "25h" } },
	{ "pool.check", "timeout", { "10ms", "1h" }, { "0", "9ms", "61m" } },
	{ "pool.check", "rise", { "1", "1000" }, { "0", "1001" } },
	{ "pool.check", "fall", { "1", "1000" }, { "0", "1001" } },
	{ "pool.check", "port", { "0", "1", "65535" },
	    { "65536", "-1", "http" } },
	{ "pool.check", "method", { "GET", "OPTIONS", "\"X-Y\"" },
	    { "\"\"", "\"G T\"", "\"GET /\"", "\"G\\n\"",
		"\"123456789012345678901234567890123\"" } },
	{ "pool.check", "path", { "/", "\"/a/b?c=d&e=%20\"" },
	    { "\"\"", "x", "\"/a b\"", "\"/a\\r\\nX: y\"", "\"/\xc3\xbc\"",
		"\"/\x7f\"" } },
	{ "pool.check", "host", { "\"\"", "www.example.org", "\"[::1]:80\"" },
	    { "\"a b\"", "\"a\\r\\nX: y\"", "\"a/b\"", "\"\xc3\xbc\"" } },
	{ "pool.check", "status",
	    { "200", "\"200-299\"", "{ 100, \"204-204\", \"500-599\" }" },
	    { "99", "600", "\"299-200\"", "\"200-\"", "\"-200\"",
		"\"200-299-300\"", "OK", "\"\"", "2000", "\"200 \"", "\"0200\"",
		"{ }" } },
	{ "pool.check", "send", { "\"\"", "\"PING\\r\\n\"", "\"\\x01\"" },
	    { "{ a }", "\"\\x00\"" } },
	{ "pool.check", "expect", { "\"\"", "\"+PONG\"", "\"\\xff\"" },
	    { "{ a }", "\"\\x00\"" } },
	{ "pool.socket", "keepalive", { "0", "1s", "\"9h\"" },
	    { "10h", "500ms", "60" } },
	{ "pool.socket", "nodelay", BOOLEAN_VALUES },
	{ "pool.socket", "user_timeout", { "0", "1s", "7d" },
	    { "999ms", "8d", "30" } },
	{ "pool.socket", "source",
	    { "192.0.2.1", "\"2001:db8::1\"", "\"[2001:db8::1]\"",
		"\"fe80::1%1\"" },
	    { "\"192.0.2.1:80\"", "\"[2001:db8::1]:80\"", "localhost", "\"\"",
		"0.0.0.0", "\"::\"", "\"ff02::1\"", "\"[::1\"",
		"\"192.0.2.0/24\"" } },
	{ "pool.socket", "mark", { "0", "1", "4294967295" },
	    { "4294967296", "0x10", "-1" } },
	{ "pool.socket", "dscp", { "0", "46", "63" }, { "64", "-1", "EF" } },
	{ "pool.udp", "idle_timeout", { "1ms", "7d" }, { "0", "8d", "10" } },
	{ "pool.udp", "responses", { "0", "1", "1000000" },
	    { "1000001", "-1" } },
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

/* What surrounds an option: lines 1 and 2, and what follows line 3. */
struct frame {
	const char *section;
	const char *name; /* NULL: any other */
	const char *before;
	const char *after;
};

#define RELAY                                                                 \
	"service \"s\" { handler = relay listen = \"127.0.0.1:9\" pool = p }" \
	" pool \"p\" { "
#define SERVER "server \"z\" { address = \"192.0.2.9:80\" } "
#define ECHO                                                          \
	"service \"s\" { handler = echo listen = { \"127.0.0.1:9\", " \
	"\"udp:127.0.0.1:9\", \"unix:/tmp/s\" } "

static const struct frame frames[] = {
	{ "", NULL, "\n\n", FIXTURE_SERVICE },
	{ "log", NULL, "log {\n\n", "}\n" FIXTURE_SERVICE },
	{ "limits", NULL, "limits {\n\n", "}\n" FIXTURE_SERVICE },
	{ "defaults", NULL, "defaults {\n\n", "}\n" FIXTURE_SERVICE },
	{ "resolver", NULL, "resolver {\n\n", "}\n" FIXTURE_SERVICE },
	{ "status", NULL, "status {\n\n", "}\n" FIXTURE_SERVICE },
	{ "service", "listen", "service \"s\" { handler = echo\n\n", "}\n" },
	{ "service", "handler", "service \"s\" { listen = \"127.0.0.1:9\"\n\n",
	    "}\n" },
	{ "service", "pool",
	    "service \"s\" { handler = relay listen = \"127.0.0.1:9\"\n\n",
	    "} pool \"p\" { " SERVER "}\n" },
	{ "service", NULL, ECHO "\n\n", "}\n" },
	{ "service.limit", NULL, ECHO "\nlimit {\n", "} }\n" },
	{ "service.socket", NULL, ECHO "\nsocket {\n", "} }\n" },
	{ "service.echo", NULL, ECHO "\necho {\n", "} }\n" },
	{ "service.http", NULL,
	    "service \"s\" { handler = http listen = \"127.0.0.1:9\"\nhttp {\n",
	    "} }\n" },
	{ "pool", "resolve_min", RELAY "\nresolve_max = 1d\n", SERVER "}\n" },
	{ "pool", "resolve_max", RELAY "\nresolve_min = 100ms\n",
	    SERVER "}\n" },
	{ "pool", NULL, RELAY "\n\n", SERVER "}\n" },
	{ "pool.server", "address", RELAY SERVER "\nserver \"a\" {\n",
	    "} }\n" },
	{ "pool.server", NULL,
	    RELAY SERVER "\nserver \"a\" { address = \"192.0.2.8:80\"\n",
	    "} }\n" },
	{ "pool.check", "type", RELAY SERVER "\ncheck {\n", "} }\n" },
	{ "pool.check", "method", RELAY SERVER "\ncheck { type = http\n",
	    "} }\n" },
	{ "pool.check", "path", RELAY SERVER "\ncheck { type = http\n",
	    "} }\n" },
	{ "pool.check", "host", RELAY SERVER "\ncheck { type = http\n",
	    "} }\n" },
	{ "pool.check", "status", RELAY SERVER "\ncheck { type = http\n",
	    "} }\n" },
	{ "pool.check", "send",
	    RELAY SERVER "\ncheck { type = send expect = x\n", "} }\n" },
	{ "pool.check", "expect",
	    RELAY SERVER "\ncheck { type = send send = x\n", "} }\n" },
	{ "pool.check", NULL, RELAY SERVER "\ncheck { type = tcp\n", "} }\n" },
	{ "pool.socket", NULL, RELAY SERVER "\nsocket {\n", "} }\n" },
	{ "pool.udp", NULL,
	    "service \"s\" { handler = relay listen = \"udp:127.0.0.1:9\" "
	    "pool = p } pool \"p\" { " SERVER "\nudp {\n",
	    "} }\n" },
};

/* A whole configuration in which the option stands on line 3. */
static char *
embed(const char *section, const char *name, const char *value)
{
	const struct frame *frame = frames;
	char *text;

	while (strcmp(frame->section, section) != 0 ||
	    (frame->name != NULL && strcmp(frame->name, name) != 0)) {
		frame++;
		if (frame == frames + sizeof(frames) / sizeof(frames[0]))
			fail_msg("no frame for %s.%s", section, name);
	}
	assert_int_not_equal(asprintf(&text, "%s%s = %s\n%s", frame->before,
				 name, value, frame->after),
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
		char *quoted, *line, *text, *with, *without;
		struct conf *conf;

		if (info.fallback == NULL || sample == NULL)
			continue;
		assert_int_not_equal(
		    asprintf(&quoted, "\"%s\"", info.fallback), -1);
		text = embed(info.section, info.name, quoted);
		conf = fixture_parse(text);
		with = fixture_dump(conf, false);
		conf_free(conf);
		line = strchr(strchr(text, '\n') + 1, '\n') + 1;
		memset(line, ' ', strcspn(line, "\n"));
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
		cmocka_unit_test(long_texts_are_measured_in_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
