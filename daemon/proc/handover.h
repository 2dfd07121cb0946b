/*
 * What a daemon hands over to the one that is to take its place: descriptors,
 * and what there is to know of them, as text in shared memory, whose descriptor
 * is in the environment.  The two may be of different versions.
 *
 * Environment variables as for socket activation would do for a few sockets;
 * one for each address and worker may be more than fits there.
 */
#ifndef MUXD_PROC_HANDOVER_H
#define MUXD_PROC_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "proc/fd_pair.h"
#include "proc/sockets.h"
#include "state/state.h"

#define HANDOVER_ENV "MUXD_HANDOVER"

/* A socket of the status page. */
struct handover_page {
	struct endpoint asked;
	int fd;
};

/* A ban (state/bans.h). */
struct handover_ban {
	struct prefix prefix;
	uint64_t until_ms; /* monotonic, or BAN_FOR_EVER */
};

struct handover {
	int channel_fd;  /* to the one who hands over */
	int presence_fd; /* at its end when all processes of that one are gone */
	int state_fd;    /* the shared mapping */
	int stderr_fd;
	int lock_fd;
	int control_fd;
	char *control;  /* its path */
	unsigned first; /* see struct supervisor: of who hands over */
	unsigned slots;
	uint32_t generation; /* the highest number that it has given */
	uint64_t started_ms;
	bool detached;
	uint32_t seed; /* of how datagrams are dealt */
	bool steered;
	struct fd_pair *bells; /* of all workers of the state */
	size_t nbells;
	/* By the order of the services in text; each array has slots
	 * entries, or one. */
	struct owned *sockets;
	size_t nsockets;
	bool *used; /* by slot: it has a worker */
	struct handover_page *pages;
	size_t npages;
	/* What was ordered by hand; memory that is shared has it anyway. */
	enum node_order node;
	struct handover_ban *bans;
	size_t nbans;
	char *text; /* the configuration in force, canonical */
};

/* Write it down; a descriptor of shared memory, close-on-exec, or -1 with
 * errno. */
int handover_write(const struct handover *handover);

/* Read what is there, from the start; fd stays the caller's.  NULL with errno:
 * EPROTO if it cannot be understood. */
struct handover *handover_read(int fd);

/* Release the memory; descriptors stay as they are.  NULL is allowed. */
void handover_free(struct handover *handover);

/* Call for each descriptor that is handed over; -1: there is none. */
void handover_each_fd(
    struct handover *handover, void (*call)(int *fd, void *arg), void *arg);

#endif
