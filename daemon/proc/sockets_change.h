/*
 * What a reload does to the listening sockets.
 *
 * An address that stays keeps its sockets, whatever service it belongs to now:
 * nobody who waits there notices.  Options of it that are other ones are set
 * on the living sockets, and hold for who is accepted from then on.  An
 * address that is new is probed and bound.  One that is gone is left over
 * until its queue is empty.
 *
 * sockets->wanted says which slots have workers then: one that gets a worker
 * gets sockets of all addresses, one that loses it keeps what it has.
 *
 *   sockets_prepare() ──► sockets_listen_fresh() ──► sockets_commit()
 *          └────────────────────────┴──► sockets_abandon()
 */
#ifndef MUXD_PROC_SOCKETS_CHANGE_H
#define MUXD_PROC_SOCKETS_CHANGE_H

#include "proc/sockets.h"

/* An address of the new configuration. */
struct change_item {
	struct owned owned; /* of a fresh one; else its addresses alone */
	int from;           /* the index of the one that stays; -1: fresh */
	bool options_set;   /* on a living socket, to be set back */
	bool *bound;        /* by slot: of a living one, for a new worker */
};

struct sockets_change {
	struct sockets *sockets;
	const struct conf *conf;
	struct change_item *items; /* in the order of the text */
	size_t n;
	struct owned *packed; /* room for the owned of all */
	uint32_t ids;         /* given so far */
};

/* Find what stays, and open what is new.  What cannot be is told in *errors,
 * all of it; -1 if there was any: then sockets_abandon() follows. */
int sockets_prepare(struct sockets *sockets, const struct conf *conf,
    struct sockets_change *change, struct conf_errors *errors);

/* Of an item: its number, its address, whether workers share it, and the
 * descriptor of a fresh one for a slot. */
const struct owned *sockets_change_owned(
    const struct sockets_change *change, size_t i);
static inline bool
sockets_change_is_fresh(const struct sockets_change *change, size_t i)
{
	return change->items[i].from == -1;
}

/*
 * Once nothing else can go wrong: steer new clients around the slots that are
 * not wanted any more, and, but for sick ones, no others.  -1, and an entry in
 * errors.
 */
int sockets_steer_wanted(struct sockets_change *change, const bool *sick,
    struct conf_errors *errors);

/* Have the fresh sockets of a slot listen.  -1, and an entry in errors. */
int sockets_listen_fresh(
    struct sockets_change *change, unsigned slot, struct conf_errors *errors);

/* The change is in force: from here on sockets are those of the new
 * configuration, and sockets->leftover those that it does not have.  Files of
 * UNIX sockets that it does not have are removed.  Cannot fail; what is not as
 * it should be then (the owner of a file) is told as a warning. */
void sockets_commit(struct sockets_change *change, struct conf_errors *errors);

/* What a commit leaves undone while the sockets are held, and what another
 * daemon may have changed: the options of living sockets, and the owners and
 * modes of the files of UNIX sockets.  Warnings go into errors. */
void sockets_settle(struct sockets *sockets, struct conf_errors *errors);

/* Undo it.  Also of zeroed memory. */
void sockets_abandon(struct sockets_change *change);

#endif
