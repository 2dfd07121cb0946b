/*
 * One health check: from connect to a verdict.
 *
 *   IDLE ──check_begin()──► CONNECTING ──► TALKING ──► CLOSING ──► IDLE
 *                               └─────────────┴── done ──┴── over ──┘
 *
 * The engine (check.c) connects, sends and reads; what is sent and which
 * answer is good is told by a const struct of functions, one row each in
 * check_types.  A check never waits, keeps no byte of an answer, and reads no
 * more of it than CHECK_ANSWER_MAX before its verdict.
 *
 * The time is the caller's: it calls check_expire() when it is up.
 */
#ifndef MUXD_MONITOR_CHECK_H
#define MUXD_MONITOR_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "conf/conf.h"
#include "event/loop.h"
#include "monitor/http_status.h"
#include "monitor/match.h"
#include "net/connect.h"

#define CHECK_ANSWER_MAX 16384 /* bytes in which the answer must be found */
#define CHECK_TYPES      4     /* by enum conf_check_type */

enum check_verdict {
	CHECK_GOOD,
	CHECK_BAD,
	CHECK_VOID /* it says nothing of the server: a shortage here */
};

struct check_result {
	enum check_verdict verdict;
	int error;        /* an errno value, or 0 */
	const char *text; /* a constant that says why, or NULL: see error */
	unsigned status;  /* of HTTP, or 0 */
};

struct check;

struct check_type {
	const char *name;
	/* Closed with a reset, so that no TIME_WAIT piles up. */
	bool resets;
	/* Lets the server close first, after the verdict, and reads on
	 * meanwhile: a close with unread input would be a reset. */
	bool drains;
	/* Append what is to be sent, and make ready for the answer.  NULL: it
	 * is good to be connected. */
	void (*begin)(struct check *check);
	/* len bytes came, or a datagram, which may be empty.  True: *result
	 * tells the verdict. */
	bool (*data)(struct check *check, const unsigned char *data, size_t len,
	    struct check_result *result);
	/* The server has closed before there was a verdict. */
	void (*end)(struct check *check, struct check_result *result);
};

extern const struct check_type *const check_types[CHECK_TYPES];

extern const struct check_type check_type_http;
extern const struct check_type check_type_send;
extern const struct check_type check_type_tcp;

/* What all checks of a pool have in common. */
struct check_setup {
	const struct check_type *type; /* NULL: the pool has no checks */
	const struct conf_pool *pool;
	struct connect_options connect;
	struct match expect; /* of CHECK_SEND */
	bool datagram;       /* over UDP */
};

/* Set it up for a pool, which must outlive it; datagram: all its clients
 * come over UDP, so bytes that are sent go that way too.  -1 with ENOMEM. */
int check_setup_open(
    struct check_setup *setup, const struct conf_pool *pool, bool datagram);
void check_setup_close(struct check_setup *setup);

enum check_phase {
	CHECK_IDLE,
	CHECK_CONNECTING,
	CHECK_TALKING,
	CHECK_CLOSING /* the verdict is told, the server is to close */
};

struct check_ops {
	/* The verdict, once.  May come out of check_begin(). */
	void (*done)(struct check *check, const struct check_result *result);
	/* It is over, its descriptor is closed; after done. */
	void (*over)(struct check *check);
};

struct check {
	struct io io;
	struct loop *loop;
	const struct check_ops *ops;
	const struct check_setup *setup;
	const struct conf_server *server;
	enum check_phase phase;
	struct addr addr; /* where it goes */
	const char *path; /* of a UNIX socket */
	bool datagram;
	struct strbuf out; /* what is sent */
	size_t sent;
	size_t received; /* in this phase */
	int error;       /* of sending */
	union {
		struct http_status http;
		size_t found; /* see match_feed() */
	} answer;
};

/* Prepare a check of a server; none is under way. */
void check_init(struct check *check, struct loop *loop,
    const struct check_ops *ops, const struct check_setup *setup,
    const struct conf_server *server);

/* Where a check of the server's place with this address goes: the address,
 * and the path if that is ADDR_UNIX. */
const char *check_target(const struct check_setup *setup,
    const struct conf_server *server, const struct addr *place,
    struct addr *addr);

/* Begin.  place is the address of the server's place. */
void check_begin(struct check *check, const struct addr *place);

/* Its time is up: done if there was no verdict, and over.  late: the process
 * was held up, so that a server which was silent may not have been asked. */
void check_expire(struct check *check, bool late);

/* Break it off without a call; its memory must outlive the turn. */
void check_abort(struct check *check);

static inline bool
check_is_under_way(const struct check *check)
{
	return check->phase != CHECK_IDLE;
}

#endif
