/*
 * The numbers of a start: how many workers, on which CPUs, how many
 * connections they can hold with the descriptors they may open.
 */
#ifndef MUXD_PROC_PLAN_H
#define MUXD_PROC_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "state/state.h"

#define PLAN_CPUS 1024

struct plan {
	unsigned workers;
	unsigned slots;  /* that workers can have: what a reload may ask for */
	unsigned bound;  /* of these, that have listening sockets */
	unsigned usable; /* CPUs, in workers: what "auto" means */
	bool pin;        /* a worker to each CPU of cpus */
	unsigned cpus[PLAN_CPUS];
	size_t ncpus;
	uint64_t nofile;      /* descriptors of each process */
	uint64_t per_worker;  /* connections that one worker can hold */
	uint64_t holdable;    /* that all of them can */
	uint64_t connections; /* the limit of the whole daemon */
	bool connections_set; /* by the configuration */
	unsigned checks;      /* of servers, under way at once */
	struct state_shape shape;
};

/* Decide, after raising the soft limit of open files to the hard one.
 * event_backend is the name of the one that workers will use.  -1 with errno
 * if not even one connection could be held (EMFILE). */
int plan_make(
    struct plan *plan, const struct conf *conf, const char *event_backend);

/* How much of everything the shared state is to have room for. */
void plan_shape(struct plan *plan, const struct conf *conf);

/* The workers that a configuration wants, whether there is room or not. */
unsigned plan_workers(const struct plan *plan, const struct conf *conf);

/* The numbers that follow from another configuration, with which the memory
 * that there is goes on; workers and bound are the caller's to set before.  -1
 * as above. */
int plan_update(struct plan *plan, const struct conf *conf);

#endif
