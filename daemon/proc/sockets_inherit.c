/*
 * Sockets that were handed over: see sockets_inherit.h.
 */
#include "proc/sockets_inherit.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "net/pktinfo.h"
#include "net/socket_options.h"
#include "proc/notify.h"

void
inherited_socket_close(
    struct inherited_sockets *set, struct inherited_socket *item)
{
	if (item->from->fd == -1)
		return;
	/* A manager's copy would keep it alive, and its clients waiting. */
	if (!item->activated) {
		notify_forget(item->from->name);
		set->forgotten = true;
	}
	(void)close(item->from->fd);
	item->from->fd = -1;
}

void
inherited_sockets_settle(struct inherited_sockets *set)
{
	if (set->forgotten)
		notify_settle();
	set->forgotten = false;
}

struct inherited_socket *
inherited_sockets_next(struct inherited_sockets *set, size_t *at)
{
	struct inherited_socket *item;

	while (*at < set->n) {
		item = &set->items[(*at)++];
		if (item->from->fd != -1)
			return item;
	}
	return NULL;
}

bool
inherited_sockets_beside(
    const struct inherited_sockets *set, const struct endpoint *endpoint)
{
	const struct endpoint *is;
	size_t i;

	for (i = 0; set != NULL && i < set->n; i++) {
		is = &set->items[i].is;
		if (set->items[i].from->fd == -1 ||
		    is->transport != endpoint->transport)
			continue;
		if (is->transport == TRANSPORT_UNIX
			? strcmp(is->path, endpoint->path) == 0
			: is->addr.family == endpoint->addr.family &&
			    is->addr.port == endpoint->addr.port &&
			    (addr_is_any(&is->addr) ||
				addr_is_any(&endpoint->addr) ||
				addr_compare(&is->addr, &endpoint->addr) == 0))
			return true;
	}
	return false;
}

/* ---- making them ready ---- */

static bool
socket_fits(const struct inherited_socket *item,
    const struct conf_service *service, const struct endpoint *endpoint)
{
	const struct socket_name *name = &item->name;

	if (item->from->fd == -1 || item->stray || name->status ||
	    !endpoint_equal(&name->asked, endpoint))
		return false;
	/* Where the kernel has chosen the port, nothing else tells two of them
	 * apart. */
	return (!item->activated &&
		   (endpoint->transport == TRANSPORT_UNIX ||
		       endpoint->addr.port != 0)) ||
	    strcmp(name->service, service->name) == 0;
}

/* Two sockets of one group. */
static bool
are_siblings(
    const struct inherited_socket *one, const struct inherited_socket *other)
{
	if (one->name.shared)
		return one == other;
	return other->from->fd != -1 && !other->stray && !other->name.shared &&
	    endpoint_equal(&one->name.asked, &other->name.asked) &&
	    endpoint_equal(&one->is, &other->is);
}

static struct inherited_socket *
find_fitting(const struct inherited_sockets *set,
    const struct conf_service *service, const struct endpoint *endpoint,
    bool activated)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (set->items[i].activated == activated &&
		    socket_fits(&set->items[i], service, endpoint))
			return &set->items[i];
	return NULL;
}

/* All members of a group have one owner, or none joins it (socket(7),
 * SO_REUSEPORT). */
static int
socket_own(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_uid == geteuid())
		return 0;
	return fchown(fd, geteuid(), (gid_t)-1);
}

/* What this configuration wants of it; NULL, or what failed, with errno. */
static const char *
socket_settle(
    const struct inherited_socket *item, const struct conf_service *service)
{
	const struct socket_options options =
	    socket_options_of(&service->socket);
	int fd = item->from->fd, flags = fcntl(fd, F_GETFL);
	const char *option = NULL;

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return "O_NONBLOCK";
	if (!item->name.shared && socket_own(fd) == -1)
		return "its owner";
	if (item->is.transport == TRANSPORT_UDP)
		return pktinfo_enable(fd, item->is.addr.family, &option) == -1
		    ? option
		    : NULL;
	if (item->is.transport == TRANSPORT_TCP &&
	    socket_options_change(fd, &options, &option) == -1)
		return option;
	/* Of one that listens already it sets the backlog alone. */
	if (item->listening && socket_listen(fd, options.backlog) == -1)
		return "the backlog";
	return NULL;
}

/* Whether nobody finds it: its file is gone. */
static bool
socket_is_lost(const struct inherited_socket *item)
{
	struct stat st;

	return item->is.transport == TRANSPORT_UNIX &&
	    (lstat(item->is.path, &st) == -1 || !S_ISSOCK(st.st_mode));
}

static bool
group_settle(struct inherited_sockets *set, struct inherited_socket *first,
    const struct conf_service *service)
{
	char address[ENDPOINT_STRLEN];
	const char *what;
	size_t i;

	for (i = 0; i < set->n; i++) {
		if (!are_siblings(first, &set->items[i]))
			continue;
		what = socket_settle(&set->items[i], service);
		if (what == NULL)
			continue;
		log_errno(set->log, LOG_LEVEL_WARNING, errno,
		    "cannot set %s on the socket of %s that was handed over:"
		    " it is closed, and the address bound anew",
		    what,
		    endpoint_format(&first->is, address, sizeof(address)));
		return false;
	}
	return true;
}

static void
group_close(struct inherited_sockets *set, struct inherited_socket *first)
{
	/* It ends what are_siblings() compares with. */
	struct inherited_socket like = *first;
	size_t i;

	for (i = 0; i < set->n; i++)
		if (&set->items[i] == first ||
		    are_siblings(&like, &set->items[i]))
			inherited_socket_close(set, &set->items[i]);
}

static size_t
group_count(const struct inherited_sockets *set,
    const struct inherited_socket *first, bool listening)
{
	size_t i, n = 0;

	for (i = 0; i < set->n; i++)
		n += are_siblings(first, &set->items[i]) &&
		    (!listening || set->items[i].listening);
	return n;
}

/* Whether the names tell the place of each in the group: all places are there,
 * once. */
static bool
group_is_ordered(const struct inherited_sockets *set,
    const struct inherited_socket *first, size_t n)
{
	bool seen[TALLY_WORKERS] = { false };
	const struct inherited_socket *item;
	size_t i;

	for (i = 0; i < set->n; i++) {
		item = &set->items[i];
		if (!are_siblings(first, item) || !item->listening)
			continue;
		if (item->name.member >= n ||
		    item->name.member >= TALLY_WORKERS ||
		    seen[item->name.member])
			return false;
		seen[item->name.member] = true;
	}
	return true;
}

/* Datagrams of a group whose order is not known could not be dealt, and none
 * of them is worth it; they are closed. */
static bool
group_can_go_on(struct inherited_sockets *set, struct inherited_socket *first)
{
	char address[ENDPOINT_STRLEN];
	size_t n;

	if (first->name.shared || first->is.transport != TRANSPORT_UDP)
		return true;
	n = group_count(set, first, false);
	if (group_is_ordered(set, first, n))
		return true;
	log_printf(set->log, LOG_LEVEL_WARNING,
	    "some of the sockets of %s were not handed over: the others are"
	    " closed, and the address bound anew",
	    endpoint_format(&first->is, address, sizeof(address)));
	return false;
}

struct inherited_socket *
inherited_sockets_find(struct inherited_sockets *set,
    const struct conf_service *service, const struct endpoint *endpoint)
{
	struct inherited_socket *first;

	for (;;) {
		first = find_fitting(set, service, endpoint, true);
		if (first == NULL)
			first = find_fitting(set, service, endpoint, false);
		if (first == NULL)
			return NULL;
		if (socket_is_lost(first))
			first->stray = true;
		else if (group_can_go_on(set, first) &&
		    group_settle(set, first, service))
			return first;
		else
			group_close(set, first);
		inherited_sockets_settle(set);
	}
}

/* ---- taking them ---- */

int
inherited_sockets_take_status(
    struct inherited_sockets *set, const struct endpoint *endpoint)
{
	struct inherited_socket *item;
	size_t at = 0;
	int fd;

	while ((item = inherited_sockets_next(set, &at)) != NULL) {
		if (!item->name.status || !item->listening ||
		    !endpoint_equal(&item->name.asked, endpoint))
			continue;
		fd = item->from->fd;
		item->from->fd = -1;
		return fd;
	}
	return -1;
}

static void
owned_put(struct owned *owned, struct inherited_sockets *set,
    struct inherited_socket *item, unsigned index)
{
	set->taken++;
	owned->fds[index] = item->from->fd;
	owned->listening[index] = item->listening;
	owned->member[index] = item->name.member;
	item->from->fd = -1;
}

static int
free_slot(const struct owned *owned, unsigned slots)
{
	unsigned slot;

	for (slot = 0; slot < slots; slot++)
		if (owned->fds[slot] == -1)
			return (int)slot;
	return -1;
}

/* Each into its slot; then those whose slot there is no room for go where
 * there is some.  What is left over then is a stray. */
static void
owned_put_group(struct owned *owned, const struct sockets *sockets,
    struct inherited_sockets *set, const struct inherited_socket *like)
{
	struct inherited_socket *item;
	uint32_t slot;
	size_t i;
	int other;

	for (i = 0; i < set->n; i++) {
		item = &set->items[i];
		slot = item->name.slot;
		if (are_siblings(like, item) && slot < sockets->slots &&
		    owned->fds[slot] == -1)
			owned_put(owned, set, item, slot);
	}
	for (i = 0; i < set->n; i++) {
		item = &set->items[i];
		if (!are_siblings(like, item))
			continue;
		other = free_slot(owned, sockets->slots);
		if (other != -1)
			owned_put(owned, set, item, (unsigned)other);
		else
			item->stray = true;
	}
}

/* Without the order nothing can be steered: take away what is left of that. */
static void
owned_give_up_order(struct owned *owned, const struct inherited_sockets *set,
    const struct inherited_socket *first, const char *what, const char *why)
{
	char address[ENDPOINT_STRLEN];

	owned->unordered = true;
	(void)compat_reuseport_steer(first->from->fd, NULL, 0);
	log_printf(set->log, LOG_LEVEL_WARNING,
	    "%s of %s %s: clients there cannot be steered around sick workers"
	    " before the address is bound anew",
	    what, endpoint_format(&owned->endpoint, address, sizeof(address)),
	    why);
}

void
owned_inherit(struct owned *owned, const struct sockets *sockets,
    struct inherited_sockets *set, struct inherited_socket *first)
{
	const struct inherited_socket like = *first;
	size_t members;

	owned->endpoint = first->is;
	owned->activated = first->activated;
	owned->inherited = true;
	if (owned->shared) {
		owned_put(owned, set, first, 0);
		return;
	}
	if (first->name.seed != 0)
		set->seed = first->name.seed;
	members = group_count(set, first, true);
	owned->nmembers = (uint32_t)members;
	if (members > 0 && !group_is_ordered(set, first, members))
		owned_give_up_order(owned, set, first, "some of the sockets",
		    "were not handed over");
	else if (members > 0 && group_count(set, first, false) > sockets->slots)
		owned_give_up_order(owned, set, first, "the sockets",
		    "are more than there can be workers now");
	/* Sessions that live are where they are; without any, all deal anew. */
	owned->dealt = set->alive ? first->name.dealt : 0;
	owned_put_group(owned, sockets, set, &like);
}

int
owned_check_activated(const struct owned *owned, const struct sockets *sockets,
    const struct conf_service *conf, struct conf_errors *errors)
{
	char address[ENDPOINT_STRLEN];
	unsigned slot, n = 0;

	for (slot = 0; slot < sockets->slots; slot++)
		n += sockets->wanted[slot];
	if (!owned->activated || !owned_relays(owned, conf) || n <= 1)
		return 0;
	conf_error_add(errors, false, conf->file, conf->line,
	    "service \"%s\": %u workers cannot share the socket of the service"
	    " manager for %s, since all datagrams of a client must come to the"
	    " same one: let muxd bind it, or set workers = 1",
	    conf->name, n,
	    endpoint_format(&owned->endpoint, address, sizeof(address)));
	return -1;
}

void
inherited_sockets_free(struct inherited_sockets *set)
{
	struct inherited_socket *item;
	size_t at = 0;

	while ((item = inherited_sockets_next(set, &at)) != NULL) {
		(void)close(item->from->fd);
		item->from->fd = -1;
	}
	mem_free(set->items);
	memset(set, 0, sizeof(*set));
}
