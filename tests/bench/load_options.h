/*
 * The command line of muxload, parsed and checked as a whole: an option that
 * would have no effect beside another one is an error.
 */
#ifndef TESTS_BENCH_LOAD_OPTIONS_H
#define TESTS_BENCH_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/units.h"
#include "load_meter.h"

struct load_options {
	struct endpoint *endpoints; /* used in turn; all UDP, or none */
	size_t nendpoints;
	struct addr *sources; /* used in turn, port 0 */
	size_t nsources;
	unsigned connections;
	size_t message;
	unsigned depth;
	uint64_t duration_ms; /* --lines: 0 without --duration */
	uint64_t warmup_ms;
	uint64_t timeout_ms;
	uint64_t requests; /* 0: duration_ms counts */
	struct rate rate;  /* count 0: closed loop */
	struct rate connect_rate;
	unsigned active; /* with idle: how many do round trips */
	const char *http;
	const char *histogram;
	struct load_meter meter;
	bool one_shot; /* --short */
	bool udp;
	bool idle;
	bool hold;
	bool lines;
	bool keys;
	bool quiet;
};

enum load_options_result {
	LOAD_OPTIONS_RUN,
	LOAD_OPTIONS_HELP, /* --help was among them */
	LOAD_OPTIONS_BAD
};

/*
 * Parse the arguments of main().  Texts in them must stay; what else the
 * options hold is released by load_options_free(), in every case.  why gets
 * what is wrong with bad ones, in one line.
 */
enum load_options_result load_options_parse(struct load_options *options,
    int argc, char **argv, char *why, size_t size);

void load_options_free(struct load_options *options);

/* What --help prints. */
extern const char load_options_usage[];

#endif
