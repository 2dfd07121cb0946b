/*
 * What a service is made of: a const struct of functions, one row each in
 * handler_table.  A new service is one file and one row here, and one row in
 * conf_handlers.
 *
 * A handler never blocks, never allocates for each message, and keeps no
 * bytes of its own beyond what it documents.  All functions but those for
 * its transports may be NULL.
 */
#ifndef MUXD_SERVICE_HANDLER_H
#define MUXD_SERVICE_HANDLER_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "net/dgram.h"
#include "service/record.h"
#include "service/service.h"
#include "service/session.h"

struct handler {
	enum conf_handler kind; /* name and transports: conf_handlers */

	/* Bytes of its own with each session, zeroed: session->data. */
	size_t size;
	/* The two directions of a session are independent: output that waits
	 * is no reason to stop reading.  The handler then does the pausing. */
	bool full_duplex;

	/* Make service->data from the configuration, once in each worker.
	 * -1 with errno. */
	int (*setup)(struct service *service);
	void (*teardown)(struct service *service);

	/* The most bytes one read may give, so that what they can become
	 * fits the reserve; NULL: NET_SCRATCH_SIZE. */
	uint32_t (*read_max)(const struct service *service);

	/* A session begins, before its first bytes. */
	void (*open)(struct session *session);
	/* len > 0 bytes came; all of them are taken. */
	void (*data)(
	    struct session *session, const unsigned char *data, size_t len);
	/* Something can be read: stream_read_raw() is on. */
	void (*readable)(struct session *session);
	/* The client has sent its FIN.  NULL: session_finish() with
	 * REASON_CLIENT_CLOSED. */
	void (*end)(struct session *session);
	/* The queue is low again after it was full, or the client takes more
	 * from a producer (stream_produce()). */
	void (*writable)(struct session *session);
	/* The time set with session_set_deadline() has come. */
	void (*deadline)(struct session *session);
	/* When bytes last moved, if the client's stream does not tell all. */
	uint64_t (*active)(const struct session *session);
	/* The daemon drains: end soon if that loses nothing. */
	void (*drain)(struct session *session);
	/* The session is over: release what it has. */
	void (*close)(struct session *session);
	/* Add to its access record; before close. */
	void (*describe)(const struct session *session, struct record_end *end);

	/* Answer a datagram by setting its reply, which must not be longer
	 * than what came. */
	void (*datagram)(
	    struct service *service, struct dgram_message *message);
	/* Or take all that came, but for those dropped, and see to the rest
	 * of it: limits and answers. */
	void (*datagrams)(
	    struct door *door, const struct dgram_message *messages, size_t n);
};

extern const struct handler *const handler_table[HANDLER_COUNT];

extern const struct handler handler_echo;
extern const struct handler handler_discard;
extern const struct handler handler_chargen;
extern const struct handler handler_daytime;
extern const struct handler handler_time;
extern const struct handler handler_http;
extern const struct handler handler_relay;

#endif
