/*
 * Access records: one for each session, when it ends; some before, if it
 * takes long; and one for clients that were turned away.
 */
#ifndef MUXD_SERVICE_RECORD_H
#define MUXD_SERVICE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "service/service.h"
#include "state/memo.h"
#include "state/state.h"

#define RECORD_FAILURES_MAX 384 /* bytes, NUL included */

/* What a record of a session tells beside its ledger entry. */
struct record_end {
	const char *service;
	const char *listener; /* the address it came in by, or NULL */
	const char *phase;    /* "open", "closing", "lingering", …, or NULL */
	const char *server;   /* of a relayed session, or NULL */
	struct addr server_addr;
	unsigned attempts;   /* to connect to a server */
	uint64_t connect_ms; /* until one was reached */
	bool datagrams;      /* it was a flow of these: how many */
	uint64_t datagrams_in;
	uint64_t datagrams_out;
	uint64_t duration_ms;
	enum reason reason;
	int error; /* errno value, or 0 */
	/* The socket's own address, where a PROXY header has told the
	 * client's; NULL: there was none. */
	const struct addr *peer;
	/* For muxctl explain. */
	uint32_t waited_ms; /* for a limit, before it came in */
	uint32_t queued_ms; /* for a server */
	struct memo_choice choice;
	bool client_told; /* what the kernel knows is in: */
	bool server_told;
	struct tcp_stats client;
	struct tcp_stats server_stats;
	char failures[RECORD_FAILURES_MAX]; /* connects that failed, or "" */
};

/* A client that was turned away. */
struct record_refusal {
	const struct addr *client;
	const struct addr *peer; /* as above */
	enum reason reason;
	const char *detail; /* what was wrong with its header, or NULL */
	uint64_t left_out;  /* clients refused before it without a record */
	bool unlogged;      /* it is to be remembered, no more */
	uint32_t waited_ms; /* for a limit */
	struct memo_limit limit;
	struct memo_rule rule;
};

/* Whether anybody wants records of sessions. */
static inline bool
record_is_wanted(const struct conf_log *conf)
{
	return conf->access || conf->remember;
}

/* Whether the kernel is to be asked for what it knows of the connections of a
 * session that ends so.  It costs a system call for each of them. */
static inline bool
record_asks_kernel(const struct conf_log *conf, enum reason reason)
{
	return conf->remember &&
	    (conf->tcp_info == TCP_INFO_ALWAYS ||
		(conf->tcp_info == TCP_INFO_UNCLEAN &&
		    !reason_is_benign(reason)));
}

/* "session ended", with all of it: for the log, and for the monitor to
 * remember, as the configuration wants it. */
void record_session(struct log *log, const struct conf_log *conf,
    const struct ledger_entry *entry, const struct record_end *end);

/* "session goes on": the same so far, without a reason. */
void record_progress(struct log *log, const struct ledger_entry *entry,
    const struct record_end *end);

/* A client was turned away at the door: the record of that, unless there were
 * too many in this second. */
void record_refused_limited(
    struct door *door, const struct record_refusal *refusal);

#endif
