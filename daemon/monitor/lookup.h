/*
 * One look-up of a name, from the question to the answer; the resolver owns
 * them and tells their owners.
 *
 *            /etc/hosts              the name, or with each domain of the
 *            has it?                 search list: A and AAAA, or SRV
 *   asked ──────┬──── no ────► at the servers ───┬──► done
 *               └──── yes ───────────────────────┼─────┘
 *                                   none: the next one
 */
#ifndef MUXD_MONITOR_LOOKUP_H
#define MUXD_MONITOR_LOOKUP_H

#include "base/list.h"
#include "monitor/dns_channel.h"
#include "monitor/resolver.h"

enum { LOOKUP_INET4, LOOKUP_INET6, LOOKUP_SERVICES = 0, LOOKUP_PARTS = 2 };

/* One question of a look-up, and what it came to. */
struct lookup_part {
	struct lookup *lookup;
	int type; /* of DNS records */
	enum resolver_outcome outcome;
};

struct lookup {
	struct list link; /* the owner's */
	struct dns_channel *channel;
	void (*done)(struct lookup *lookup);
	void *owner;
	char *name;
	struct lookup_part parts[LOOKUP_PARTS];
	unsigned nparts;
	unsigned pending;  /* answers to come */
	size_t tried;      /* candidates; see dns_channel_candidate() */
	const char *error; /* of the last part that was not found, or NULL */
	uint32_t ttl;      /* seconds, the least of all records */
	struct addr *addresses;
	size_t naddresses;
	struct resolver_service *services;
	size_t nservices;
};

/* A look-up of addresses, or of services.  NULL with ENOMEM.  It is the
 * caller's, who calls lookup_free(), but not before done. */
struct lookup *lookup_new_addresses(const char *name);
struct lookup *lookup_new_services(const char *name);
void lookup_free(struct lookup *lookup);

/*
 * Begin.  done is called once, maybe before this returns, maybe from within
 * c-ares.  With an error, the name servers are not asked, and what is not in
 * /etc/hosts fails with this text.
 */
void lookup_start(
    struct lookup *lookup, struct dns_channel *channel, const char *error);

/* Make it one that failed, without asking anybody; done is called. */
void lookup_fail(struct lookup *lookup, const char *error);

#endif
