/*
 * The services of one worker: all that the data path needs in one place.
 *
 *   struct services    this worker's loop, memory, ledger, log: what belongs
 *                      to the process
 *   struct generation  what belongs to a configuration: services, pools, doors
 *                      (service/generation.h)
 *   struct service     one service: its configuration, handler, counters
 *   struct door        one address of a service, where clients come in, with
 *                      its admission
 *   struct gate        the socket of an address in this worker: a listener, or
 *                      one for UDP
 *
 * A reload brings another generation.  A gate whose address stays leads to a
 * door of the new one from then on, and the kernel is not even asked; sessions
 * keep the door that they came in by, and with it the service, the pool and
 * all settings they began with.
 *
 * proc/worker.c makes the one struct services of its process, opens a door
 * for each descriptor that the master gave it, and runs the loop.
 */
#ifndef MUXD_SERVICE_SERVICE_H
#define MUXD_SERVICE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "conf/conf.h"
#include "event/loop.h"
#include "net/dgram.h"
#include "net/listener.h"
#include "net/net.h"
#include "net/splice.h"
#include "state/ledger.h"
#include "state/limit.h"
#include "state/memo.h"

struct flow_queue;
struct flows;
struct generation;
struct handler;
struct pool;
struct services;

/* What a service's sessions live by: its own, or a pool's.  ms; 0: none. */
struct service_timeouts {
	uint64_t idle;
	uint64_t first_byte;
	uint64_t lifetime;
	uint64_t lifetime_jitter; /* percent of it that is left to chance */
	uint64_t half_close;
	uint64_t progress; /* ends nothing: see log.progress */
};

struct service {
	struct services *set;
	struct generation *generation;
	const struct conf_service *conf;
	const struct handler *handler;
	unsigned slot; /* in the shared state */
	struct state_service *shared;
	struct counters *counters; /* this worker's block */
	struct service_timeouts timeouts;
	uint32_t read_max;
	struct pool *pool;        /* NULL: none */
	struct flow_queue *flows; /* service/flows.h; NULL: none */
	void *data;               /* the handler's */
};

/* A client that was accepted while a limit was full, and waits: the first of
 * its queue.  See service/admission.h. */
struct door_waiter {
	int fd; /* -1: none */
	struct addr peer;
	bool rate_paid;     /* a token of its source was taken */
	enum reason reason; /* the limit it waits for */
	struct memo_limit limit;
	uint64_t since_ms;    /* when it came */
	uint64_t deadline_ms; /* shed at this time */
	uint64_t retry_ms;    /* try again at this time; 0: when woken */
};

struct door {
	struct service *service;
	struct endpoint endpoint;
	char name[ENDPOINT_STRLEN]; /* the endpoint as text, for records */
	/* Its socket, which may lead to a door of a later generation by now;
	 * NULL: closed. */
	struct gate *gate;
	struct door_waiter waiter;
	struct timer timer; /* the waiter's next time */
	/* Clients that have sent their PROXY header, and wait for a limit:
	 * see service/arrival.h. */
	struct list arrivals;
	struct log_limit errors;
	struct log_limit refusals;
	/* Of refusals that are remembered without being logged. */
	uint64_t remembered_until_ms;
	unsigned remembered;
};

/* A bound socket.  It stays what it is while the configuration changes around
 * it. */
struct gate {
	struct list link; /* among the worker's */
	uint32_t id;      /* the master's number for the address */
	bool datagrams;
	bool adopted; /* another slot's socket, beside the gate of that id */
	bool
	    forgone; /* nobody else takes who waits there: see services_leave() */
	struct listener listener; /* TCP and UNIX */
	struct dgram dgram;       /* UDP */
	/* Where it leads to.  NULL: it was made for a generation that is not
	 * the current one yet. */
	struct door *door;
	struct retired retired;
};

/* What the worker is told by its services. */
struct services_ops {
	/* This worker alone has no room left (descriptors, ledger), or has
	 * some again: others should get the new connections. */
	void (*congested)(struct services *services, bool congested);
	/* Draining, and the last session has ended. */
	void (*drained)(struct services *services);
};

struct services {
	struct loop *loop;
	struct log *log;
	struct state *state;
	const struct conf *conf; /* the current one */
	struct net net;
	struct ledger ledger;
	struct dgram_batch *batch; /* NULL without UDP */
	struct pipes pipes;
	struct generation *current;
	struct list generations; /* with the current one as the last */
	struct list gates;
	struct timer sweep;   /* generations that nobody needs any more */
	struct list sessions; /* of streams */
	struct list arrivals; /* clients whose PROXY header has not come */
	struct flows *flows;  /* sessions of datagrams; NULL without these */
	uint64_t connections_max; /* of the whole daemon */
	uint64_t memory_max;      /* chunks, of the whole daemon */
	const struct services_ops *ops;
	void *owner; /* the caller's own */
	struct timer drain;
	unsigned congestions; /* gates that are short of descriptors */
	bool full;            /* the ledger is */
	bool draining;
	bool retiring; /* others take the clients */
	bool kept;     /* draining: those that are left wait for a successor */
	bool leaving;  /* so do they, and the datagrams of sessions as well */
	bool closed;   /* the gates are */
	bool drained;
};

/* What services_open() is given. */
struct services_config {
	struct loop *loop;
	struct log *log;
	struct state *state;
	unsigned worker; /* slot */
	const struct services_ops *ops;
	void *owner;
};

struct generation_config;

/* Set up, with a first generation that has no door yet.  -1 with errno. */
int services_open(struct services *services,
    const struct services_config *config,
    const struct generation_config *first);

/* An address of a service, and its socket in this worker. */
struct door_config {
	size_t service;
	struct endpoint endpoint;
	uint32_t id; /* the master's number for the address; others' differ */
	/* Bound, for streams a listening one; it becomes the services' on
	 * success.  -1: they have it already. */
	int fd;
	bool shared; /* other workers accept on it too */
};

/* Let clients in by a door of the current generation.  -1 with errno. */
int services_add_door(
    struct services *services, const struct door_config *config);

/*
 * A reload, in two steps.  First a generation is made ready beside the current
 * one, with all of its doors: -1 with errno, and nothing has changed; but the
 * descriptors that doors came with are closed.  Then it either becomes the
 * current one, which cannot fail, or is given up.
 *
 * Who comes in from the commit on finds the new settings, as do those that
 * wait at a door whose address stays.  Addresses that the new generation does
 * not have are emptied, and go on as they were until
 * services_close_leftover().
 */
struct generation *services_prepare(struct services *services,
    const struct generation_config *config, const struct door_config *doors,
    size_t ndoors);
void services_commit(struct services *services, struct generation *generation);
void services_abandon(struct generation *generation);

/*
 * Take over the queue of a slot that has no worker, for an address that there
 * is a gate for: until services_forsake(), or, between the commit and
 * services_close_leftover(), for one which the current generation does not
 * have, until that is closed.  fd becomes the services'.  -1 with errno: it is
 * still the caller's.
 */
int services_adopt(struct services *services, uint32_t id, int fd);
/* Take whoever waits at a socket of an address that is gone, as if at the
 * address of that number, and close it.  As above. */
int services_take_last(struct services *services, uint32_t id, int fd);
void services_forsake(struct services *services);

/* Take whoever has come meanwhile to an address that the current generation
 * does not have, and close it; sessions of datagrams end with it. */
void services_close_leftover(struct services *services);

/*
 * Drain: take whoever waits in the queues, let the sessions end, those that
 * can soon; after timeout_ms the rest is ended with REASON_DRAIN_DEADLINE.
 * The doors stay open: services_close_doors() follows when nobody else has
 * the sockets.
 *
 * kept: somebody has the sockets for a successor.  Then only those are taken
 * that no limit has wait, and the doors are closed: who is in a queue, or comes
 * there, is the successor's.
 */
void services_drain(struct services *services, uint64_t timeout_ms, bool kept);

/*
 * Take whoever has come meanwhile, and close the doors; those of relayed
 * datagrams let nobody in from now on and close with the last session of all
 * workers, or at the deadline.  ops->drained is called when no session is
 * left.
 */
void services_close_doors(struct services *services);

/*
 * Close the doors at once, since others have the sockets too and take whoever
 * waits there; but those of relayed datagrams stay for their sessions.
 * ops->drained is called when no session is left, at the latest after
 * timeout_ms, when the rest is ended with REASON_DRAIN_DEADLINE.
 */
void services_retire(struct services *services, uint64_t timeout_ms);

/*
 * The same where others get all datagrams, too: sessions of these end as soon
 * as no answer can be under way any more.  services_forgo() says beforehand
 * that nobody takes who waits at an address: then this worker does.
 */
void services_leave(struct services *services, uint64_t timeout_ms);
void services_forgo(struct services *services, uint32_t id);

/* End all sessions at once and close the doors. */
void services_stop(struct services *services);

/* End the sessions that the administrator has condemned
 * (ledger_condemn()). */
void services_end_condemned(struct services *services);

/* A limit that this worker waits for has fallen. */
void services_retry(struct services *services);

void services_close(struct services *services);

/* Whether a UDP service of this daemon listens on the port. */
bool services_udp_port(const struct services *services, uint16_t port);

/*
 * Called from within the layer.  A session, or what would have become one, has
 * ended; an arrival is a session now; the ledger has no place left; a gate is
 * short of descriptors, or no longer; a generation may be needed by nobody any
 * more; nobody waits at a door any more.
 */
void services_session_ended(struct services *services);
void services_arrived(struct services *services);
void services_ledger_full(struct services *services);
void services_congested(struct services *services, bool congested);
void services_waiter_gone(struct services *services);
void services_sweep(struct services *services);

#endif
