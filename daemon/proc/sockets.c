/*
 * The sockets that the master owns: see sockets.h.
 */
#include "proc/sockets.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "net/socket.h"
#include "proc/privileges.h"
#include "proc/socket_name.h"
#include "proc/sockets_inherit.h"

static int
clamp_int(uint64_t n)
{
	return n > INT32_MAX ? INT32_MAX : (int)n;
}

struct socket_options
socket_options_of(const struct conf_socket *conf)
{
	const struct socket_options options = {
		.backlog = clamp_int(conf->backlog),
		.keepalive_ms = conf->keepalive,
		.user_timeout_ms = conf->user_timeout,
		.defer_accept_ms = conf->defer_accept,
		.fastopen = clamp_int(conf->fastopen),
		.nodelay = conf->nodelay,
	};

	return options;
}

/* What bind(2) and its kin say, in words that tell what to do. */
void
sockets_complain(struct conf_errors *errors, const struct conf_service *conf,
    const struct endpoint *endpoint, const char *option)
{
	char text[ENDPOINT_STRLEN];
	const char *hint = "";

	endpoint_format(endpoint, text, sizeof(text));
	if (option != NULL) {
		conf_error_add(errors, false, conf->file, conf->line,
		    "service \"%s\": cannot set %s on %s: %s", conf->name,
		    option, text, strerror(errno));
		return;
	}
	if (errno == EADDRINUSE)
		hint = " (another program, or another muxd, has it)";
	else if (errno == EACCES && endpoint->transport != TRANSPORT_UNIX)
		hint = " (a port below 1024 needs root or"
		       " CAP_NET_BIND_SERVICE)";
	else if (errno == EADDRNOTAVAIL)
		hint = " (no interface of this machine has the address)";
	else if (errno == EEXIST)
		hint = " (there is a file that is no socket)";
	conf_error_add(errors, false, conf->file, conf->line,
	    "service \"%s\": cannot listen on %s: %s%s", conf->name, text,
	    strerror(errno), hint);
}

int
owned_find_file(const struct conf_service *conf, struct socket_file *file,
    struct conf_errors *errors)
{
	const struct conf_socket *socket = &conf->socket;

	*file = (struct socket_file){
		.mode = socket->unix_mode,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
	};
	if (socket->unix_user != NULL &&
	    privileges_find_uid(socket->unix_user, &file->uid) == -1) {
		conf_error_add(errors, false, conf->file, conf->line,
		    "service \"%s\": unix_user: there is no user \"%s\"",
		    conf->name, socket->unix_user);
		return -1;
	}
	if (socket->unix_group != NULL &&
	    privileges_find_gid(socket->unix_group, &file->gid) == -1) {
		conf_error_add(errors, false, conf->file, conf->line,
		    "service \"%s\": unix_group: there is no group \"%s\"",
		    conf->name, socket->unix_group);
		return -1;
	}
	return 0;
}

static int
owned_bind_unix(struct owned *owned, const struct conf_service *conf,
    struct conf_errors *errors)
{
	const struct socket_options options = socket_options_of(&conf->socket);
	struct socket_file file;

	if (owned_find_file(conf, &file, errors) == -1)
		return -1;
	owned->fds[0] = socket_bind_unix(&owned->endpoint, &options, &file);
	if (owned->fds[0] == -1) {
		sockets_complain(errors, conf, &owned->endpoint, NULL);
		return -1;
	}
	owned->listening[0] = true;
	return 0;
}

/* One that goes on keeps its file, which gets the owner and mode that it would
 * be made with now; that of a service manager is the manager's affair. */
static int
owned_take_file(struct owned *owned, const struct conf_service *conf,
    struct conf_errors *errors)
{
	struct socket_file file;

	if (owned->activated)
		return 0;
	if (owned_find_file(conf, &file, errors) == -1)
		return -1;
	if (socket_set_file(&owned->endpoint, &file) == 0)
		return 0;
	sockets_complain(errors, conf, &owned->endpoint, "the owner and mode");
	return -1;
}

static void
owned_close(struct owned *owned, unsigned index)
{
	if (owned->fds == NULL || owned->fds[index] == -1)
		return;
	(void)close(owned->fds[index]);
	owned->fds[index] = -1;
}

static int
owned_bind(struct owned *owned, const struct conf_service *conf, unsigned index,
    const char **option)
{
	const struct socket_options options = socket_options_of(&conf->socket);

	owned->fds[index] = socket_bind(&owned->endpoint, &options, option);
	if (owned->fds[index] == -1)
		return -1;
	if (owned->endpoint.transport == TRANSPORT_UDP)
		owned->member[index] = owned->nmembers++;
	return 0;
}

/* The first socket may let the kernel choose the port; the rest follow. */
static int
owned_bind_inet(struct owned *owned, const struct conf_service *conf,
    struct conf_errors *errors, unsigned n, const bool *wanted)
{
	const char *option = NULL;
	/* Others have it where some were inherited. */
	bool first = owned->endpoint.addr.port == 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (owned->fds[i] != -1 || (!owned->shared && !wanted[i]))
			continue;
		if (owned_bind(owned, conf, i, &option) == -1 ||
		    (first &&
			socket_local(owned->fds[i], &owned->endpoint.addr) ==
			    -1))
			goto fail;
		first = false;
		owned->listening[i] =
		    owned->endpoint.transport == TRANSPORT_UDP;
	}
	if (owned->dealt == 0)
		owned->dealt = owned->nmembers;
	return 0;
fail:
	sockets_complain(errors, conf, &owned->endpoint, option);
	return -1;
}

int
owned_open(struct owned *owned, const struct sockets *sockets,
    const struct conf *conf, size_t service, const struct endpoint *endpoint,
    struct inherited_sockets *inherited, struct conf_errors *errors)
{
	const struct conf_service *is = &conf->services[service];
	struct inherited_socket *first = inherited == NULL
	    ? NULL
	    : inherited_sockets_find(inherited, is, endpoint);
	unsigned i, n;

	owned->service = service;
	owned->asked = *endpoint;
	owned->endpoint = *endpoint;
	owned->shared = endpoint->transport == TRANSPORT_UNIX ||
	    !compat_reuseport_balances() ||
	    (first != NULL && first->name.shared);
	n = owned->shared ? 1 : sockets->slots;
	owned->fds = mem_array(n, sizeof(*owned->fds));
	for (i = 0; owned->fds != NULL && i < n; i++)
		owned->fds[i] = -1;
	owned->listening = mem_array(n, sizeof(*owned->listening));
	owned->member = mem_array(n, sizeof(*owned->member));
	if (owned->fds == NULL || owned->listening == NULL ||
	    owned->member == NULL) {
		conf_error_add(
		    errors, false, is->file, is->line, "%s", strerror(errno));
		return -1;
	}
	if (first != NULL)
		owned_inherit(owned, sockets, inherited, first);
	if (owned_check_activated(owned, sockets, is, errors) == -1)
		return -1;
	if (endpoint->transport == TRANSPORT_UNIX)
		return first != NULL ? owned_take_file(owned, is, errors)
				     : owned_bind_unix(owned, is, errors);
	return owned_bind_inet(owned, is, errors, n, sockets->wanted);
}

/* Before anything is bound: a wildcard address of ours cannot be probed
 * beside an exact one of ours. */
static int
sockets_probe(const struct conf *conf,
    const struct inherited_sockets *inherited, struct conf_errors *errors)
{
	const struct conf_service *service;
	size_t i, j;
	int result = 0;

	for (i = 0; i < conf->nservices; i++) {
		service = &conf->services[i];
		for (j = 0; j < service->nlisten; j++) {
			if (service->listen[j].transport == TRANSPORT_UNIX ||
			    inherited_sockets_beside(
				inherited, &service->listen[j]) ||
			    socket_probe(&service->listen[j]) == 0)
				continue;
			sockets_complain(
			    errors, service, &service->listen[j], NULL);
			result = -1;
		}
	}
	return result;
}

static int
sockets_bind(struct sockets *sockets, struct inherited_sockets *inherited,
    struct conf_errors *errors)
{
	const struct conf *conf = sockets->conf;
	size_t i, j;
	int result = 0;

	for (i = 0; i < conf->nservices; i++) {
		for (j = 0; j < conf->services[i].nlisten; j++) {
			sockets->items[sockets->n].id = ++sockets->ids;
			if (owned_open(&sockets->items[sockets->n++], sockets,
				conf, i, &conf->services[i].listen[j],
				inherited, errors) == -1)
				result = -1;
		}
	}
	return result;
}

int
owned_bind_slot(struct owned *owned, const struct sockets *sockets,
    const struct conf_service *conf, unsigned slot, const char **option)
{
	*option = NULL;
	/* Before the second one joins the group: the kernel shall not deal. */
	if (owned_is_dealt(owned) && owned->nmembers == 1 &&
	    owned_deal(owned, sockets, NULL) == -1)
		return -1;
	return owned_bind(owned, conf, slot, option);
}

void
owned_unbind_slot(struct owned *owned, unsigned slot)
{
	owned_close(owned, slot);
	if (owned->endpoint.transport == TRANSPORT_UDP)
		owned->nmembers--;
}

/* Room by slot; -1 with errno. */
static int
sockets_make_room(struct sockets *sockets, unsigned workers, unsigned slots)
{
	unsigned slot;

	sockets->slots = slots;
	sockets->used = mem_array(slots, sizeof(*sockets->used));
	sockets->wanted = mem_array(slots, sizeof(*sockets->wanted));
	sockets->lingers = mem_array(slots, sizeof(*sockets->lingers));
	if (sockets->used == NULL || sockets->wanted == NULL ||
	    sockets->lingers == NULL)
		return -1;
	for (slot = 0; slot < workers; slot++)
		sockets->used[slot] = sockets->wanted[slot] = true;
	return 0;
}

int
sockets_adopt(struct sockets *sockets, const struct conf *before,
    struct owned *items, size_t n, const bool *used, unsigned slots)
{
	unsigned slot;
	size_t i;

	memset(sockets, 0, sizeof(*sockets));
	if (sockets_make_room(sockets, 0, slots) == -1)
		return -1;
	sockets->items = mem_array(n, sizeof(*items));
	if (sockets->items == NULL)
		return -1;
	sockets->conf = before;
	for (slot = 0; slot < slots; slot++)
		sockets->used[slot] = sockets->wanted[slot] = used[slot];
	for (i = 0; i < n; i++) {
		sockets->items[i] = items[i];
		sockets->items[i].inherited = true;
		if (items[i].id > sockets->ids)
			sockets->ids = items[i].id;
		memset(&items[i], 0, sizeof(items[i]));
	}
	sockets->n = n;
	return 0;
}

int
sockets_open(struct sockets *sockets, const struct conf *conf, unsigned workers,
    unsigned slots, struct inherited_sockets *inherited,
    struct conf_errors *errors)
{
	size_t i, total = 0;

	memset(sockets, 0, sizeof(*sockets));
	sockets->conf = conf;
	if (sockets_probe(conf, inherited, errors) == -1)
		return -1;
	for (i = 0; i < conf->nservices; i++)
		total += conf->services[i].nlisten;
	sockets->items = mem_array(total, sizeof(*sockets->items));
	if (sockets_make_room(sockets, workers, slots) == -1 ||
	    sockets->items == NULL) {
		conf_error_add(errors, false, conf->services[0].file, 0, "%s",
		    strerror(errno));
		return -1;
	}
	if (sockets_bind(sockets, inherited, errors) == -1)
		return -1;
	/* They may be steered as they were before. */
	sockets->steered = inherited != NULL && inherited->taken > 0;
	/* From the first datagram on, so that steering around a sick slot
	 * moves no sender of another one. */
	if (inherited != NULL && inherited->seed != 0)
		sockets->seed = inherited->seed;
	if (sockets->seed != 0 ||
	    getentropy(&sockets->seed, sizeof(sockets->seed)) == 0)
		for (i = 0; i < sockets->n; i++)
			owned_begin_to_deal(&sockets->items[i], sockets);
	return 0;
}

void
sockets_log(struct log *log, const char *message, const struct conf *conf,
    const struct owned *owned)
{
	char name[ENDPOINT_STRLEN];
	struct log_record record;

	log_record_begin(&record, LOG_LEVEL_NOTICE, message);
	log_record_str(&record, "service", conf->services[owned->service].name);
	log_record_str(&record, "address",
	    endpoint_format(&owned->endpoint, name, sizeof(name)));
	log_emit(log, &record);
}

int
sockets_fd(const struct owned *owned, unsigned slot)
{
	return owned->fds[owned->shared ? 0 : slot];
}

int
owned_listen(
    struct owned *owned, const struct conf_service *conf, unsigned slot)
{
	unsigned index = owned->shared ? 0 : slot;

	if (owned->endpoint.transport == TRANSPORT_UDP) {
		if (owned_relays(owned, conf))
			return 0;
		owned->listening[index] = true;
		owned->dealt = owned->nmembers;
		return 0;
	}
	if (owned->listening[index])
		return 0;
	if (socket_listen(owned->fds[index], clamp_int(conf->socket.backlog)) ==
	    -1)
		return -1;
	owned->listening[index] = true;
	owned->member[index] = owned->nmembers++;
	return 0;
}

int
sockets_listen(
    struct sockets *sockets, unsigned slot, const struct owned **failed)
{
	struct owned *owned;
	bool listened;
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		owned = &sockets->items[i];
		listened = owned->listening[owned->shared ? 0 : slot];
		if (owned_listen(owned,
			&sockets->conf->services[owned->service], slot) == -1) {
			*failed = owned;
			return -1;
		}
		/* Datagrams are dealt to it when others are steered next. */
		sockets->steered |= owned_is_dealt(owned) && !listened;
	}
	return 0;
}

void
sockets_remove_files(struct sockets *sockets)
{
	const struct owned *owned;
	size_t i;

	if (sockets->removed)
		return;
	sockets->removed = true;
	for (i = 0; i < sockets->n; i++) {
		owned = &sockets->items[i];
		if (sockets->kept && (sockets->served || owned->inherited))
			continue;
		if (owned->endpoint.transport == TRANSPORT_UNIX &&
		    !owned->activated && !(sockets->held && owned->inherited) &&
		    owned->fds != NULL && owned->fds[0] != -1)
			(void)unlink(owned->endpoint.path);
	}
}

void
sockets_close_slot(struct sockets *sockets, unsigned slot)
{
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		/* The sessions of others notice when a member of their group
		 * is closed. */
		if (sockets->items[i].shared ||
		    (owned_is_dealt(&sockets->items[i]) &&
			!sockets->used[slot]))
			continue;
		owned_close(&sockets->items[i], slot);
	}
}

void
sockets_close_shared(struct sockets *sockets)
{
	size_t i;

	for (i = 0; i < sockets->n; i++)
		if (sockets->items[i].shared)
			owned_close(&sockets->items[i], 0);
}

void
owned_close_all(struct owned *owned, unsigned slots)
{
	unsigned slot;

	for (slot = 0; slot < (owned->shared ? 1 : slots); slot++)
		owned_close(owned, slot);
	mem_free(owned->fds);
	mem_free(owned->listening);
	mem_free(owned->member);
	memset(owned, 0, sizeof(*owned));
}

void
sockets_close_leftover(struct sockets *sockets)
{
	size_t i;

	for (i = 0; i < sockets->nleftover; i++)
		owned_close_all(&sockets->leftover[i], sockets->slots);
	mem_free(sockets->leftover);
	sockets->leftover = NULL;
	sockets->nleftover = 0;
}

void
sockets_close(struct sockets *sockets)
{
	size_t i;

	sockets_close_leftover(sockets);
	for (i = 0; i < sockets->n; i++)
		owned_close_all(&sockets->items[i], sockets->slots);
	mem_free(sockets->items);
	mem_free(sockets->used);
	mem_free(sockets->wanted);
	mem_free(sockets->lingers);
	memset(sockets, 0, sizeof(*sockets));
}
