/*
 * The options of muxload together: what would have no effect beside another
 * one, and what depends on the addresses.
 */
#include <stdlib.h>
#include <string.h>

#include "load_message.h"
#include "load_options_common.h"

/* Options of which one would have no effect beside the other. */
static const struct {
	int one;
	int other;
} options_exclusive[] = {
	{ REQUESTS, DURATION },
	{ HTTP, MESSAGE },
	{ SHORT, DEPTH },
	{ SHORT, IDLE },
	{ SHORT, HOLD },
	{ SHORT, CONNECT_RATE },
	{ LINES, MESSAGE },
	{ LINES, DEPTH },
	{ LINES, WARMUP },
	{ LINES, REQUESTS },
	{ LINES, RATE },
	{ LINES, SHORT },
	{ LINES, HTTP },
	{ LINES, IDLE },
	{ LINES, METER },
	{ LINES, HOLD },
	{ LINES, HISTOGRAM },
	{ LINES, KEYS },
	{ LINES, QUIET },
};

static bool
check_exclusive(struct options_parse *parse)
{
	size_t i, n = sizeof(options_exclusive) / sizeof(options_exclusive[0]);

	for (i = 0; i < n; i++) {
		if (parse->given[options_exclusive[i].one] &&
		    parse->given[options_exclusive[i].other])
			return options_bad(parse,
			    "--%s and --%s cannot stand together",
			    options_name(options_exclusive[i].one),
			    options_name(options_exclusive[i].other));
	}
	return true;
}

/* "10" or "1.5%", of all connections; at least one. */
static bool
check_active(struct options_parse *parse)
{
	struct load_options *options = parse->options;
	const char *text = parse->active != NULL ? parse->active : "1%";
	double percent;
	char *end;

	if (!options->idle) {
		options->active = options->connections;
		return parse->active == NULL ||
		    options_bad(
			parse, "--active has a meaning with --idle alone");
	}
	if (strchr(text, '%') == NULL)
		return options_unsigned(parse, ACTIVE, text,
		    options->connections, &options->active);
	percent = strtod(text, &end);
	if (text[strspn(text, "0123456789.%")] != '\0' || end == text ||
	    strcmp(end, "%") != 0 || percent <= 0 || percent > 100)
		return options_bad_value(parse, ACTIVE, text,
		    "a number, or a percentage of up to 100%, is expected");
	options->active = (unsigned)(options->connections * percent / 100);
	if (options->active == 0)
		options->active = 1;
	return true;
}

static bool
check_udp(struct options_parse *parse)
{
	struct load_options *options = parse->options;
	size_t i, n = 0;

	for (i = 0; i < options->nendpoints; i++)
		n += options->endpoints[i].transport == TRANSPORT_UDP;
	if (n != 0 && n != options->nendpoints)
		return options_bad(
		    parse, "addresses of UDP cannot stand beside others");
	options->udp = n != 0;
	if (parse->options->timeout_ms == 0)
		options->timeout_ms = options->udp ? 1000 : 10000;
	if (!options->udp || options->lines)
		return true;
	if (options->one_shot || options->http != NULL)
		return options_bad(parse, "--%s has no meaning over UDP",
		    options->one_shot ? "short" : "http");
	if (options->message < LOAD_MESSAGE_HEAD ||
	    options->message > DATAGRAM_MAX)
		return options_bad(parse,
		    "--message: over UDP it must be from %d to %d",
		    LOAD_MESSAGE_HEAD, DATAGRAM_MAX);
	return true;
}

/* Each source can be of use with some address. */
static bool
check_sources(struct options_parse *parse)
{
	const struct load_options *options = parse->options;
	size_t i, k, n;

	for (i = 0; i < options->nsources; i++) {
		n = 0;
		for (k = 0; k < options->nendpoints; k++)
			n += options->endpoints[k].addr.family ==
			    options->sources[i].family;
		if (n != options->nendpoints)
			return options_bad(parse,
			    "--source: nothing comes from there "
			    "to an address of another family");
	}
	return true;
}

static bool
check_all(struct options_parse *parse)
{
	struct load_options *options = parse->options;

	if (options->nendpoints == 0)
		return options_bad(parse, "an address is expected");
	if (options->lines && !parse->given[DURATION])
		options->duration_ms = 0;
	return true;
}

bool
options_check(struct options_parse *parse)
{
	return check_exclusive(parse) && check_active(parse) &&
	    check_udp(parse) && check_sources(parse) && check_all(parse);
}
