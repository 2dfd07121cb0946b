/*
 * What is handed over: see handover.h.  It is JSON, since what one of the two
 * versions does not know the other one can leave out.
 */
#include "proc/handover.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/compat.h"
#include "base/mem.h"
#include "state/tally.h"

/* Another meaning of what is there needs another number. */
#define HANDOVER_FORMAT 1

/* ---- writing ---- */

static json_t *
put_endpoint(const struct endpoint *endpoint)
{
	char text[ENDPOINT_STRLEN];

	return json_string(endpoint_format(endpoint, text, sizeof(text)));
}

static json_t *
put_socket(const struct owned *owned, unsigned slots)
{
	unsigned i, n = owned->shared ? 1 : slots;
	json_t *rows = json_array();

	for (i = 0; i < n; i++)
		(void)json_array_append_new(rows,
		    json_pack("[i,b,I]", owned->fds[i], owned->listening[i],
			(json_int_t)owned->member[i]));
	return json_pack("{s:I,s:I,s:o,s:o,s:b,s:b,s:b,s:I,s:I,s:o}", "id",
	    (json_int_t)owned->id, "service", (json_int_t)owned->service,
	    "asked", put_endpoint(&owned->asked), "bound",
	    put_endpoint(&owned->endpoint), "shared", owned->shared,
	    "activated", owned->activated, "unordered", owned->unordered,
	    "members", (json_int_t)owned->nmembers, "dealt",
	    (json_int_t)owned->dealt, "slots", rows);
}

static json_t *
put_sockets(const struct handover *handover)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < handover->nsockets; i++)
		(void)json_array_append_new(
		    array, put_socket(&handover->sockets[i], handover->slots));
	return array;
}

static json_t *
put_bells(const struct handover *handover)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < handover->nbells; i++)
		(void)json_array_append_new(array,
		    json_pack("[i,i]", handover->bells[i].read_fd,
			handover->bells[i].write_fd));
	return array;
}

static json_t *
put_pages(const struct handover *handover)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < handover->npages; i++)
		(void)json_array_append_new(array,
		    json_pack("[o,i]", put_endpoint(&handover->pages[i].asked),
			handover->pages[i].fd));
	return array;
}

static json_t *
put_used(const struct handover *handover)
{
	json_t *array = json_array();
	unsigned i;

	for (i = 0; i < handover->slots; i++)
		(void)json_array_append_new(
		    array, json_boolean(handover->used[i]));
	return array;
}

static json_t *
put_bans(const struct handover *handover)
{
	char text[PREFIX_STRLEN];
	json_t *array = json_array();
	const struct handover_ban *ban;
	size_t i;

	for (i = 0; i < handover->nbans; i++) {
		ban = &handover->bans[i];
		/* For ever is -1. */
		(void)json_array_append_new(array,
		    json_pack("[s,I]",
			prefix_format(&ban->prefix, text, sizeof(text)),
			(json_int_t)ban->until_ms));
	}
	return array;
}

static json_t *
put_all(const struct handover *handover)
{
	json_t *fds = json_pack("{s:i,s:i,s:i,s:i,s:i,s:i}", "channel",
	    handover->channel_fd, "presence", handover->presence_fd, "state",
	    handover->state_fd, "stderr", handover->stderr_fd, "lock",
	    handover->lock_fd, "control", handover->control_fd);

	return json_pack("{s:i,s:o,s:s,s:I,s:I,s:I,s:I,s:b,s:I,s:b,s:o,s:o,"
			 "s:o,s:o,s:i,s:o,s:s}",
	    "format", HANDOVER_FORMAT, "fds", fds, "control_path",
	    handover->control, "first", (json_int_t)handover->first, "slots",
	    (json_int_t)handover->slots, "generation",
	    (json_int_t)handover->generation, "started_ms",
	    (json_int_t)handover->started_ms, "detached", handover->detached,
	    "seed", (json_int_t)handover->seed, "steered", handover->steered,
	    "bells", put_bells(handover), "sockets", put_sockets(handover),
	    "used", put_used(handover), "pages", put_pages(handover), "node",
	    (int)handover->node, "bans", put_bans(handover), "configuration",
	    handover->text);
}

int
handover_write(const struct handover *handover)
{
	json_t *all = put_all(handover);
	char *text = all != NULL ? json_dumps(all, JSON_COMPACT) : NULL;
	size_t size = text != NULL ? strlen(text) + 1 : 0;
	int fd = -1, error;
	void *map;

	json_decref(all);
	if (text == NULL) {
		errno = ENOMEM;
		return -1;
	}
	fd = compat_shared_memory("muxd-handover", size);
	if (fd == -1)
		goto done;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		error = errno;
		(void)close(fd);
		errno = error;
		fd = -1;
		goto done;
	}
	memcpy(map, text, size);
	(void)munmap(map, size);
done:
	error = errno;
	free(text);
	errno = error;
	return fd;
}

/* ---- reading ---- */

static bool
get_endpoint(const json_t *value, struct endpoint *endpoint)
{
	const char *text = json_string_value(value), *why;
	struct endpoint two[2];

	if (text == NULL || endpoint_parse(text, two, &why) != 1)
		return false;
	*endpoint = two[0];
	return true;
}

static bool
get_rows(struct owned *owned, const json_t *rows, unsigned slots)
{
	size_t i, n = owned->shared ? 1 : slots;
	json_int_t member;
	int listening;
	json_t *row;

	if (json_array_size(rows) != n)
		return false;
	owned->fds = mem_array(n, sizeof(*owned->fds));
	owned->listening = mem_array(n, sizeof(*owned->listening));
	owned->member = mem_array(n, sizeof(*owned->member));
	if (owned->fds == NULL || owned->listening == NULL ||
	    owned->member == NULL)
		return false;
	json_array_foreach(rows, i, row)
	{
		if (json_unpack(row, "[i,b,I]", &owned->fds[i], &listening,
			&member) == -1)
			return false;
		owned->listening[i] = listening != 0;
		owned->member[i] = (uint32_t)member;
	}
	return true;
}

static bool
get_socket(struct owned *owned, json_t *value, unsigned slots)
{
	json_int_t id, service, members, dealt;
	json_t *asked, *bound, *rows;
	int shared, activated = 0, unordered = 0;

	if (json_unpack(value, "{s:I,s:I,s:o,s:o,s:b,s:b,s:b,s:I,s:I,s:o}",
		"id", &id, "service", &service, "asked", &asked, "bound",
		&bound, "shared", &shared, "activated", &activated, "unordered",
		&unordered, "members", &members, "dealt", &dealt, "slots",
		&rows) == -1 ||
	    !get_endpoint(asked, &owned->asked) ||
	    !get_endpoint(bound, &owned->endpoint) || service < 0)
		return false;
	owned->id = (uint32_t)id;
	owned->service = (size_t)service;
	owned->shared = shared != 0;
	owned->activated = activated != 0;
	owned->unordered = unordered != 0;
	owned->nmembers = (uint32_t)members;
	owned->dealt = (uint32_t)dealt;
	return get_rows(owned, rows, slots);
}

static bool
get_sockets(struct handover *handover, const json_t *array)
{
	json_t *value;
	size_t i;

	handover->sockets =
	    mem_array(json_array_size(array), sizeof(*handover->sockets));
	if (handover->sockets == NULL)
		return false;
	json_array_foreach(array, i, value)
	{
		/* Also of one that was read in part. */
		handover->nsockets = i + 1;
		if (!get_socket(&handover->sockets[i], value, handover->slots))
			return false;
	}
	return true;
}

static bool
get_bells(struct handover *handover, const json_t *array)
{
	json_t *value;
	size_t i;

	handover->nbells = json_array_size(array);
	handover->bells = fd_pairs_new(handover->nbells);
	if (handover->bells == NULL)
		return false;
	json_array_foreach(array, i, value)
	{
		if (json_unpack(value, "[i,i]", &handover->bells[i].read_fd,
			&handover->bells[i].write_fd) == -1)
			return false;
	}
	return true;
}

static bool
get_pages(struct handover *handover, const json_t *array)
{
	struct handover_page *page;
	json_t *value, *asked;
	size_t i;

	handover->npages = json_array_size(array);
	handover->pages = mem_array(handover->npages, sizeof(*handover->pages));
	if (handover->pages == NULL)
		return false;
	json_array_foreach(array, i, value)
	{
		page = &handover->pages[i];
		if (json_unpack(value, "[o,i]", &asked, &page->fd) == -1 ||
		    !get_endpoint(asked, &page->asked))
			return false;
	}
	return true;
}

/* None, if the one who has written it knows of none. */
static bool
get_bans(struct handover *handover, const json_t *array)
{
	struct handover_ban *ban;
	json_t *value;
	const char *text, *why;
	json_int_t until;
	size_t i;

	handover->nbans = json_array_size(array);
	handover->bans = mem_array(handover->nbans, sizeof(*handover->bans));
	if (handover->bans == NULL)
		return false;
	json_array_foreach(array, i, value)
	{
		ban = &handover->bans[i];
		if (json_unpack(value, "[s,I]", &text, &until) == -1 ||
		    prefix_parse(text, &ban->prefix, &why) == -1)
			return false;
		ban->until_ms = (uint64_t)until;
	}
	return true;
}

static bool
get_node(struct handover *handover, json_t *all)
{
	int node = NODE_ENABLED;

	if (json_unpack(all, "{s?i}", "node", &node) == -1 || node < 0 ||
	    node > NODE_REFUSING)
		return false;
	handover->node = (enum node_order)node;
	return true;
}

static bool
get_used(struct handover *handover, const json_t *array)
{
	json_t *value;
	size_t i;

	if (json_array_size(array) != handover->slots)
		return false;
	handover->used = mem_array(handover->slots, sizeof(*handover->used));
	if (handover->used == NULL)
		return false;
	json_array_foreach(array, i, value)
	{
		handover->used[i] = json_is_true(value);
	}
	return true;
}

static bool
get_numbers(struct handover *handover, json_t *all)
{
	json_int_t first, slots, generation, started, seed;
	int detached, steered, format;

	if (json_unpack(all, "{s:i,s:I,s:I,s:I,s:I,s:b,s:I,s:b}", "format",
		&format, "first", &first, "slots", &slots, "generation",
		&generation, "started_ms", &started, "detached", &detached,
		"seed", &seed, "steered", &steered) == -1 ||
	    format != HANDOVER_FORMAT || slots < 1 || slots > TALLY_WORKERS ||
	    first < 0 || first > TALLY_WORKERS)
		return false;
	handover->first = (unsigned)first;
	handover->slots = (unsigned)slots;
	handover->generation = (uint32_t)generation;
	handover->started_ms = (uint64_t)started;
	handover->detached = detached != 0;
	handover->seed = (uint32_t)seed;
	handover->steered = steered != 0;
	return true;
}

static bool
get_texts(struct handover *handover, json_t *all)
{
	const char *control, *text;

	if (json_unpack(all, "{s:s,s:s}", "control_path", &control,
		"configuration", &text) == -1)
		return false;
	handover->control = mem_strdup(control);
	handover->text = mem_strdup(text);
	return handover->control != NULL && handover->text != NULL;
}

static bool
get_fds(struct handover *handover, json_t *all)
{
	return json_unpack(all, "{s:{s:i,s:i,s:i,s:i,s:i,s:i}}", "fds",
		   "channel", &handover->channel_fd, "presence",
		   &handover->presence_fd, "state", &handover->state_fd,
		   "stderr", &handover->stderr_fd, "lock", &handover->lock_fd,
		   "control", &handover->control_fd) == 0;
}

static struct handover *
get_all(json_t *all)
{
	struct handover *handover = mem_zalloc(sizeof(*handover));

	if (handover == NULL)
		return NULL;
	errno = EPROTO;
	if (get_numbers(handover, all) && get_fds(handover, all) &&
	    get_texts(handover, all) &&
	    get_bells(handover, json_object_get(all, "bells")) &&
	    get_sockets(handover, json_object_get(all, "sockets")) &&
	    get_used(handover, json_object_get(all, "used")) &&
	    get_pages(handover, json_object_get(all, "pages")) &&
	    get_node(handover, all) &&
	    get_bans(handover, json_object_get(all, "bans")))
		return handover;
	handover_free(handover);
	return NULL;
}

struct handover *
handover_read(int fd)
{
	struct handover *handover = NULL;
	struct stat st;
	json_t *all;
	char *map;

	if (fstat(fd, &st) == -1)
		return NULL;
	if (st.st_size <= 0) {
		errno = EPROTO;
		return NULL;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return NULL;
	all = json_loadb(map, strnlen(map, (size_t)st.st_size), 0, NULL);
	(void)munmap(map, (size_t)st.st_size);
	if (all == NULL) {
		errno = EPROTO;
		return NULL;
	}
	handover = get_all(all);
	json_decref(all);
	return handover;
}

/* ---- life ---- */

void
handover_each_fd(
    struct handover *handover, void (*call)(int *fd, void *arg), void *arg)
{
	int *const alone[] = { &handover->channel_fd, &handover->presence_fd,
		&handover->state_fd, &handover->stderr_fd, &handover->lock_fd,
		&handover->control_fd };
	struct owned *owned;
	size_t i, j, n;

	for (i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		call(alone[i], arg);
	for (i = 0; i < handover->nbells; i++) {
		call(&handover->bells[i].read_fd, arg);
		call(&handover->bells[i].write_fd, arg);
	}
	for (i = 0; i < handover->nsockets; i++) {
		owned = &handover->sockets[i];
		n = owned->shared ? 1 : handover->slots;
		for (j = 0; owned->fds != NULL && j < n; j++)
			call(&owned->fds[j], arg);
	}
	for (i = 0; i < handover->npages; i++)
		call(&handover->pages[i].fd, arg);
}

void
handover_free(struct handover *handover)
{
	size_t i;

	if (handover == NULL)
		return;
	for (i = 0; i < handover->nsockets; i++) {
		mem_free(handover->sockets[i].fds);
		mem_free(handover->sockets[i].listening);
		mem_free(handover->sockets[i].member);
	}
	mem_free(handover->sockets);
	mem_free(handover->bells);
	mem_free(handover->pages);
	mem_free(handover->bans);
	mem_free(handover->used);
	mem_free(handover->control);
	mem_free(handover->text);
	mem_free(handover);
}
