/*
 * One run of muxload: when requests may begin, what becomes of them, and the
 * phases that it goes through.
 *
 *   OPENING ──► HOLDING ──► WARMUP ──► MEASURE ──► DRAIN ──► DONE
 *
 * OPENING makes all connections, each with a round trip of its own; HOLDING
 * waits for a line with --hold; in DRAIN nothing begins and what is under way
 * is waited for.  With --short there is no OPENING.
 *
 * How sockets are spoken to is known to a driver (load_tcp.c, load_udp.c).
 * It asks load_take() whether a request may begin, and tells load_answered()
 * and its like what has become of it.
 *
 * In the open loop request k is due at begin + k / rate, and its latency
 * counts from then on, whenever it is really sent.  A server that stalls (or
 * this client) makes all requests late that were due meanwhile: they wait at
 * their connection, which counts them, and each has the latency that a user
 * who came at that moment would have seen.  None is left out, and none is
 * sent at another time's price.  There is no queue to be filled: the times of
 * what waits follow from the numbers.
 *
 * In the closed loop a request begins when its predecessor was answered.
 */
#ifndef TESTS_BENCH_LOAD_RUN_H
#define TESTS_BENCH_LOAD_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/signals.h"
#include "load_alarm.h"
#include "load_histogram.h"
#include "load_input.h"
#include "load_message.h"
#include "load_options.h"
#include "net/net.h"

enum load_phase {
	LOAD_OPENING,
	LOAD_HOLDING,
	LOAD_WARMUP,
	LOAD_MEASURE,
	LOAD_DRAIN,
	LOAD_DONE
};

enum load_state {
	LOAD_DOWN,       /* not connected, or no more */
	LOAD_CONNECTING, /* being connected */
	LOAD_CONNECTED,  /* its first round trip may begin */
	LOAD_GREETING,   /* that one is under way */
	LOAD_UP,
	LOAD_DEAD /* could not be opened, and is left out */
};

struct load_run;

/* What all drivers keep of a socket; the first member of what they keep. */
struct load_conn {
	struct list link; /* of run->again, retry or spare */
	struct load_run *run;
	uint64_t start_ns; /* --short: of the request it is opened for */
	uint64_t due;      /* open loop: requests that wait for it */
	uint64_t taken;    /* open loop: requests it has begun */
	uint64_t quota;    /* --requests: what it may still begin */
	uint32_t index;
	uint32_t lane;     /* among those that do round trips */
	uint32_t endpoint; /* where it goes to */
	uint8_t state;     /* enum load_state */
	bool active;       /* does round trips */
	bool waits;        /* after load_wait() */
	bool settled;      /* OPENING need not wait for it any more */
};

struct load_driver {
	/* Memory for all sockets.  -1 with errno. */
	int (*prepare)(struct load_run *run);
	struct load_conn *(*conn)(struct load_run *run, unsigned index);
	/* Begin to connect; the rest is told by load_connected() and
	 * load_broken(), also from within this call. */
	void (*open)(struct load_conn *conn, uint64_t now_ns);
	/* Begin what load_take() allows. */
	void (*pump)(struct load_conn *conn, uint64_t now_ns);
	/* Give up what has waited for too long. */
	void (*sweep)(struct load_conn *conn, uint64_t now_ns);
	/* Close, if it is open at all. */
	void (*close)(struct load_conn *conn);
	void (*release)(struct load_run *run);
};

struct load_counts {
	uint64_t requests;       /* answered rightly, and measured */
	uint64_t answers;        /* rightly, in all */
	uint64_t errors;         /* all that follow, and what had no answer */
	uint64_t connect_errors; /* connections that were not made */
	uint64_t mismatches;     /* wrong answers */
	uint64_t lost;           /* UDP: no answer in time; no error */
};

struct load_run {
	const struct load_options *options;
	const struct load_driver *driver;
	void *sockets; /* the driver's own */
	struct loop *loop;
	struct net net;
	struct load_alarm alarm;
	struct load_input input;
	struct signals signals;
	struct loop_hook hook;
	struct timer phase_timer;
	struct timer sweep_timer;
	struct timer retry_timer;
	struct load_message message;
	struct load_histogram latency;
	struct load_counts counts;
	struct load_meter meter;
	struct load_meter_result metered;
	enum load_phase phase;
	bool input_open;
	bool meter_failed;
	bool interrupted;

	/* Connections. */
	struct list again; /* to be opened at the end of the turn */
	struct list retry; /* to be opened in a while */
	struct list spare; /* --short, open loop: nothing is due */
	struct load_conn **lanes;
	unsigned nlanes;
	uint64_t turn;    /* sockets that were opened in all */
	unsigned opened;  /* in OPENING: begun, or given up */
	unsigned settled; /* of these: ready, or given up */
	unsigned dead;    /* of these: given up */
	unsigned complaints;

	/* Requests. */
	uint64_t outstanding; /* under way */
	uint64_t waiting;     /* open loop: due, and not begun */
	uint64_t left;        /* --requests: not begun, closed loop */
	uint64_t released;    /* open loop: that were due by now */
	uint64_t limit;       /* of these, in the end */
	uint64_t taken;       /* --short, open loop: begun */
	double interval_ns;   /* open loop */
	uint64_t open_ns;     /* when OPENING began */
	uint64_t schedule_ns; /* when request 0 is due */
	uint64_t begin_ns;    /* of MEASURE; UINT64_MAX: not yet */
	uint64_t end_ns;      /* of MEASURE, planned or real */
	uint64_t answer_ns;   /* when the latest answer came */
};

/* -1 with errno. */
int load_run_open(struct load_run *run, const struct load_options *options,
    const struct load_driver *driver);

/* Go through all phases.  -1 with errno when the loop cannot go on. */
int load_run_go(struct load_run *run);

void load_run_close(struct load_run *run);

/* Seconds that were measured. */
double load_run_seconds(const struct load_run *run);

/* Connections that were opened, or slots of them with --short. */
unsigned load_run_connections(const struct load_run *run);

/* ---- for drivers ---------------------------------------------------------*/

/* Where the next socket goes to and comes from; ADDR_NONE: from anywhere. */
const struct endpoint *load_next_endpoint(
    struct load_conn *conn, struct addr *source);

/* Whether another request may begin at conn, and when it did, which is now_ns
 * or, in the open loop, when it was due. */
bool load_take(struct load_conn *conn, uint64_t now_ns, uint64_t *start_ns);

/* It is connected; pump follows. */
void load_connected(struct load_conn *conn, uint64_t now_ns);

/* A request that began then was answered rightly now. */
void load_answered(struct load_conn *conn, uint64_t start_ns, uint64_t now_ns);

/* A datagram, or its answer, got lost. */
void load_lost(struct load_conn *conn, uint64_t start_ns);

/* An answer was wrong; told before load_broken(), which counts the request. */
void load_mismatch(struct load_conn *conn, const char *what);

/* Something went wrong that the socket survives. */
void load_error(struct load_conn *conn, const char *what, int error);

/* The socket is closed, and so many requests on it will have no answer; what
 * says in which step it was, error is an errno value or 0.  It is opened anew
 * after a while. */
void load_broken(
    struct load_conn *conn, unsigned requests, const char *what, int error);

/* The socket is closed and shall be opened anew, without it being a fault. */
void load_reopen(struct load_conn *conn);

/* No connect can be tried now; open is called again in a while.  The request
 * of --short stays begun. */
void load_wait(struct load_conn *conn);

/* Say what went wrong at a connection, unless that was said too often. */
void load_complain(struct load_conn *conn, const char *what, int error);

#endif
