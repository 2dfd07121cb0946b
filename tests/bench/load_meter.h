/*
 * What CPU time other processes, and this one, have had between two moments.
 */
#ifndef TESTS_BENCH_LOAD_METER_H
#define TESTS_BENCH_LOAD_METER_H

#include <sys/types.h>

#include <stdint.h>

#define LOAD_METER_PIDS 64

/* Zeroed memory meters nobody but this process. */
struct load_meter {
	pid_t pids[LOAD_METER_PIDS];
	unsigned npids;
	uint64_t begin_ns; /* CPU time at the beginning */
	uint64_t own_begin_ns;
};

struct load_meter_result {
	uint64_t cpu_ns; /* of the processes together */
	uint64_t own_ns; /* of this one */
};

/* Begin to measure.  -1 with errno, and the process whose time cannot be read
 * in *pid: schedstat of proc(5), in nanoseconds, of all its threads. */
int load_meter_begin(struct load_meter *meter, pid_t *pid);

/* What has been used since.  Errors as before. */
int load_meter_end(const struct load_meter *meter,
    struct load_meter_result *result, pid_t *pid);

#endif
