/*
 * Connections of TCP and UNIX sockets, which stay or, with --short, make way
 * for the next one.  What is written on them and what must come back is
 * either an echo's message or, with --http, a request and its response.
 */
#ifndef TESTS_BENCH_LOAD_TCP_H
#define TESTS_BENCH_LOAD_TCP_H

#include "load_run.h"

extern const struct load_driver load_driver_tcp;

#endif
