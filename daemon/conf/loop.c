/*
 * Where the connections of a pool lead; see loop.h.
 */
#include "conf/loop.h"

#include <string.h>

#include "base/mem.h"

static bool
is_loopback(const struct addr *addr)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	if (addr->family == ADDR_INET6)
		return memcmp(addr->ip, loopback6, sizeof(loopback6)) == 0;
	return addr->family == ADDR_INET4 && addr->ip[0] == 127;
}

static bool
is_datagram(const struct endpoint *endpoint)
{
	return endpoint->transport == TRANSPORT_UDP;
}

bool
conf_service_takes(const struct conf_service *service, bool datagrams)
{
	size_t i;

	for (i = 0; i < service->nlisten; i++) {
		if (is_datagram(&service->listen[i]) == datagrams)
			return true;
	}
	return false;
}

const struct conf_service *
conf_service_at(const struct conf *conf, bool datagrams,
    const struct addr *addr, bool local)
{
	const struct conf_service *any = NULL;
	size_t i, j;

	for (i = 0; i < conf->nservices; i++) {
		const struct conf_service *service = &conf->services[i];

		for (j = 0; j < service->nlisten; j++) {
			const struct endpoint *listen = &service->listen[j];

			if (listen->transport == TRANSPORT_UNIX ||
			    is_datagram(listen) != datagrams)
				continue;
			if (addr_compare(&listen->addr, addr) == 0)
				return service;
			if (local && addr_is_any(&listen->addr) &&
			    listen->addr.family == addr->family &&
			    listen->addr.port == addr->port)
				any = service;
		}
	}
	return any;
}

static const struct conf_service *
service_at_path(const struct conf *conf, const char *path)
{
	size_t i, j;

	for (i = 0; i < conf->nservices; i++) {
		const struct conf_service *service = &conf->services[i];

		for (j = 0; j < service->nlisten; j++) {
			if (service->listen[j].transport == TRANSPORT_UNIX &&
			    strcmp(service->listen[j].path, path) == 0)
				return service;
		}
	}
	return NULL;
}

const struct conf_service *
conf_service_of_server(
    const struct conf *conf, bool datagrams, const struct conf_server *server)
{
	const struct conf_target *target = &server->target;

	if (target->kind == TARGET_ADDRESS)
		return conf_service_at(
		    conf, datagrams, &target->addr, is_loopback(&target->addr));
	if (target->kind == TARGET_UNIX && !datagrams)
		return service_at_path(conf, target->host);
	return NULL;
}

/* ---- leading back ------------------------------------------------------------ */

/* A search through services, each visited once. */
struct search {
	const struct conf *conf;
	bool datagrams;
	bool *seen; /* by service */
	const struct conf_service **found;
	size_t nfound;
};

static void
find(struct search *search, const struct conf_service *service)
{
	size_t i;

	if (service == NULL)
		return;
	i = (size_t)(service - search->conf->services);
	if (search->seen[i])
		return;
	search->seen[i] = true;
	search->found[search->nfound++] = service;
}

/* Whether any service that is found, or can be from there, uses the pool. */
static bool
search_pool(struct search *search, const struct conf_pool *pool)
{
	size_t i, j;

	for (i = 0; i < search->nfound; i++) {
		const struct conf_pool *next = search->found[i]->pool;

		if (next == pool)
			return true;
		for (j = 0; next != NULL && j < next->nservers; j++)
			find(search,
			    conf_service_of_server(search->conf,
				search->datagrams, &next->servers[j]));
	}
	return false;
}

static bool
leads_back(const struct conf *conf, bool datagrams,
    const struct conf_pool *pool, const struct addr *addr, bool local)
{
	const struct conf_service *first =
	    conf_service_at(conf, datagrams, addr, local);
	struct search search = { .conf = conf, .datagrams = datagrams };
	bool back = true;

	if (first == NULL)
		return false;
	search.seen = mem_array(conf->nservices, sizeof(*search.seen));
	search.found = mem_array(conf->nservices, sizeof(*search.found));
	if (search.seen == NULL || search.found == NULL)
		goto out;
	find(&search, first);
	back = search_pool(&search, pool);
out:
	mem_free(search.found);
	mem_free(search.seen);
	return back;
}

bool
conf_leads_back(const struct conf *conf, const struct conf_pool *pool,
    const struct addr *addr, bool local)
{
	return leads_back(conf, false, pool, addr, local) ||
	    leads_back(conf, true, pool, addr, local);
}
