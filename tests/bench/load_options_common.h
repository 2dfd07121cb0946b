/*
 * What load_options.c (options one by one) and load_options_check.c (all of
 * them together) have in common.
 */
#ifndef TESTS_BENCH_LOAD_OPTIONS_COMMON_H
#define TESTS_BENCH_LOAD_OPTIONS_COMMON_H

#include "load_options.h"

/* Letters, and numbers behind them for options that have none. */
enum {
	CONNECTIONS = 'c',
	MESSAGE = 'm',
	DEPTH = 'p',
	DURATION = 'd',
	WARMUP = 'w',
	REQUESTS = 'n',
	RATE = 'r',
	SHORT = 'k',
	SOURCE = 's',
	QUIET = 'q',
	HELP = 'h',
	HTTP = 256,
	IDLE,
	ACTIVE,
	CONNECT_RATE,
	TIMEOUT,
	METER,
	HOLD,
	LINES,
	HISTOGRAM,
	KEYS,
	LAST
};

#define DATAGRAM_MAX 65507

struct options_parse {
	struct load_options *options;
	bool given[LAST];
	const char *active; /* as it was written */
	char *why;
	size_t size;
};

/* Keep what is wrong; false. */
bool options_bad(struct options_parse *parse, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, of a value of an option. */
bool options_bad_value(
    struct options_parse *parse, int number, const char *text, const char *why);

/* The long name of an option. */
const char *options_name(int number);

/* A number from 1 to max; false if it is another one. */
bool options_unsigned(struct options_parse *parse, int number, const char *text,
    unsigned max, unsigned *value);

/* Whether the options, which have all been parsed, can stand together; fills
 * in what follows from others. */
bool options_check(struct options_parse *parse);

#endif
