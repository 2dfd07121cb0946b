/*
 * Changing the listening sockets: see sockets_change.h.
 */
#include "proc/sockets_change.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/socket_options.h"
#include "proc/sockets_inherit.h"
#include "state/tally.h"

static const struct conf_service *
service_of(const struct conf *conf, const struct owned *owned)
{
	return &conf->services[owned->service];
}

/* Whether it can go on as that address of the service.  Where the kernel has
 * chosen the port, nothing else tells two of them apart. */
static bool
owned_fits(const struct sockets_change *change, const struct owned *owned,
    const struct conf_service *service, const struct endpoint *endpoint)
{
	const struct conf_service *was =
	    service_of(change->sockets->conf, owned);

	if (!endpoint_equal(&owned->asked, endpoint))
		return false;
	return endpoint->transport == TRANSPORT_UNIX ||
	    endpoint->addr.port != 0 || strcmp(was->name, service->name) == 0;
}

/* The one that has the address already, if no other item has taken it. */
static int
find_owned(const struct sockets_change *change,
    const struct conf_service *service, const struct endpoint *endpoint)
{
	const struct sockets *sockets = change->sockets;
	size_t i, j;

	for (i = 0; i < sockets->n; i++) {
		if (!owned_fits(change, &sockets->items[i], service, endpoint))
			continue;
		for (j = 0; j < change->n; j++)
			if (change->items[j].from == (int)i)
				break;
		if (j == change->n)
			return (int)i;
	}
	return -1;
}

/* Whether a socket of ours is in the way of a probe: it has the address, or a
 * wildcard address cannot be probed beside an exact one. */
static bool
is_beside_ours(const struct sockets *sockets, const struct endpoint *endpoint)
{
	const struct endpoint *ours;
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		ours = &sockets->items[i].endpoint;
		if (ours->transport == endpoint->transport &&
		    ours->addr.family == endpoint->addr.family &&
		    ours->addr.port == endpoint->addr.port &&
		    (addr_is_any(&ours->addr) || addr_is_any(&endpoint->addr) ||
			addr_compare(&ours->addr, &endpoint->addr) == 0))
			return true;
	}
	return false;
}

/* ---- options of living sockets ---- */

static bool
options_equal(const struct conf_socket *a, const struct conf_socket *b)
{
	return a->backlog == b->backlog && a->keepalive == b->keepalive &&
	    a->nodelay == b->nodelay && a->user_timeout == b->user_timeout &&
	    a->defer_accept == b->defer_accept && a->fastopen == b->fastopen;
}

/* -1 with errno; *option names one that the kernel refuses. */
static int
owned_set_options(const struct owned *owned, unsigned slots,
    const struct conf_socket *conf, const char **option)
{
	const struct socket_options options = socket_options_of(conf);
	unsigned i, n = owned->shared ? 1 : slots;

	if (owned->endpoint.transport == TRANSPORT_UDP)
		return 0;
	for (i = 0; i < n; i++) {
		*option = NULL;
		if (owned->fds[i] == -1)
			continue;
		if (owned->endpoint.transport == TRANSPORT_TCP &&
		    socket_options_change(owned->fds[i], &options, option) ==
			-1)
			return -1;
		*option = "the backlog";
		/* Of one that listens already it sets the backlog alone. */
		if (owned->listening[i] &&
		    socket_listen(owned->fds[i], options.backlog) == -1)
			return -1;
	}
	return 0;
}

static int
item_change_options(const struct sockets_change *change,
    struct change_item *item, struct conf_errors *errors)
{
	const struct sockets *sockets = change->sockets;
	const struct owned *owned = &sockets->items[item->from];
	const struct conf_service *is = service_of(change->conf, &item->owned);
	struct socket_file file;
	const char *option;

	if (owned->endpoint.transport == TRANSPORT_UNIX &&
	    owned_find_file(is, &file, errors) == -1)
		return -1;
	if (options_equal(
		&is->socket, &service_of(sockets->conf, owned)->socket))
		return 0;
	item->options_set = true;
	if (owned_set_options(owned, sockets->slots, &is->socket, &option) == 0)
		return 0;
	sockets_complain(errors, is, &owned->endpoint, option);
	return -1;
}

static void
item_restore_options(
    const struct sockets_change *change, const struct change_item *item)
{
	const struct sockets *sockets = change->sockets;
	const struct owned *owned;
	const char *option;

	if (!item->options_set)
		return;
	owned = &sockets->items[item->from];
	(void)owned_set_options(owned, sockets->slots,
	    &service_of(sockets->conf, owned)->socket, &option);
}

/* ---- slots that get a worker ---- */

static int
item_bind_slots(struct sockets_change *change, struct change_item *item,
    struct conf_errors *errors)
{
	struct sockets *sockets = change->sockets;
	struct owned *owned = &sockets->items[item->from];
	const struct conf_service *conf =
	    service_of(change->conf, &item->owned);
	const char *option = NULL;
	unsigned slot;

	if (owned->shared)
		return owned_check_activated(owned, sockets, conf, errors);
	item->bound = mem_array(sockets->slots, sizeof(*item->bound));
	for (slot = 0; item->bound != NULL && slot < sockets->slots; slot++) {
		/* One that had a worker before may have them still. */
		if (!sockets->wanted[slot] || owned->fds[slot] != -1)
			continue;
		if (owned_bind_slot(owned, sockets, conf, slot, &option) == -1)
			break;
		item->bound[slot] = true;
	}
	if (item->bound != NULL && slot == sockets->slots)
		return 0;
	sockets_complain(errors, conf, &owned->endpoint, option);
	return -1;
}

static void
item_unbind_slots(struct sockets_change *change, struct change_item *item)
{
	struct sockets *sockets = change->sockets;
	unsigned slot = sockets->slots;

	while (item->bound != NULL && slot-- > 0)
		if (item->bound[slot])
			owned_unbind_slot(&sockets->items[item->from], slot);
	mem_free(item->bound);
	item->bound = NULL;
}

/* ---- before the decision ---- */

static int
item_prepare(struct sockets_change *change, size_t service,
    const struct endpoint *endpoint, struct conf_errors *errors)
{
	const struct sockets *sockets = change->sockets;
	const struct conf_service *conf = &change->conf->services[service];
	int from = find_owned(change, conf, endpoint);
	struct change_item *item = &change->items[change->n++];

	item->from = from;
	item->owned.service = service;
	if (from != -1)
		return item_change_options(change, item, errors);
	item->owned.asked = *endpoint;
	if (endpoint->transport == TRANSPORT_UNIX ||
	    is_beside_ours(sockets, endpoint) || socket_probe(endpoint) == 0)
		return 0;
	sockets_complain(errors, conf, endpoint, NULL);
	return -1;
}

/* Once all are probed, since then those that are bound are in the way. */
static int
item_open(struct sockets_change *change, struct change_item *item,
    struct conf_errors *errors)
{
	const struct sockets *sockets = change->sockets;
	const struct endpoint asked = item->owned.asked;

	if (item->from != -1)
		return item_bind_slots(change, item, errors);
	if (owned_open(&item->owned, sockets, change->conf, item->owned.service,
		&asked, NULL, errors) == -1)
		return -1;
	item->owned.id = ++change->ids;
	owned_begin_to_deal(&item->owned, sockets);
	return 0;
}

int
sockets_prepare(struct sockets *sockets, const struct conf *conf,
    struct sockets_change *change, struct conf_errors *errors)
{
	size_t i, j, total = 0;
	int result = 0;

	memset(change, 0, sizeof(*change));
	change->sockets = sockets;
	change->conf = conf;
	change->ids = sockets->ids;
	for (i = 0; i < conf->nservices; i++)
		total += conf->services[i].nlisten;
	change->items = mem_array(total, sizeof(*change->items));
	change->packed = mem_array(total, sizeof(*change->packed));
	if (change->items == NULL || change->packed == NULL) {
		conf_error_add(errors, false, conf->services[0].file, 0, "%s",
		    strerror(errno));
		return -1;
	}
	for (i = 0; i < conf->nservices; i++)
		for (j = 0; j < conf->services[i].nlisten; j++)
			if (item_prepare(change, i,
				&conf->services[i].listen[j], errors) == -1)
				result = -1;
	if (result == -1)
		return -1;
	/* All of them, so that all that is wrong is told. */
	for (i = 0; i < change->n; i++)
		if (item_open(change, &change->items[i], errors) == -1)
			result = -1;
	return result;
}

const struct owned *
sockets_change_owned(const struct sockets_change *change, size_t i)
{
	const struct change_item *item = &change->items[i];

	return item->from == -1 ? &item->owned
				: &change->sockets->items[item->from];
}

int
sockets_listen_fresh(
    struct sockets_change *change, unsigned slot, struct conf_errors *errors)
{
	struct change_item *item;
	size_t i;

	for (i = 0; i < change->n; i++) {
		item = &change->items[i];
		if (item->from != -1 ||
		    owned_listen(&item->owned,
			service_of(change->conf, &item->owned), slot) == 0)
			continue;
		sockets_complain(errors, service_of(change->conf, &item->owned),
		    &item->owned.endpoint, NULL);
		return -1;
	}
	return 0;
}

int
sockets_steer_wanted(
    struct sockets_change *change, const bool *sick, struct conf_errors *errors)
{
	struct sockets *sockets = change->sockets;
	const struct conf *conf = change->conf;
	bool leaving[TALLY_WORKERS] = { false }, leaves = false;
	unsigned slot;

	for (slot = 0; slot < sockets->slots; slot++) {
		if (!sockets->used[slot] || sockets->wanted[slot])
			continue;
		leaving[slot] = leaves = true;
		sockets->used[slot] = false;
		sockets->lingers[slot] = true;
	}
	if (!leaves || sockets_steer(sockets, sick) == 0)
		return 0;
	conf_error_add(errors, false, conf->services[0].file, 0,
	    "cannot steer clients around workers that are to end: %s",
	    strerror(errno));
	for (slot = 0; slot < sockets->slots; slot++) {
		if (!leaving[slot])
			continue;
		sockets->used[slot] = true;
		sockets->lingers[slot] = false;
	}
	(void)sockets_steer(sockets, sick);
	return -1;
}

void
sockets_abandon(struct sockets_change *change)
{
	struct change_item *item;
	size_t i;

	for (i = 0; i < change->n; i++) {
		item = &change->items[i];
		item_restore_options(change, item);
		item_unbind_slots(change, item);
		if (item->from != -1)
			continue;
		if (item->owned.endpoint.transport == TRANSPORT_UNIX &&
		    item->owned.fds != NULL && item->owned.fds[0] != -1)
			(void)unlink(item->owned.endpoint.path);
		owned_close_all(&item->owned, change->sockets->slots);
	}
	if (change->sockets != NULL)
		memcpy(change->sockets->wanted, change->sockets->used,
		    change->sockets->slots * sizeof(bool));
	mem_free(change->items);
	mem_free(change->packed);
	memset(change, 0, sizeof(*change));
}

/* ---- the decision ---- */

static bool
files_equal(const struct conf_socket *a, const struct conf_socket *b)
{
	const char *none = "";

	return a->unix_mode == b->unix_mode &&
	    strcmp(a->unix_user != NULL ? a->unix_user : none,
		b->unix_user != NULL ? b->unix_user : none) == 0 &&
	    strcmp(a->unix_group != NULL ? a->unix_group : none,
		b->unix_group != NULL ? b->unix_group : none) == 0;
}

static void
owned_set_file(const struct owned *owned, const struct conf_service *is,
    struct conf_errors *errors)
{
	struct socket_file file;

	if (owned->endpoint.transport != TRANSPORT_UNIX || owned->activated ||
	    owned_find_file(is, &file, errors) == -1 ||
	    socket_set_file(&owned->endpoint, &file) == 0)
		return;
	conf_error_add(errors, true, is->file, is->line,
	    "service \"%s\": cannot change the owner and mode of %s: %s",
	    is->name, owned->endpoint.path, strerror(errno));
}

static void
owned_change_file(const struct owned *owned, const struct conf_service *was,
    const struct conf_service *is, struct conf_errors *errors)
{
	if (!files_equal(&was->socket, &is->socket))
		owned_set_file(owned, is, errors);
}

void
sockets_settle(struct sockets *sockets, struct conf_errors *errors)
{
	const struct conf_service *conf;
	const struct owned *owned;
	const char *option;
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		owned = &sockets->items[i];
		conf = service_of(sockets->conf, owned);
		(void)owned_set_options(
		    owned, sockets->slots, &conf->socket, &option);
		owned_set_file(owned, conf, errors);
	}
}

/* What stays goes into the new array; what does not is left over. */
static void
keep_owned(struct sockets_change *change, struct change_item *item,
    struct conf_errors *errors)
{
	struct sockets *sockets = change->sockets;
	size_t service = item->owned.service;
	struct owned *old = &sockets->items[item->from];

	if (!sockets->held)
		owned_change_file(old, service_of(sockets->conf, old),
		    &change->conf->services[service], errors);
	item->owned = *old;
	item->owned.service = service;
	mem_free(item->bound);
	item->bound = NULL;
	/* The mark of one that was kept. */
	old->fds = NULL;
}

void
sockets_commit(struct sockets_change *change, struct conf_errors *errors)
{
	struct sockets *sockets = change->sockets;
	size_t i, n = 0;

	for (i = 0; i < change->n; i++)
		if (change->items[i].from != -1)
			keep_owned(change, &change->items[i], errors);
	for (i = 0; i < sockets->n; i++) {
		if (sockets->items[i].fds == NULL)
			continue;
		if (sockets->items[i].endpoint.transport == TRANSPORT_UNIX &&
		    !sockets->items[i].activated && !sockets->held)
			(void)unlink(sockets->items[i].endpoint.path);
		sockets->items[n++] = sockets->items[i];
	}
	sockets->leftover = sockets->items;
	sockets->nleftover = n;
	for (i = 0; i < change->n; i++)
		change->packed[i] = change->items[i].owned;
	sockets->items = change->packed;
	mem_free(change->items);
	sockets->n = change->n;
	sockets->conf = change->conf;
	sockets->ids = change->ids;
	memcpy(sockets->used, sockets->wanted, sockets->slots * sizeof(bool));
	if (n == 0)
		sockets_close_leftover(sockets);
	memset(change, 0, sizeof(*change));
}
