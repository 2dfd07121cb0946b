/*
 * A client that has to say first who it is: its socket's address lies in
 * accept_proxy, so a PROXY header must come before all else.
 *
 *   accepted ──► reads ──header──► asks ──► session
 *                  │                │ ▲
 *                  │                ▼ │ a limit has fallen
 *                  │              waits (when_full = "wait")
 *                  │                │ wait_timeout
 *                  ▼                ▼
 *     bad, none, proxy_timeout    refused
 *
 * While it reads it counts as one of the daemon's connections, and as nothing
 * else, since nobody knows whose it is.  Once it has told, it meets the lists
 * and limits that others meet when they are accepted (service/admission.h), by
 * the address that the header carries; LOCAL and UNKNOWN carry none, and then
 * the socket's own counts.  Those that wait do so in the order of their
 * headers, each with its descriptor, and are before the door's waiter.
 *
 * The header is read and not a byte more: what follows it stays in the kernel
 * for the session.
 */
#ifndef MUXD_SERVICE_ARRIVAL_H
#define MUXD_SERVICE_ARRIVAL_H

#include "service/service.h"

/* Begin to read the header of a connection whose entry holds HOLD_TOTAL.  Both
 * are the arrival's from here on, unless it returns -1 with errno. */
int arrival_begin(struct door *door, int fd, const struct addr *peer,
    struct ledger_entry *entry);

/* A limit may have fallen: let those in that wait at the door. */
void arrival_retry(struct door *door);

/* Turn those away that wait at the door for a limit. */
void arrival_shed(struct door *door);

/* End all whose header has not come; returns how many there were. */
unsigned arrival_end_all(struct services *set, enum reason reason);

/* End those that are condemned (ledger_is_condemned()). */
void arrival_end_condemned(struct services *set);

#endif
