/*
 * Who may come in.
 *
 * A client whose address lies in the service's accept_proxy counts as one of
 * the daemon's connections, and what follows is asked when it has told in a
 * PROXY header who it is: see service/arrival.h.
 *
 * Any other new connection meets, in this order: an order to refuse all, bans,
 * the allow and deny lists; the
 * limits of its source, which refuse at once; the service's connections, the
 * daemon's connections, and the service's rate.  When one of the last three
 * is full and the service says when_full = "wait", the client becomes the
 * door's waiter and the listener pauses: those behind it stay in the kernel's
 * queue.  The waiter comes in when the limit falls, before anybody behind
 * it, and is shed once it has waited for wait_timeout since it connected
 * (the kernel knows when that was); then the next one becomes the waiter.
 * So clients come in in the order they came, each waits no longer than it
 * should, and a full service costs one descriptor for each door.
 *
 * A door that is short of the worker's own resources waits in the same way.
 */
#ifndef MUXD_SERVICE_ADMISSION_H
#define MUXD_SERVICE_ADMISSION_H

#include "service/record.h"
#include "service/service.h"

extern const struct listener_ops admission_listener_ops;

void admission_init(struct door *door);

/* Try those that wait again, as when a limit has fallen. */
void admission_retry(struct door *door);

/* No gate leads to the door from any more, but to another one: the waiter is
 * asked anew there.  Those that wait behind their headers stay. */
void admission_move(struct door *from, struct door *to);

/* Turn the waiter away, and all who wait behind their headers: the door
 * closes. */
void admission_close(struct door *door);

/* Whether muxd lets clients in, the lists of the service let the address in,
 * and no ban keeps it out: REASON_NONE, REASON_DRAINING, REASON_DENIED or
 * REASON_BANNED; and the rule that says so (unless rule is NULL). */
enum reason admission_check(const struct service *service,
    const struct addr *addr, struct memo_rule *rule);

/* The same of a service that no worker has at hand. */
enum reason admission_judge(const struct state *state,
    const struct conf_service *conf, const struct addr *addr, uint64_t now_ms,
    struct memo_rule *rule);

/* Whether a client that connects from there must say in a PROXY header who it
 * is. */
bool admission_must_tell(
    const struct conf_service *conf, const struct addr *peer);

/* Whether a client of the service that found this limit full waits. */
bool admission_waits(const struct conf_service *conf, enum reason reason);

/* The same at a door, where it may also lack what is the worker's own. */
bool admission_may_wait(const struct door *door, enum reason reason);

/* Turn a client away, with a reset: it gets no answer, and its kernel tells
 * it at once. */
void admission_refuse(
    struct door *door, int fd, const struct record_refusal *refusal);

#endif
