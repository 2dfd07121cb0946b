/*
 * Messages and their pattern.
 */
#include <string.h>

#include "base/mem.h"
#include "load_message.h"

/* Places where the pattern of a message can begin; a prime, so that
 * neighbours differ. */
enum { SHIFTS = 509 };

int
load_message_init(struct load_message *message, size_t size)
{
	uint32_t x = 2463534242U;
	size_t i;

	message->size = size;
	message->buffer = mem_zalloc(size);
	message->pattern = mem_zalloc(size + SHIFTS);
	if (message->buffer == NULL || message->pattern == NULL) {
		load_message_free(message);
		return -1;
	}
	for (i = 0; i < size + SHIFTS; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		message->pattern[i] = (unsigned char)x;
	}
	return 0;
}

void
load_message_free(struct load_message *message)
{
	mem_free(message->buffer);
	mem_free(message->pattern);
	message->buffer = message->pattern = NULL;
}

static void
make_head(
    unsigned char head[LOAD_MESSAGE_HEAD], uint32_t connection, uint32_t number)
{
	unsigned i;

	for (i = 0; i < 4; i++) {
		head[i] = (unsigned char)(number >> 8 * i);
		head[4 + i] = (unsigned char)(connection >> 8 * i);
	}
}

static const unsigned char *
pattern_of(
    const struct load_message *message, uint32_t connection, uint32_t number)
{
	return message->pattern + (number + connection * 7U) % SHIFTS;
}

const unsigned char *
load_message_make(
    struct load_message *message, uint32_t connection, uint32_t number)
{
	unsigned char head[LOAD_MESSAGE_HEAD];
	size_t len =
	    message->size < sizeof(head) ? message->size : sizeof(head);

	make_head(head, connection, number);
	memcpy(message->buffer, head, len);
	memcpy(message->buffer + len, pattern_of(message, connection, number),
	    message->size - len);
	return message->buffer;
}

bool
load_message_fits(const struct load_message *message, uint32_t connection,
    uint32_t number, size_t offset, const unsigned char *data, size_t len)
{
	unsigned char head[LOAD_MESSAGE_HEAD];
	size_t part = 0;

	if (offset < sizeof(head)) {
		part =
		    sizeof(head) - offset < len ? sizeof(head) - offset : len;
		make_head(head, connection, number);
		if (memcmp(data, head + offset, part) != 0)
			return false;
	}
	if (part == len)
		return true;
	return memcmp(data + part,
		   pattern_of(message, connection, number) + offset + part -
		       sizeof(head),
		   len - part) == 0;
}

void
load_message_read_head(
    const unsigned char *data, uint32_t *connection, uint32_t *number)
{
	unsigned i;

	*connection = *number = 0;
	for (i = 0; i < 4; i++) {
		*number |= (uint32_t)data[i] << 8 * i;
		*connection |= (uint32_t)data[4 + i] << 8 * i;
	}
}
