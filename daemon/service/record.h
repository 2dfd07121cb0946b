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
#include "state/state.h"

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
};

/* A client that was turned away. */
struct record_refusal {
	const struct addr *client;
	const struct addr *peer; /* as above */
	enum reason reason;
	const char *detail; /* what was wrong with its header, or NULL */
	uint64_t left_out;  /* clients refused before it without a record */
};

/* "session ended", with all of it. */
void record_session(struct log *log, const struct ledger_entry *entry,
    const struct record_end *end);

/* "session goes on": the same so far, without a reason. */
void record_progress(struct log *log, const struct ledger_entry *entry,
    const struct record_end *end);

/* "client refused". */
void record_refused(struct log *log, const struct door *door,
    const struct record_refusal *refusal);

#endif
