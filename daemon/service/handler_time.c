/*
 * time, RFC 868: the seconds since 1900-01-01 00:00 UTC as a 32-bit number
 * in network byte order, then the connection ends.
 *
 * The number wraps in February 2036, as the RFC says it will.
 */
#include "service/handler.h"

#include <string.h>

#include "base/clock.h"

/* 1900 to 1970: 70 years with 17 leap days. */
#define TIME_EPOCH_OFFSET 2208988800U

enum { TIME_SIZE = 4 };

static void
time_answer(unsigned char out[TIME_SIZE])
{
	uint32_t seconds =
	    (uint32_t)(clock_wall_us() / 1000000) + TIME_EPOCH_OFFSET;

	out[0] = (unsigned char)(seconds >> 24);
	out[1] = (unsigned char)(seconds >> 16);
	out[2] = (unsigned char)(seconds >> 8);
	out[3] = (unsigned char)seconds;
}

static void
time_open(struct session *session)
{
	unsigned char answer[TIME_SIZE];

	time_answer(answer);
	session_write(session, answer, sizeof(answer));
	session_finish(session, REASON_SERVED);
}

/* A request shorter than the answer gets none: see service/datagrams.h. */
static void
time_datagram(struct service *service, struct dgram_message *message)
{
	(void)service;
	time_answer(message->reply);
	message->reply_len = TIME_SIZE;
}

const struct handler handler_time = {
	.kind = HANDLER_TIME,
	.open = time_open,
	.datagram = time_datagram,
};
