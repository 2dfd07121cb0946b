/*
 * A memo: what a record of a session, or of a client that was turned away,
 * tells to "muxctl explain" beside the fields that logs show.
 *
 * It is plain memory that goes along with the record (log_record_memo()), so
 * that it costs a copy and no text.  Behind it stands a text, the connects
 * that failed.  Who reads one trusts nothing in it.
 */
#ifndef MUXD_STATE_MEMO_H
#define MUXD_STATE_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/tcp_stats.h"

/* The limits that a client meets, in the order in which it does. */
enum memo_limit_kind {
	MEMO_LIMIT_NONE,
	MEMO_LIMIT_PER_SOURCE,         /* limits.per_source */
	MEMO_LIMIT_SERVICE_PER_SOURCE, /* service.limit.per_source */
	MEMO_LIMIT_SOURCE_RATE,        /* service.limit.source_rate */
	MEMO_LIMIT_SERVICE,            /* service.limit.connections */
	MEMO_LIMIT_DAEMON,             /* limits.connections */
	MEMO_LIMIT_RATE,               /* service.limit.rate */
	MEMO_LIMITS
};

struct memo_limit {
	uint32_t kind;      /* enum memo_limit_kind */
	uint32_t period_ms; /* of a rate; 0: of a number */
	uint64_t max;
};

/* What of the lists has kept a client out. */
enum memo_rule_kind {
	MEMO_RULE_NONE,
	MEMO_RULE_DENY,      /* service.deny has the prefix */
	MEMO_RULE_NOT_ALLOW, /* service.allow has none that fits */
	MEMO_RULE_BAN,       /* the administrator has banned the prefix */
	MEMO_RULES
};

struct memo_rule {
	uint32_t kind; /* enum memo_rule_kind */
	struct prefix prefix;
	uint8_t unused[2]; /* zero */
};

/* Why it was this server. */
struct memo_choice {
	uint32_t turn;     /* of the ways that take turns, the lowest bits */
	uint32_t sessions; /* that the server had by then, this one included */
	uint16_t members;  /* servers of its tier that have an address */
	uint16_t usable;   /* of these, healthy, and not tried before;
			      UINT16_MAX: they were not counted */
	uint16_t room;     /* of these, not full; as above */
	uint8_t balance;   /* enum conf_balance + 1; 0: nothing was chosen */
	uint8_t backup;    /* 1: it is a backup server */
};

#define MEMO_UNKNOWN UINT16_MAX

struct memo {
	uint32_t size; /* of the struct */
	int32_t error; /* errno value, or 0 */
	uint32_t waited_limit_ms;
	uint32_t waited_server_ms;
	struct memo_limit limit;
	struct memo_rule rule;
	struct memo_choice choice;
	uint32_t client_told; /* whether client, and server, is filled in */
	uint32_t server_told;
	struct tcp_stats client;
	struct tcp_stats server;
};

_Static_assert(sizeof(struct memo) == 160, "no padding: it would leak bytes");

/* The memo of a record; false if it has none, or none of this layout.
 * *failures is the text behind it, of len bytes. */
bool memo_read(const struct log_view *view, struct memo *memo,
    const char **failures, size_t *len);

#endif
