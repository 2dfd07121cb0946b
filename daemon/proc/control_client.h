/*
 * A client of the control socket.
 *
 *   READING ──a line──► WORKING ──done──► READING
 *      │                   │
 *      │                   └── "events" ──► SUBSCRIBED
 *      └── end of file, a line too long or too slow ──► ENDING ──sent──► gone
 *
 * One request is served in a turn of the loop, and the next one not before
 * most of the answer was taken.  Who subscribes to events gets nothing else.
 */
#ifndef MUXD_PROC_CONTROL_CLIENT_H
#define MUXD_PROC_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "proc/control.h"
#include "proc/control_reload.h"
#include "proc/request.h"

/* As much of an answer is made at a time. */
#define CONTROL_OUTPUT_LOW (64 * 1024)

enum control_phase {
	CONTROL_READING,
	CONTROL_WORKING,
	CONTROL_SUBSCRIBED,
	CONTROL_ENDING
};

/* The beginning of what goes on without the client, if need be: a reload, an
 * upgrade. */
struct control_order {
	struct control_client *client; /* NULL: it is gone, nobody is told */
};

struct control_client {
	struct control *control;
	struct io io;
	struct list link;
	struct retired retired;
	enum control_phase phase;
	bool over;
	bool ended;           /* it sends no more */
	bool served;          /* it has made a request */
	uid_t uid;            /* who it is */
	uint64_t active_ms;   /* its latest request */
	uint64_t request_due; /* the request must be there; 0: none is begun */
	uint64_t output_due;  /* some output must be taken; 0: there is none */
	struct timer timer;   /* for these */
	struct timer turn;    /* the next step */
	/* WORKING: makes more of the answer, and is called again until it has
	 * sent the last line of it. */
	void (*work)(struct control_client *client);
	struct control_order *order; /* that it waits for, or NULL */
	/* work's own. */
	struct {
		struct request request; /* its words are gone by then */
		unsigned place;         /* of a server, the first one */
		unsigned nplaces;
		uint64_t from;
		uint64_t deadline_ms; /* 0: none */
		bool all;             /* it waits for the end of all sessions */
	} job;
	size_t len; /* of line */
	char line[REQUEST_MAX + 1];
	char *out;
	size_t out_len;
	size_t out_sent;
	size_t out_size;
};

/* Begin to serve a connection, which becomes the client's.  -1 with errno: it
 * is still the caller's. */
int control_client_begin(struct control *control, int fd, uid_t uid);

/* End it at once; twice is allowed. */
void control_client_end(struct control_client *client);

/* Send a line; takes the reference, and NULL for a lack of memory. */
void control_client_send(struct control_client *client, json_t *object);

/* Send the last line of an answer: it has worked (with what the object holds
 * beside), or has not. */
void control_client_succeed(struct control_client *client, json_t *object);
void control_client_fail(struct control_client *client, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with all that is wrong; takes the reference. */
void control_client_refuse(
    struct control_client *client, const char *text, json_t *messages);

/* The answer goes on in a later turn: call work in the next one, or delay_ms
 * from now, and while the client takes what there is. */
void control_client_work(struct control_client *client,
    void (*work)(struct control_client *), uint64_t delay_ms);

/* Try to send what there is, without waiting. */
void control_client_flush(struct control_client *client);

#endif
