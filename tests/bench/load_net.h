/*
 * Memory for bytes that wait: muxload has as much as it wants.
 */
#ifndef TESTS_BENCH_LOAD_NET_H
#define TESTS_BENCH_LOAD_NET_H

#include "net/bufpool.h"

extern const struct bufpool_grant load_grant;

#endif
