/*
 * chargen, RFC 864: lines of 72 of the 95 printing ASCII characters, each
 * line beginning one character further on.
 *
 * Over a stream it sends as fast as the client reads.  The pattern repeats
 * after 95 lines, so all bytes come out of one table and a session keeps
 * only its place in it: no byte is ever queued.
 */
#include "service/handler.h"

#include <string.h>

#include "base/mem.h"

#define CHARGEN_FIRST      ' '
#define CHARGEN_CHARACTERS 95
#define CHARGEN_LINE       72
#define CHARGEN_LINE_SIZE  (CHARGEN_LINE + 2) /* with CR LF */
#define CHARGEN_PERIOD     (CHARGEN_CHARACTERS * CHARGEN_LINE_SIZE)

/* What one write offers the kernel at most. */
#define CHARGEN_WRITE 65536

/* RFC 864 leaves a datagram's length open up to 512 characters. */
#define CHARGEN_DATAGRAM_MAX 512

/* service->data: the table holds a whole write from any place in it. */
struct chargen {
	size_t datagram; /* where the next one begins */
	unsigned char table[CHARGEN_PERIOD + CHARGEN_WRITE];
};

static unsigned char
chargen_byte(size_t offset)
{
	size_t line = offset / CHARGEN_LINE_SIZE % CHARGEN_CHARACTERS;
	size_t column = offset % CHARGEN_LINE_SIZE;

	if (column == CHARGEN_LINE)
		return '\r';
	if (column == CHARGEN_LINE + 1)
		return '\n';
	return (unsigned char)(CHARGEN_FIRST +
	    (line + column) % CHARGEN_CHARACTERS);
}

static int
chargen_setup(struct service *service)
{
	struct chargen *chargen = mem_zalloc(sizeof(*chargen));
	size_t i;

	if (chargen == NULL)
		return -1;
	for (i = 0; i < sizeof(chargen->table); i++)
		chargen->table[i] = chargen_byte(i);
	service->data = chargen;
	return 0;
}

static void
chargen_teardown(struct service *service)
{
	mem_free(service->data);
}

/* One write a call; the loop comes again, after the others had their turn,
 * as long as the client takes more. */
static void
chargen_writable(struct session *session)
{
	const struct chargen *chargen = session->door->service->data;

	session->offset += session_write_some(
	    session, chargen->table + session->offset, CHARGEN_WRITE);
	session->offset %= CHARGEN_PERIOD;
}

static void
chargen_open(struct session *session)
{
	stream_produce(&session->client, true);
}

/* What the client sends is thrown away. */
static void
chargen_data(struct session *session, const unsigned char *data, size_t len)
{
	(void)session;
	(void)data;
	(void)len;
}

/* A client that has nothing more to say may still want to listen; one that
 * is gone answers the next bytes with a reset. */
static void
chargen_end(struct session *session)
{
	(void)session;
}

static void
chargen_drain(struct session *session)
{
	session_finish(session, REASON_DRAINED);
}

static void
chargen_datagram(struct service *service, struct dgram_message *message)
{
	struct chargen *chargen = service->data;
	size_t len = message->len;

	if (len > CHARGEN_DATAGRAM_MAX)
		len = CHARGEN_DATAGRAM_MAX;
	memcpy(message->reply, chargen->table + chargen->datagram, len);
	message->reply_len = len;
	chargen->datagram =
	    (chargen->datagram + CHARGEN_LINE_SIZE) % CHARGEN_PERIOD;
}

const struct handler handler_chargen = {
	.kind = HANDLER_CHARGEN,
	.setup = chargen_setup,
	.teardown = chargen_teardown,
	.open = chargen_open,
	.data = chargen_data,
	.end = chargen_end,
	.writable = chargen_writable,
	.drain = chargen_drain,
	.datagram = chargen_datagram,
};
