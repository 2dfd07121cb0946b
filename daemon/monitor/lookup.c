/*
 * Asking c-ares, and reading what it has parsed; see lookup.h.
 */
#include "monitor/lookup.h"

#include <netinet/in.h>
#include <string.h>

#include "base/compat.h"
#include "base/mem.h"
#include "monitor/dns_ttl.h"

/* Addresses of one family that are looked at. */
#define ADDRESSES_MAX 256

enum { TYPE_A = 1, TYPE_AAAA = 28, TYPE_SRV = 33, CLASS_IN = 1 };

static struct lookup *
lookup_new(const char *name)
{
	struct lookup *lookup = mem_zalloc(sizeof(*lookup));

	if (lookup == NULL)
		return NULL;
	lookup->name = mem_strdup(name);
	if (lookup->name == NULL) {
		mem_free(lookup);
		return NULL;
	}
	lookup->ttl = INT32_MAX;
	list_init(&lookup->link);
	return lookup;
}

static void
lookup_add_part(struct lookup *lookup, int type)
{
	struct lookup_part *part = &lookup->parts[lookup->nparts++];

	part->lookup = lookup;
	part->type = type;
	part->outcome = RESOLVER_NONE;
}

struct lookup *
lookup_new_addresses(const char *name)
{
	struct lookup *lookup = lookup_new(name);

	if (lookup == NULL)
		return NULL;
	lookup_add_part(lookup, TYPE_A);
	lookup_add_part(lookup, TYPE_AAAA);
	return lookup;
}

struct lookup *
lookup_new_services(const char *name)
{
	struct lookup *lookup = lookup_new(name);

	if (lookup != NULL)
		lookup_add_part(lookup, TYPE_SRV);
	return lookup;
}

void
lookup_free(struct lookup *lookup)
{
	size_t i;

	for (i = 0; i < lookup->nservices; i++)
		mem_free(lookup->services[i].target);
	mem_free(lookup->services);
	mem_free(lookup->addresses);
	mem_free(lookup->name);
	mem_free(lookup);
}

static bool
lookup_has(const struct lookup *lookup, enum resolver_outcome outcome)
{
	unsigned i;

	for (i = 0; i < lookup->nparts; i++)
		if (lookup->parts[i].outcome == outcome)
			return true;
	return false;
}

/* Addresses of a family that failed in the middle are not all there are. */
static void
lookup_done(struct lookup *lookup)
{
	size_t i, n = 0;
	unsigned part;

	for (i = 0; i < lookup->naddresses; i++) {
		part = lookup->addresses[i].family == ADDR_INET4 ? LOOKUP_INET4
								 : LOOKUP_INET6;
		if (lookup->parts[part].outcome == RESOLVER_FOUND)
			lookup->addresses[n++] = lookup->addresses[i];
	}
	lookup->naddresses = n;
	lookup->done(lookup);
}

void
lookup_fail(struct lookup *lookup, const char *error)
{
	unsigned i;

	for (i = 0; i < lookup->nparts; i++)
		lookup->parts[i].outcome = RESOLVER_FAILED;
	lookup->error = error;
	lookup_done(lookup);
}

/* ---- what the answers say ---------------------------------------------------- */

static void
lookup_live(struct lookup *lookup, int ttl)
{
	if (ttl < 0)
		ttl = 0;
	if ((uint32_t)ttl < lookup->ttl)
		lookup->ttl = (uint32_t)ttl;
}

static int
take_address(struct lookup *lookup, enum addr_family family, const void *ip,
    size_t len, int ttl)
{
	struct addr *addr =
	    mem_push(&lookup->addresses, &lookup->naddresses, sizeof(*addr));

	if (addr == NULL)
		return ARES_ENOMEM;
	addr->family = (uint8_t)family;
	memcpy(addr->ip, ip, len);
	lookup_live(lookup, ttl);
	return ARES_SUCCESS;
}

static int
take_inet4(struct lookup *lookup, const unsigned char *data, int len)
{
	struct ares_addrttl found[ADDRESSES_MAX];
	int i, n = ADDRESSES_MAX, status;

	status = ares_parse_a_reply(data, len, NULL, found, &n);
	if (status == ARES_SUCCESS && n == 0)
		return ARES_ENODATA;
	for (i = 0; i < n && status == ARES_SUCCESS; i++)
		status = take_address(lookup, ADDR_INET4, &found[i].ipaddr,
		    sizeof(found[i].ipaddr), found[i].ttl);
	return status;
}

static int
take_inet6(struct lookup *lookup, const unsigned char *data, int len)
{
	struct ares_addr6ttl found[ADDRESSES_MAX];
	int i, n = ADDRESSES_MAX, status;

	status = ares_parse_aaaa_reply(data, len, NULL, found, &n);
	if (status == ARES_SUCCESS && n == 0)
		return ARES_ENODATA;
	for (i = 0; i < n && status == ARES_SUCCESS; i++)
		status = take_address(lookup, ADDR_INET6, &found[i].ip6addr,
		    sizeof(found[i].ip6addr), found[i].ttl);
	return status;
}

static int
take_service(struct lookup *lookup, const struct ares_srv_reply *srv)
{
	struct resolver_service *service =
	    mem_push(&lookup->services, &lookup->nservices, sizeof(*service));

	if (service == NULL ||
	    (service->target = mem_strdup(srv->host)) == NULL)
		return ARES_ENOMEM;
	service->priority = srv->priority;
	service->weight = srv->weight;
	service->port = srv->port;
	return ARES_SUCCESS;
}

static int
take_services(struct lookup *lookup, const unsigned char *data, int len)
{
	struct ares_srv_reply *first, *srv;
	uint32_t ttl;
	int status;

	status = ares_parse_srv_reply(data, len, &first);
	if (status != ARES_SUCCESS)
		return status;
	for (srv = first; srv != NULL && status == ARES_SUCCESS;
	     srv = srv->next)
		status = take_service(lookup, srv);
	if (first == NULL)
		status = ARES_ENODATA;
	else if (!dns_ttl_least(data, (size_t)len, &ttl))
		status = ARES_EBADRESP;
	else
		lookup_live(lookup, (int)ttl);
	ares_free_data(first);
	return status;
}

static enum resolver_outcome
outcome_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return RESOLVER_FOUND;
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_EBADNAME: /* longer than a name can be */
		return RESOLVER_NONE;
	default:
		return RESOLVER_FAILED;
	}
}

/* ---- the name servers --------------------------------------------------------- */

static void lookup_ask(struct lookup *lookup);

/* All parts are through with a candidate. */
static void
lookup_conclude(struct lookup *lookup)
{
	if (lookup_has(lookup, RESOLVER_FOUND) ||
	    lookup_has(lookup, RESOLVER_FAILED))
		lookup_done(lookup);
	else
		lookup_ask(lookup);
}

static int
take_answer(const struct lookup_part *part, const unsigned char *data, int len)
{
	switch (part->type) {
	case TYPE_A:
		return take_inet4(part->lookup, data, len);
	case TYPE_AAAA:
		return take_inet6(part->lookup, data, len);
	default:
		return take_services(part->lookup, data, len);
	}
}

static void
part_answered(void *arg, int status, int timeouts, unsigned char *data, int len)
{
	struct lookup_part *part = arg;
	struct lookup *lookup = part->lookup;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = take_answer(part, data, len);
	part->outcome = outcome_of(status);
	if (status != ARES_SUCCESS)
		lookup->error = ares_strerror(status);
	lookup->pending--;
	if (lookup->pending == 0)
		lookup_conclude(lookup);
}

/* Try the next candidate, if there is one. */
static void
lookup_ask(struct lookup *lookup)
{
	struct dns_channel *channel = lookup->channel;
	struct lookup_part *parts = lookup->parts;
	char name[DNS_CANDIDATE_SIZE];
	unsigned i, n = lookup->nparts;

	if (!dns_channel_candidate(
		channel, lookup->name, lookup->tried, name)) {
		lookup_done(lookup);
		return;
	}
	lookup->tried++;
	lookup->pending = n;
	for (i = 0; i < n; i++)
		ares_query(channel->ares, name, CLASS_IN, parts[i].type,
		    part_answered, &parts[i]);
}

/* ---- /etc/hosts ------------------------------------------------------------------ */

static void
take_host(struct lookup *lookup, const struct ares_addrinfo_node *node)
{
	struct lookup_part *part =
	    &lookup->parts[node->ai_family == AF_INET6 ? LOOKUP_INET6
						       : LOOKUP_INET4];
	struct addr addr, *place;

	addr_from_sockaddr(&addr, node->ai_addr, (socklen_t)node->ai_addrlen);
	place =
	    mem_push(&lookup->addresses, &lookup->naddresses, sizeof(*place));
	if (place == NULL) {
		part->outcome = RESOLVER_FAILED;
		lookup->error = ares_strerror(ARES_ENOMEM);
		return;
	}
	*place = addr;
	if (part->outcome == RESOLVER_NONE)
		part->outcome = RESOLVER_FOUND;
}

static void
hosts_answered(
    void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
	struct lookup *lookup = arg;
	const struct ares_addrinfo_node *node;

	(void)timeouts;
	if (status != ARES_SUCCESS)
		return;
	lookup->ttl = 0;
	for (node = result->nodes; node != NULL; node = node->ai_next)
		take_host(lookup, node);
	ares_freeaddrinfo(result);
}

/* Whether /etc/hosts has the name, without the dot of a whole one.  It is read
 * at once, since the channel has no other place where ares_getaddrinfo()
 * would look. */
static bool
lookup_host(struct lookup *lookup)
{
	const struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC,
		.ai_flags = ARES_AI_NOSORT,
	};
	char name[DNS_CANDIDATE_SIZE];
	size_t len;

	len = compat_strlcpy(name, lookup->name, sizeof(name));
	if (len >= sizeof(name))
		return false;
	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	ares_getaddrinfo(
	    lookup->channel->ares, name, NULL, &hints, hosts_answered, lookup);
	return lookup_has(lookup, RESOLVER_FOUND) ||
	    lookup_has(lookup, RESOLVER_FAILED);
}

void
lookup_start(
    struct lookup *lookup, struct dns_channel *channel, const char *error)
{
	lookup->channel = channel;
	if (lookup->parts[0].type != TYPE_SRV && lookup_host(lookup))
		lookup_done(lookup);
	else if (error != NULL)
		lookup_fail(lookup, error);
	else {
		lookup_ask(lookup);
		dns_channel_settle(channel);
	}
}
