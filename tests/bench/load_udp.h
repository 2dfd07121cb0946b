/*
 * Connected UDP sockets.  Each datagram has a number, its answer is known by
 * that, and what has no answer in time is lost, which UDP may.
 */
#ifndef TESTS_BENCH_LOAD_UDP_H
#define TESTS_BENCH_LOAD_UDP_H

#include "load_run.h"

extern const struct load_driver load_driver_udp;

#endif
