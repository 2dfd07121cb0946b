/*
 * Source addresses as people write them: "127.0.0.1,127.0.0.9" or
 * "127.0.0.1-127.0.0.20".
 */
#ifndef TESTS_BENCH_LOAD_SOURCES_H
#define TESTS_BENCH_LOAD_SOURCES_H

#include <stddef.h>

#include "base/addr.h"

#define LOAD_SOURCES_MAX 65536

/* Append all addresses of the list to the array *sources of *n, which the
 * caller releases with mem_free().  -1 with a static text in *why. */
int load_sources_parse(
    const char *text, struct addr **sources, size_t *n, const char **why);

#endif
