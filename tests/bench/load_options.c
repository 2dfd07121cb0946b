/*
 * The options of muxload, one by one.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "load_options_common.h"
#include "load_sources.h"

const char load_options_usage[] =
    "usage: muxload [options] ADDRESS...\n"
    "An ADDRESS is as in muxd.conf: 127.0.0.1:7, [::1]:7, udp:127.0.0.1:7,\n"
    "unix:/path; several are used in turn.\n"
    "\n"
    "  -c, --connections N      sockets (1)\n"
    "  -m, --message SIZE       bytes of a message: 64, 16K (64)\n"
    "  -p, --depth N            messages under way on each socket (1)\n"
    "  -d, --duration TIME      how long to measure (10s)\n"
    "  -w, --warmup TIME        what goes before it, not measured (0)\n"
    "  -n, --requests N         end after so many instead\n"
    "  -r, --rate RATE          open loop: send at these times (5000/s)\n"
    "  -k, --short              a connection for each request\n"
    "      --http PATH          GET PATH over HTTP/1.1 instead of echoes\n"
    "      --idle               a herd of which --active do round trips\n"
    "      --active N|P%        how many of it (1%)\n"
    "      --connect-rate RATE  how fast connections are opened\n"
    "  -s, --source ADDRESS[,ADDRESS...]|FIRST-LAST\n"
    "                           where they come from, used in turn\n"
    "      --timeout TIME       longest wait for an answer (10s; UDP 1s)\n"
    "      --meter PID[,PID...] CPU time of these processes a request\n"
    "      --hold               when all is open, print \"open N\" and wait\n"
    "                           for a line on standard input\n"
    "      --lines              send the lines of standard input\n"
    "      --histogram FILE     write the latencies there\n"
    "      --keys               print results for scripts\n"
    "  -q, --quiet              no progress line, no messages on failures\n"
    "  -h, --help\n";

static const struct option options_long[] = {
	{ "connections", required_argument, NULL, CONNECTIONS },
	{ "message", required_argument, NULL, MESSAGE },
	{ "depth", required_argument, NULL, DEPTH },
	{ "duration", required_argument, NULL, DURATION },
	{ "warmup", required_argument, NULL, WARMUP },
	{ "requests", required_argument, NULL, REQUESTS },
	{ "rate", required_argument, NULL, RATE },
	{ "short", no_argument, NULL, SHORT },
	{ "http", required_argument, NULL, HTTP },
	{ "idle", no_argument, NULL, IDLE },
	{ "active", required_argument, NULL, ACTIVE },
	{ "connect-rate", required_argument, NULL, CONNECT_RATE },
	{ "source", required_argument, NULL, SOURCE },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "meter", required_argument, NULL, METER },
	{ "hold", no_argument, NULL, HOLD },
	{ "lines", no_argument, NULL, LINES },
	{ "histogram", required_argument, NULL, HISTOGRAM },
	{ "keys", no_argument, NULL, KEYS },
	{ "quiet", no_argument, NULL, QUIET },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

static const char options_short[] = ":c:m:p:d:w:n:r:ks:qh";

#define CONNECTIONS_MAX 1000000
#define DEPTH_MAX       65536
#define MESSAGE_MAX     (64U * 1024 * 1024)
#define TIME_MAX_MS     ((uint64_t)100 * 86400 * 1000)

/* Keep what is wrong; false. */
bool
options_bad(struct options_parse *parse, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(parse->why, parse->size, fmt, ap);
	va_end(ap);
	return false;
}

const char *
options_name(int number)
{
	const struct option *option;

	for (option = options_long; option->name != NULL; option++) {
		if (option->val == number)
			return option->name;
	}
	return "?";
}

bool
options_bad_value(
    struct options_parse *parse, int number, const char *text, const char *why)
{
	return options_bad(parse, "--%s: bad value \"%s\": %s",
	    options_name(number), text, why);
}

static bool
parse_number(struct options_parse *parse, int number, const char *text,
    uint64_t max, uint64_t *value)
{
	const char *why;

	if (units_parse_uint(text, value, &why) == -1)
		return options_bad_value(parse, number, text, why);
	if (*value == 0)
		return options_bad_value(
		    parse, number, text, "it must not be 0");
	if (*value > max)
		return options_bad_value(
		    parse, number, text, "it is too large");
	return true;
}

bool
options_unsigned(struct options_parse *parse, int number, const char *text,
    unsigned max, unsigned *value)
{
	uint64_t wide;

	if (!parse_number(parse, number, text, max, &wide))
		return false;
	*value = (unsigned)wide;
	return true;
}

static bool
parse_time(struct options_parse *parse, int number, const char *text,
    uint64_t min_ms, uint64_t *ms)
{
	const char *why;

	if (units_parse_duration(text, ms, &why) == -1)
		return options_bad_value(parse, number, text, why);
	if (*ms < min_ms)
		return options_bad_value(
		    parse, number, text, "it is too short");
	if (*ms > TIME_MAX_MS)
		return options_bad_value(parse, number, text, "it is too long");
	return true;
}

static bool
parse_rate(struct options_parse *parse, int number, const char *text,
    struct rate *rate)
{
	const char *why;

	if (units_parse_rate(text, rate, &why) == -1)
		return options_bad_value(parse, number, text, why);
	if (rate->count == 0)
		return options_bad_value(
		    parse, number, text, "it must not be 0");
	return true;
}

/* Bytes; a bare number is a number of them. */
static bool
parse_message(struct options_parse *parse, const char *text)
{
	const char *why;
	uint64_t bytes;

	if (units_parse_uint(text, &bytes, &why) == -1 &&
	    units_parse_size(text, &bytes, &why) == -1)
		return options_bad_value(parse, MESSAGE, text, why);
	if (bytes == 0 || bytes > MESSAGE_MAX)
		return options_bad_value(
		    parse, MESSAGE, text, "it must be from 1 to 64M");
	parse->options->message = (size_t)bytes;
	return true;
}

static bool
parse_sources(struct options_parse *parse, const char *text)
{
	struct load_options *options = parse->options;
	const char *why;

	if (load_sources_parse(
		text, &options->sources, &options->nsources, &why) == -1)
		return options_bad_value(parse, SOURCE, text, why);
	return true;
}

static bool
parse_meter(struct options_parse *parse, const char *text)
{
	struct load_meter *meter = &parse->options->meter;
	const char *from;
	char *pid;
	size_t len;
	uint64_t value;
	bool ok;

	for (from = text;; from += len + 1) {
		len = strcspn(from, ",");
		if (meter->npids == LOAD_METER_PIDS)
			return options_bad_value(
			    parse, METER, text, "these are too many processes");
		if ((pid = mem_strndup(from, len)) == NULL)
			return options_bad(parse, "out of memory");
		ok = parse_number(parse, METER, pid, INT32_MAX, &value);
		mem_free(pid);
		if (!ok)
			return false;
		meter->pids[meter->npids++] = (pid_t)value;
		if (from[len] == '\0')
			return true;
	}
}

static bool
parse_http(struct options_parse *parse, const char *text)
{
	const char *p;

	if (text[0] != '/')
		return options_bad_value(
		    parse, HTTP, text, "a path begins with a slash");
	for (p = text; *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 0x7f)
			return options_bad_value(parse, HTTP, text,
			    "blanks and other special characters must be "
			    "escaped by %");
	}
	parse->options->http = text;
	return true;
}

static bool
parse_option(struct options_parse *parse, int number, const char *text)
{
	struct load_options *options = parse->options;

	switch (number) {
	case CONNECTIONS:
		return options_unsigned(parse, number, text, CONNECTIONS_MAX,
		    &options->connections);
	case MESSAGE:
		return parse_message(parse, text);
	case DEPTH:
		return options_unsigned(
		    parse, number, text, DEPTH_MAX, &options->depth);
	case DURATION:
		return parse_time(
		    parse, number, text, 1, &options->duration_ms);
	case WARMUP:
		return parse_time(parse, number, text, 0, &options->warmup_ms);
	case TIMEOUT:
		return parse_time(
		    parse, number, text, 10, &options->timeout_ms);
	case REQUESTS:
		return parse_number(
		    parse, number, text, INT64_MAX, &options->requests);
	case RATE:
		return parse_rate(parse, number, text, &options->rate);
	case CONNECT_RATE:
		return parse_rate(parse, number, text, &options->connect_rate);
	case SOURCE:
		return parse_sources(parse, text);
	case METER:
		return parse_meter(parse, text);
	case HTTP:
		return parse_http(parse, text);
	case ACTIVE:
		parse->active = text;
		return true;
	case HISTOGRAM:
		options->histogram = text;
		return true;
	case SHORT:
		options->one_shot = true;
		return true;
	case IDLE:
		options->idle = true;
		return true;
	case HOLD:
		options->hold = true;
		return true;
	case LINES:
		options->lines = true;
		return true;
	case KEYS:
		options->keys = true;
		return true;
	default: /* QUIET */
		options->quiet = true;
		return true;
	}
}

/* An option that getopt does not take. */
static bool
refuse(struct options_parse *parse, int result, char **argv)
{
	const char *text = argv[optind - 1];

	if (result == ':')
		return options_bad(parse, "%s: a value is expected", text);
	if (optopt != 0 && optopt < HTTP && strncmp(text, "--", 2) != 0)
		return options_bad(parse, "there is no option -%c", optopt);
	if (optopt != 0)
		return options_bad(parse, "%s: no value is expected", text);
	return options_bad(
	    parse, "there is no option %s, or several begin so", text);
}

static bool
parse_address(struct options_parse *parse, const char *text)
{
	struct load_options *options = parse->options;
	struct endpoint found[2], *place;
	const char *why;
	int n;

	if ((n = endpoint_parse(text, found, &why)) == -1)
		return options_bad(parse, "bad address \"%s\": %s", text, why);
	if (n != 1 ||
	    (found[0].addr.family != ADDR_UNIX &&
		(found[0].addr.port == 0 || addr_is_any(&found[0].addr))))
		return options_bad(parse, "bad address \"%s\": %s", text,
		    "nothing can be connected to it");
	place =
	    mem_push(&options->endpoints, &options->nendpoints, sizeof(*place));
	if (place == NULL)
		return options_bad(parse, "out of memory");
	*place = found[0];
	return true;
}

enum load_options_result
load_options_parse(
    struct load_options *options, int argc, char **argv, char *why, size_t size)
{
	struct options_parse parse = {
		.options = options, .why = why, .size = size
	};
	int number;

	*options = (struct load_options){ .connections = 1,
		.message = 64,
		.depth = 1,
		.duration_ms = 10000 };
	opterr = 0;
	/* 0 begins anew, on each system. */
	optind = 0;
	while ((number = getopt_long(
		    argc, argv, options_short, options_long, NULL)) != -1) {
		if (number == HELP)
			return LOAD_OPTIONS_HELP;
		if (number == ':' || number == '?') {
			(void)refuse(&parse, number, argv);
			return LOAD_OPTIONS_BAD;
		}
		parse.given[number] = true;
		if (!parse_option(&parse, number, optarg))
			return LOAD_OPTIONS_BAD;
	}
	for (; optind < argc; optind++) {
		if (!parse_address(&parse, argv[optind]))
			return LOAD_OPTIONS_BAD;
	}
	return options_check(&parse) ? LOAD_OPTIONS_RUN : LOAD_OPTIONS_BAD;
}

void
load_options_free(struct load_options *options)
{
	mem_free(options->endpoints);
	mem_free(options->sources);
	options->endpoints = NULL;
	options->sources = NULL;
}
