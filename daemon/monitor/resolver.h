/*
 * Names to addresses, without waiting: questions to name servers by c-ares,
 * on an event loop.
 *
 * Addresses are looked for in /etc/hosts first.  A name server is asked for
 * both families, and what came of each is told apart, so that a family that
 * nobody answered for is not taken for one that there is none of.  With the
 * system's name servers the search list of resolv.conf(5) counts too.
 */
#ifndef MUXD_MONITOR_RESOLVER_H
#define MUXD_MONITOR_RESOLVER_H

#include "base/addr.h"
#include "conf/conf.h"
#include "event/loop.h"

struct resolver;

struct resolver_config {
	struct loop *loop;
	const struct conf_resolver *conf; /* outlives the resolver */
	const char *resolv_conf;          /* NULL: /etc/resolv.conf */
};

/* NULL with ENOMEM.  Name servers that cannot be had are an error of each
 * question, and are looked for again with the next one; so a resolv.conf that
 * has changed counts from then on. */
struct resolver *resolver_open(const struct resolver_config *config);

/* No call follows.  Not from within one; NULL is allowed. */
void resolver_close(struct resolver *resolver);

enum resolver_outcome {
	RESOLVER_FOUND,
	RESOLVER_NONE,  /* there is no such name, or nothing of that type */
	RESOLVER_FAILED /* nobody knows: no answer, a server that cannot say,
			 * no memory */
};

struct resolver_addresses {
	enum resolver_outcome inet4;
	enum resolver_outcome inet6;
	const char *error; /* why not all is found, or NULL */
	uint32_t ttl;      /* seconds, the least of all; 0 from /etc/hosts */
	const struct addr *items; /* port 0, in no order */
	size_t n;
};

/* One SRV record (RFC 2782). */
struct resolver_service {
	char *target; /* "" for ".": the service is decidedly not there */
	uint16_t priority;
	uint16_t weight;
	uint16_t port; /* host byte order */
};

struct resolver_services {
	enum resolver_outcome outcome;
	const char *error;
	uint32_t ttl;
	const struct resolver_service *items;
	size_t n;
};

/*
 * Ask, and be called with the answer, in a later turn.  What the answer points
 * to is gone when the call returns.  -1 with ENOMEM; then no call follows.
 */
int resolver_query_addresses(struct resolver *resolver, const char *name,
    void (*call)(void *arg, const struct resolver_addresses *answer),
    void *arg);
int resolver_query_services(struct resolver *resolver, const char *name,
    void (*call)(void *arg, const struct resolver_services *answer), void *arg);

#endif
