/*
 * The connections of the status page: how many there are, and which one gives
 * way when there are too many.  Whoever comes is let in, so nobody can hold all
 * places: out goes one of the source that has the most, and of these the one
 * whose last request is the longest ago.  On loopback, where all clients are one
 * source, that is the idlest of all.
 *
 * A connection is ended by shutdown(2) alone; who has accepted it notices, and
 * closes it.
 */
#ifndef MUXD_MONITOR_STATUS_CLIENTS_H
#define MUXD_MONITOR_STATUS_CLIENTS_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "event/loop.h"

/* Connections that are served at once, and those that are on their way out. */
#define STATUS_CONNECTIONS 64
#define STATUS_LEAVING     8

struct status_client {
	struct list link;
	int fd;
	struct prefix source; /* family ADDR_NONE: not known */
	uint64_t since_ms;    /* when its last request was over, or it came */
	bool leaving;
};

struct status_clients {
	struct loop *loop;
	struct list all; /* by since_ms */
	unsigned n;
	unsigned nleaving;
	struct timer sweep;
};

void status_clients_open(struct status_clients *clients, struct loop *loop);

/* All of them must have ended. */
void status_clients_close(struct status_clients *clients);

/* One more; NULL without memory: then it is not counted. */
struct status_client *status_clients_begin(
    struct status_clients *clients, int fd, const struct sockaddr *sa);

/* A request of it is over. */
void status_clients_served(
    struct status_clients *clients, struct status_client *client);

/* It is closed; the client is released. */
void status_clients_end(
    struct status_clients *clients, struct status_client *client);

/* Whether another one may be accepted now. */
bool status_clients_have_room(const struct status_clients *clients);

/* Before one is accepted: if all places are taken, end somebody. */
void status_clients_make_room(struct status_clients *clients);

#endif
