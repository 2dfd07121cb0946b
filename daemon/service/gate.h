/*
 * Gates: the bound sockets of a worker, and the doors they lead to.
 */
#ifndef MUXD_SERVICE_GATE_H
#define MUXD_SERVICE_GATE_H

#include "service/service.h"

/* Take a descriptor in; nobody is let in before gate_lead_to().  NULL with
 * errno, then the descriptor is still the caller's. */
struct gate *gate_open(
    struct services *services, const struct door_config *config);

/* The gate of that number, which was not adopted; NULL with ENOENT. */
struct gate *gate_find(const struct services *services, uint32_t id);

/* Lead to that door from now on.  Who waits at the one before is asked anew at
 * this one, before anybody behind. */
void gate_lead_to(struct gate *gate, struct door *door);

/* The gate of another slot's socket leads where that one of this worker does;
 * both let in, or have to wait. */
void gate_follow(struct gate *gate, const struct gate *own);

/* Accept no more, or again, at the gates that lead to the door. */
void gates_pause(const struct door *door);
void gates_resume(const struct door *door);

/* Take whoever waits in its queue now. */
void gate_drain(struct gate *gate);

/* Take those of them that need not wait. */
void gate_take(struct gate *gate);

/* Close the socket.  Who waits at its door is turned away; relayed sessions of
 * datagrams that came through it end (REASON_REMOVED), if any is left.  But who
 * waits in a worker that is retired, or whose sockets are kept, still waits, and
 * nobody is turned away for an adopted one. */
void gate_close(struct services *services, struct gate *gate);

/* Close all for which which says so, one after the other: each may have others
 * close. */
void gates_close_where(struct services *services,
    bool (*which)(const struct services *, const struct gate *));

#endif
