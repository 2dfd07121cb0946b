/*
 * The ledger: each worker's table of its live sessions, in shared memory, so
 * that what a dead worker held can be released to the last connection, and
 * so that others can see who is connected without asking the worker.
 *
 * The free places of a worker's own table are known to that worker alone; it
 * begins with an empty table, because the master has emptied it after the
 * predecessor's death.
 */
#ifndef MUXD_STATE_LEDGER_H
#define MUXD_STATE_LEDGER_H

#include "state/state.h"

/* A worker's own side of its table. */
struct ledger {
	struct state *state;
	struct tally_author author;
	unsigned worker;
	uint32_t used;
	uint32_t fresh; /* places from here on were never used */
	uint32_t nfree;
	uint32_t *free; /* stack of places given back */
};

/* Begin on an empty table.  -1 with ENOMEM; EBUSY if the predecessor's has
 * not been emptied. */
int ledger_open(struct ledger *ledger, struct state *state, unsigned worker);
void ledger_close(struct ledger *ledger);

/* A place for a session, filled in and numbered, holding nothing yet but
 * itself; NULL when the table is full. */
struct ledger_entry *ledger_begin(struct ledger *ledger, unsigned service,
    const struct addr *client, int64_t start_us);

/*
 * Count the session as one of a server's, if that has less than max (0: no
 * bound), and write the place down; all or nothing.  It must hold none yet.
 * wait: if it is full, ask for this worker to be woken when it falls
 * (limit_wait()), and try once more.
 */
bool ledger_take_server(struct ledger *ledger, struct ledger_entry *entry,
    unsigned place, uint64_t max, bool wait);
void ledger_give_server(struct ledger *ledger, struct ledger_entry *entry);

/* The same of a pool's queue; giving back what is not held does nothing. */
bool ledger_take_queue(struct ledger *ledger, struct ledger_entry *entry,
    unsigned pool, uint64_t max);
void ledger_give_queue(struct ledger *ledger, struct ledger_entry *entry);

/* Give back that it counts as one of its service's connections; if it does not,
 * nothing is done. */
void ledger_give_service(struct ledger *ledger, struct ledger_entry *entry);

/* The client has told another address than the one it was begun with. */
void ledger_set_client(struct ledger_entry *entry, const struct addr *client);

/* Give back all that the entry holds, wake who waits for it, and free the
 * place: the one release of every session. */
void ledger_end(struct ledger *ledger, struct ledger_entry *entry);

/*
 * Master only: the process of the worker slot has ended.  Puts its intent
 * right, calls each (unless NULL) for every session that was live with a copy
 * of its entry, whose service is in range whatever the worker has done to it,
 * counts them as REASON_WORKER_DIED, releases all that its
 * entries hold, frees what it had half rewritten in the source table and the
 * memory it held, empties its table, and wakes all other workers.  Returns
 * how many sessions there were.  To call it again does no harm.
 */
uint32_t state_release_worker(struct state *state, unsigned worker,
    void (*each)(void *arg, const struct ledger_entry *entry), void *arg);

/*
 * Master only: have the worker end the session of that place, which has the
 * id.  Another session that has the place by then is not meant.  The worker
 * must be told to look (services_end_condemned()).
 */
void ledger_condemn(
    struct state *state, unsigned worker, uint32_t place, uint64_t id);

/* Whether the session of that entry is to end. */
bool ledger_is_condemned(
    const struct ledger *ledger, const struct ledger_entry *entry);

/* The worker slot that a session is numbered by. */
static inline unsigned
ledger_worker_of(uint64_t id)
{
	return (unsigned)(id >> 48);
}

/*
 * Copy an entry of any worker's table, whose worker may be at work on it.
 * False if no session is in that place.  A reader that goes through a table
 * ends at state_worker.ledger_top.
 */
bool ledger_read(const struct state *state, unsigned worker, uint32_t place,
    struct ledger_entry *copy);

#endif
