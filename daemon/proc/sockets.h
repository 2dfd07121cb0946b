/*
 * The listening sockets, all of them owned by the master.
 *
 * For each address of a service there is one socket for each worker slot,
 * bound with SO_REUSEPORT, or a single one that all workers share (UNIX
 * sockets, and systems that do not balance).  A worker gets only its own
 * slot's.  The master keeps every descriptor open, so a worker that dies
 * closes nothing: the clients in its queue wait for its successor.
 *
 * A TCP socket joins its group at listen(2), which happens when its slot's
 * worker first reports ready; from then on the kernel gives it its share.
 * When a slot is sick, the group is steered around it (SO_REUSEPORT, cBPF).
 *
 * A sender of datagrams always comes to the same slot, for his session is
 * there; when that one is sick he goes elsewhere, and nobody else moves.
 */
#ifndef MUXD_PROC_SOCKETS_H
#define MUXD_PROC_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

struct owned {
	uint32_t id;    /* its own among all that there ever were */
	size_t service; /* index in conf->services */
	struct endpoint endpoint;
	bool shared;
	int *fds;         /* one for each slot, or one */
	bool *listening;  /* by slot; of a shared one, [0] */
	uint32_t *member; /* by slot: its place in the group */
	uint32_t nmembers;
};

struct sockets {
	const struct conf *conf;
	struct owned *items;
	size_t n;
	unsigned slots;
	uint32_t ids;  /* given so far */
	uint32_t seed; /* of how datagrams are dealt */
	bool steered;
	bool removed; /* the files of UNIX sockets are */
};

/* Bind everything, each probed first.  What cannot be bound is told in
 * *errors, all of it; -1 if there was any. */
int sockets_open(struct sockets *sockets, const struct conf *conf,
    unsigned slots, struct conf_errors *errors);

/* The descriptor that a slot's worker gets for the socket. */
int sockets_fd(const struct owned *owned, unsigned slot);

/* A slot's worker is ready: have its sockets listen, if they do not yet.  -1
 * with errno, and *failed is the one. */
int sockets_listen(
    struct sockets *sockets, unsigned slot, const struct owned **failed);

/*
 * Steer new clients around the slots for which sick is true, or stop
 * steering when none is, or all are: then there is nowhere to steer to.
 * Returns 0, or -1 with errno where the system cannot.
 */
int sockets_steer(struct sockets *sockets, const bool *sick);

/* Remove the files of UNIX sockets, once: nobody can connect any more. */
void sockets_remove_files(struct sockets *sockets);

/* Close the master's descriptors of a slot, but for those that all share. */
void sockets_close_slot(struct sockets *sockets, unsigned slot);

/* Close those that all share. */
void sockets_close_shared(struct sockets *sockets);

/* Close all of the master's descriptors, and release. */
void sockets_close(struct sockets *sockets);

#endif
