/*
 * Datagrams that pass through: what a listening socket got goes out of
 * connected ones, one for each client, and what comes back to these goes out
 * of the listening one.
 *
 * No datagram is copied.  On the way out, those of one client in a row take
 * one call; on the way back, those of all clients are gathered until the
 * buffers are full or dgram_relay_flush() is called, at the end of a turn.
 */
#ifndef MUXD_NET_DGRAM_RELAY_H
#define MUXD_NET_DGRAM_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "net/dgram.h"
#include "net/dgram_send.h"

/* The buffers of a worker. */
struct dgram_relay;

struct dgram_relay *dgram_relay_new(void); /* NULL with ENOMEM */
void dgram_relay_free(struct dgram_relay *relay);

/* Send up to DGRAM_BATCH datagrams that a listening socket got out of a
 * connected one, each behind head_len bytes of head (may be 0), and add to
 * *sent.  The bytes of sent are those of the payload alone. */
void dgram_relay_forward(struct dgram_relay *relay, int fd,
    const struct dgram_message *messages, size_t n, const void *head,
    size_t head_len, struct dgram_sent *sent);

/* Whom what comes back is for. */
struct dgram_path {
	struct dgram *through;    /* the listening socket */
	const struct addr *peer;  /* the client */
	const struct addr *local; /* the address it had used */
};

/* What has come back. */
struct dgram_came {
	size_t n;
	size_t bytes;
	size_t truncated; /* beside these: larger than their room, dropped */
	bool drained;     /* no more waits */
};

/*
 * Take what waits at a connected socket, a batch at most, to be sent to the
 * client: after dgram_relay_flush(), path->through is told what has become of
 * it (ops->sent).  0, or -1 with errno if nothing came.
 */
int dgram_relay_back(struct dgram_relay *relay, int fd,
    const struct dgram_path *path, struct dgram_came *came);

/* Send what was gathered.  Before a listening socket is closed, too. */
void dgram_relay_flush(struct dgram_relay *relay);

#endif
