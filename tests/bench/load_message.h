/*
 * The messages that an echo must give back: each is told from every other by
 * a head with the number of its connection and its own, and what follows
 * begins at a place of the pattern that depends on both.  Nothing is kept of
 * a message that is under way: it can be made again.
 */
#ifndef TESTS_BENCH_LOAD_MESSAGE_H
#define TESTS_BENCH_LOAD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Number of the request, number of the connection; little-endian.  A shorter
 * message has what fits. */
#define LOAD_MESSAGE_HEAD 8

struct load_message {
	size_t size;
	unsigned char *buffer;  /* the latest message that was made */
	unsigned char *pattern; /* longer than a message */
};

/* -1 with ENOMEM. */
int load_message_init(struct load_message *message, size_t size);
void load_message_free(struct load_message *message);

/* Make one; it lasts until the next one is made. */
const unsigned char *load_message_make(
    struct load_message *message, uint32_t connection, uint32_t number);

/* Whether len bytes are those of a message from offset on. */
bool load_message_fits(const struct load_message *message, uint32_t connection,
    uint32_t number, size_t offset, const unsigned char *data, size_t len);

/* Read the head of a message that is long enough. */
void load_message_read_head(
    const unsigned char *data, uint32_t *connection, uint32_t *number);

#endif
