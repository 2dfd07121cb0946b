/*
 * muxctl's connection to muxd.
 */
#ifndef MUXD_MUXCTL_LINK_H
#define MUXD_MUXCTL_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* As long may a line of an answer take, in milliseconds. */
#define LINK_PATIENCE_MS 15000
#define LINK_FOR_EVER    (-1)

struct link {
	int fd; /* -1: not connected */
	char *data;
	size_t len;
	size_t size;
};

/* Connect; -1 with errno. */
int link_open(struct link *link, const char *path);
void link_close(struct link *link);

/* Send a request of these words; -1 with errno. */
int link_ask(struct link *link, const char *const *words, size_t n);

/* The next line of an answer, or NULL with errno: ETIMEDOUT, ECONNRESET when
 * muxd has closed, EPROTO for what is no JSON, EINTR after a signal.
 * timeout_ms 0: only what is there already, else EAGAIN. */
json_t *link_read(struct link *link, int timeout_ms);

/* Whether this is the last line of an answer; and whether it has worked. */
bool link_is_last(const json_t *line);
bool link_is_ok(const json_t *line);

/* Ask, and return the last line, as link_read(); items before it are
 * dropped. */
json_t *link_query(struct link *link, const char *const *words, size_t n);

#endif
