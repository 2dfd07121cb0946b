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

/* The first socket may let the kernel choose the port; the rest follow. */
static int
owned_bind_inet(struct owned *owned, const struct conf_service *conf,
    struct conf_errors *errors, unsigned n)
{
	const struct socket_options options = socket_options_of(&conf->socket);
	const char *option = NULL;
	unsigned i;

	for (i = 0; i < n; i++) {
		owned->fds[i] =
		    socket_bind(&owned->endpoint, &options, &option);
		if (owned->fds[i] == -1)
			goto fail;
		if (i == 0 &&
		    socket_local(owned->fds[i], &owned->endpoint.addr) == -1)
			goto fail;
		if (owned->endpoint.transport == TRANSPORT_UDP) {
			owned->member[i] = owned->nmembers++;
			owned->listening[i] = true;
		}
	}
	return 0;
fail:
	sockets_complain(errors, conf, &owned->endpoint, option);
	return -1;
}

int
owned_open(struct owned *owned, const struct conf *conf, size_t service,
    const struct endpoint *endpoint, unsigned slots, struct conf_errors *errors)
{
	unsigned i, n;

	owned->service = service;
	owned->asked = *endpoint;
	owned->endpoint = *endpoint;
	owned->shared = endpoint->transport == TRANSPORT_UNIX ||
	    !compat_reuseport_balances();
	n = owned->shared ? 1 : slots;
	owned->fds = mem_array(n, sizeof(*owned->fds));
	for (i = 0; owned->fds != NULL && i < n; i++)
		owned->fds[i] = -1;
	owned->listening = mem_array(n, sizeof(*owned->listening));
	owned->member = mem_array(n, sizeof(*owned->member));
	if (owned->fds == NULL || owned->listening == NULL ||
	    owned->member == NULL) {
		conf_error_add(errors, false, conf->services[service].file,
		    conf->services[service].line, "%s", strerror(errno));
		return -1;
	}
	if (endpoint->transport == TRANSPORT_UNIX)
		return owned_bind_unix(owned, &conf->services[service], errors);
	return owned_bind_inet(owned, &conf->services[service], errors, n);
}

/* Before anything is bound: a wildcard address of ours cannot be probed
 * beside an exact one of ours. */
static int
sockets_probe(const struct conf *conf, struct conf_errors *errors)
{
	const struct conf_service *service;
	size_t i, j;
	int result = 0;

	for (i = 0; i < conf->nservices; i++) {
		service = &conf->services[i];
		for (j = 0; j < service->nlisten; j++) {
			if (service->listen[j].transport == TRANSPORT_UNIX ||
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
sockets_bind(struct sockets *sockets, struct conf_errors *errors)
{
	const struct conf *conf = sockets->conf;
	size_t i, j;
	int result = 0;

	for (i = 0; i < conf->nservices; i++) {
		for (j = 0; j < conf->services[i].nlisten; j++) {
			sockets->items[sockets->n].id = ++sockets->ids;
			if (owned_open(&sockets->items[sockets->n++], conf, i,
				&conf->services[i].listen[j], sockets->slots,
				errors) == -1)
				result = -1;
		}
	}
	return result;
}

/* Deal the datagrams of an address to the slots that are not sick.  A socket
 * for UDP is the slot's member of the group, in the order of the slots. */
static int
owned_deal(const struct owned *owned, const struct sockets *sockets,
    const bool *sick, bool *well)
{
	unsigned slot;

	for (slot = 0; slot < sockets->slots; slot++)
		well[slot] = sick == NULL || !sick[slot];
	return compat_reuseport_deal(owned->fds[0],
	    owned->endpoint.addr.family == ADDR_INET6, well, sockets->slots,
	    sockets->seed);
}

static bool
owned_is_dealt(const struct owned *owned)
{
	return owned->endpoint.transport == TRANSPORT_UDP && !owned->shared;
}

void
owned_begin_to_deal(const struct owned *owned, const struct sockets *sockets)
{
	bool *well;

	if (!owned_is_dealt(owned) || sockets->slots <= 1)
		return;
	well = mem_array(sockets->slots, sizeof(*well));
	/* Where the system cannot, its own choice is as good until a slot is
	 * sick. */
	if (well != NULL)
		(void)owned_deal(owned, sockets, NULL, well);
	mem_free(well);
}

int
sockets_open(struct sockets *sockets, const struct conf *conf, unsigned slots,
    struct conf_errors *errors)
{
	size_t i, total = 0;

	memset(sockets, 0, sizeof(*sockets));
	sockets->conf = conf;
	sockets->slots = slots;
	if (sockets_probe(conf, errors) == -1)
		return -1;
	for (i = 0; i < conf->nservices; i++)
		total += conf->services[i].nlisten;
	sockets->items = mem_array(total, sizeof(*sockets->items));
	if (sockets->items == NULL) {
		conf_error_add(errors, false, conf->services[0].file, 0, "%s",
		    strerror(errno));
		return -1;
	}
	if (sockets_bind(sockets, errors) == -1)
		return -1;
	/* From the first datagram on, so that steering around a sick slot
	 * moves no sender of another one. */
	if (getentropy(&sockets->seed, sizeof(sockets->seed)) == 0)
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
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		owned = &sockets->items[i];
		if (owned_listen(owned,
			&sockets->conf->services[owned->service], slot) == -1) {
			*failed = owned;
			return -1;
		}
	}
	return 0;
}

/* A socket that is in the group already. */
static int
owned_any_member(const struct owned *owned)
{
	unsigned slot = 0;

	while (!owned->listening[slot])
		slot++;
	return owned->fds[slot];
}

/* The places in the group of the listening slots that are well; their
 * number. */
static size_t
owned_well(const struct owned *owned, unsigned slots, const bool *sick,
    uint32_t *index)
{
	size_t n = 0;
	unsigned slot;

	for (slot = 0; slot < slots; slot++)
		if (owned->listening[slot] && !sick[slot])
			index[n++] = owned->member[slot];
	return n;
}

static int
owned_steer(const struct owned *owned, const struct sockets *sockets,
    const bool *sick, uint32_t *index)
{
	size_t n;
	bool steer;

	if (owned->shared || owned->nmembers == 0)
		return 0;
	n = owned_well(owned, sockets->slots, sick, index);
	steer = n > 0 && n < owned->nmembers;
	if (!steer && !sockets->steered)
		return 0;
	return compat_reuseport_steer(
	    owned_any_member(owned), index, steer ? n : 0);
}

int
sockets_steer(struct sockets *sockets, const bool *sick)
{
	uint32_t *index = mem_array(sockets->slots, sizeof(*index));
	bool *well = mem_array(sockets->slots, sizeof(*well));
	int result = -1;
	size_t i;

	if (index == NULL || well == NULL)
		goto out;
	result = 0;
	for (i = 0; i < sockets->n; i++) {
		if (owned_is_dealt(&sockets->items[i])) {
			if (owned_deal(
				&sockets->items[i], sockets, sick, well) == -1)
				result = -1;
		} else if (owned_steer(&sockets->items[i], sockets, sick,
			       index) == -1) {
			result = -1;
		}
	}
	sockets->steered = false;
	for (i = 0; i < sockets->slots; i++)
		sockets->steered |= sick[i];
out:
	mem_free(index);
	mem_free(well);
	return result;
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
		if (owned->endpoint.transport == TRANSPORT_UNIX &&
		    owned->fds != NULL && owned->fds[0] != -1)
			(void)unlink(owned->endpoint.path);
	}
}

static void
owned_close(struct owned *owned, unsigned index)
{
	if (owned->fds == NULL || owned->fds[index] == -1)
		return;
	(void)close(owned->fds[index]);
	owned->fds[index] = -1;
}

void
sockets_close_slot(struct sockets *sockets, unsigned slot)
{
	size_t i;

	for (i = 0; i < sockets->n; i++)
		if (!sockets->items[i].shared)
			owned_close(&sockets->items[i], slot);
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
	sockets->items = NULL;
	sockets->n = 0;
}
