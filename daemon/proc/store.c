/*
 * What the service manager keeps: see store.h.
 */
#include "proc/store.h"

#include <sys/stat.h>

#include <errno.h>
#include <string.h>

#include "base/compat.h"
#include "base/mem.h"
#include "proc/notify.h"
#include "proc/socket_name.h"

static ino_t
inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == -1 ? 0 : st.st_ino;
}

static bool
store_has(const struct store *store, const struct stored *one)
{
	size_t i;

	for (i = 0; i < store->n; i++)
		if (store->items[i].inode == one->inode &&
		    strcmp(store->items[i].name, one->name) == 0)
			return true;
	return false;
}

/* False without memory: then it is not kept, and whoever waits there when muxd
 * ends is turned away. */
static bool
store_add(struct store *store, int fd, const char *name)
{
	struct stored *item =
	    mem_push((void *)&store->items, &store->n, sizeof(*item));

	if (item == NULL)
		return false;
	item->inode = inode_of(fd);
	(void)compat_strlcpy(item->name, name, sizeof(item->name));
	return true;
}

int
store_open(struct store *store, const struct inherit *inherit,
    const struct status_sockets *status_sockets)
{
	const struct inherited *item;
	size_t i;

	memset(store, 0, sizeof(*store));
	store->status_sockets = status_sockets;
	store->heard = notify_is_heard();
	for (i = 0; store->heard && i < inherit->n; i++) {
		item = &inherit->items[i];
		if (item->fd != -1 && socket_name_is_ours(item->name) &&
		    !store_add(store, item->fd, item->name))
			return -1;
	}
	return 0;
}

void
store_close(struct store *store)
{
	mem_free(store->items);
	memset(store, 0, sizeof(*store));
}

/* What is wanted, with the descriptors. */
struct wanted {
	struct store store;
	int *fds;
	size_t nfds;
};

static void
want(void *arg, int fd, const char *name, bool activated)
{
	struct wanted *wanted = arg;
	int *item;

	if (activated || !store_add(&wanted->store, fd, name))
		return;
	item = mem_push((void *)&wanted->fds, &wanted->nfds, sizeof(*item));
	if (item != NULL)
		*item = fd;
	else
		wanted->store.n--;
}

static void
assume(void *arg, int fd, const char *name, bool activated)
{
	struct store *store = arg;

	if (!activated && !store_add(store, fd, name))
		store->heard = false;
}

int
store_assume(struct store *store, const struct sockets *sockets)
{
	if (!store->heard)
		return 0;
	sockets_each_name(sockets, assume, store);
	if (store->heard)
		return 0;
	errno = ENOMEM;
	return -1;
}

/* What the manager could not be told is told the next time: only what it was
 * stays in the list. */
static void
keep_wanted(const struct store *store, struct wanted *wanted)
{
	struct stored *items = wanted->store.items;
	size_t i, n = 0;

	for (i = 0; i < wanted->nfds; i++)
		if (store_has(store, &items[i]) ||
		    notify_keep(wanted->fds[i], items[i].name))
			items[n++] = items[i];
	wanted->store.n = n;
}

int
store_assume_page(struct store *store, int fd, const struct endpoint *asked)
{
	char name[INHERIT_NAME_MAX];

	if (!store->heard)
		return 0;
	status_socket_name(asked, name);
	assume(store, fd, name, false);
	if (store->heard)
		return 0;
	errno = ENOMEM;
	return -1;
}

void
store_update(struct store *store, const struct sockets *sockets)
{
	struct wanted wanted = { .nfds = 0 };
	bool forgotten = false;
	size_t i;

	if (!store->heard)
		return;
	sockets_each_name(sockets, want, &wanted);
	status_sockets_each_name(store->status_sockets, want, &wanted);
	/* These first: a socket that has come to another name is not taken
	 * twice. */
	for (i = 0; i < store->n; i++) {
		if (store_has(&wanted.store, &store->items[i]))
			continue;
		notify_forget(store->items[i].name);
		forgotten = true;
	}
	keep_wanted(store, &wanted);
	mem_free(store->items);
	store->items = wanted.store.items;
	store->n = wanted.store.n;
	mem_free(wanted.fds);
	if (forgotten)
		notify_settle();
}

void
store_keep_state(const struct store *store, int fd)
{
	if (!store->heard)
		return;
	notify_forget(INHERIT_STATE);
	(void)notify_keep(fd, INHERIT_STATE);
}
