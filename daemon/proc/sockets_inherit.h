/*
 * Which listening sockets were handed over at the start (proc/inherit.h), and
 * taking them instead of binding.
 *
 * Those that a muxd has bound carry a name that says so (proc/socket_name.h).
 * They go on as the sockets of the same address, whatever service it belongs
 * to now, slot by slot; those of slots without a worker are like those whose
 * worker was retired (proc/sockets.h).  One of port 0 is known again by its
 * service.  Those whose address is gone are strays: who waits there is served
 * before they are closed (proc/heir.h).  What does not hold up to a look at
 * the socket itself is closed, with a warning.
 *
 * Those that a service manager has bound (socket activation) carry the name of
 * a service, and must be one of its addresses, or muxd does not start.  All
 * workers share them.
 */
#ifndef MUXD_PROC_SOCKETS_INHERIT_H
#define MUXD_PROC_SOCKETS_INHERIT_H

#include "proc/inherit.h"
#include "proc/socket_name.h"
#include "proc/sockets.h"

struct inherited_socket {
	struct inherited *from;  /* its descriptor is -1 once it was taken */
	struct socket_name name; /* of an activated one: of what it is for */
	struct endpoint is;      /* where it is bound */
	bool activated;          /* by a service manager */
	bool listening;          /* in its group, that is */
	bool stray;              /* nobody can have it */
};

struct inherited_sockets {
	struct inherited_socket *items;
	size_t n;
	struct log *log;
	uint32_t seed;  /* see struct sockets; 0: there is none */
	bool alive;     /* see struct inherit */
	size_t taken;   /* so many go on */
	bool forgotten; /* the manager was told to drop one: see
			 * inherited_sockets_settle() */
};

/*
 * Find out what they are, and close what is of no use; inherit and log must
 * outlive set.  -1 if an activated one fits nothing, and an entry in errors for
 * each.
 */
int inherited_sockets_sort(struct inherited_sockets *set,
    struct inherit *inherit, const struct conf *conf, struct log *log,
    struct conf_errors *errors);

/* Whether one of them is in the way of a probe of the address. */
bool inherited_sockets_beside(
    const struct inherited_sockets *set, const struct endpoint *endpoint);

/* The first of those for an address of a service, which are ready to go on, or
 * NULL.  Those that cannot be made so are closed. */
struct inherited_socket *inherited_sockets_find(struct inherited_sockets *set,
    const struct conf_service *service, const struct endpoint *endpoint);

/* The descriptor of one of the status page at that address, which is the
 * caller's then; -1: there is none. */
int inherited_sockets_take_status(
    struct inherited_sockets *set, const struct endpoint *endpoint);

/* Have an address go on with that one, and its siblings.  There is room for
 * all slots, or one, and nothing in it. */
void owned_inherit(struct owned *owned, const struct sockets *sockets,
    struct inherited_sockets *set, struct inherited_socket *first);

/* Whether the workers that are wanted can serve it: relayed datagrams of a
 * client would come to any of those that share one socket of a manager.  -1,
 * and an entry in errors. */
int owned_check_activated(const struct owned *owned,
    const struct sockets *sockets, const struct conf_service *conf,
    struct conf_errors *errors);

/* The service manager has dropped by now what was closed here, so that an
 * address can be bound anew. */
void inherited_sockets_settle(struct inherited_sockets *set);

/* The next of those that nobody has taken, from *at on, or NULL; and close
 * one for good: a manager is told to drop it too. */
struct inherited_socket *inherited_sockets_next(
    struct inherited_sockets *set, size_t *at);
void inherited_socket_close(
    struct inherited_sockets *set, struct inherited_socket *item);

/* Close those that are left, and release; also of zeroed memory.  What a
 * manager keeps stays for the next start. */
void inherited_sockets_free(struct inherited_sockets *set);

#endif
