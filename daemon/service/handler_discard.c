/*
 * discard, RFC 863: throws away what it is sent, and never answers.
 */
#include "service/handler.h"

static void
discard_data(struct session *session, const unsigned char *data, size_t len)
{
	(void)session;
	(void)data;
	(void)len;
}

static void
discard_datagram(struct service *service, struct dgram_message *message)
{
	(void)service;
	(void)message;
}

const struct handler handler_discard = {
	.kind = HANDLER_DISCARD,
	.data = discard_data,
	.datagram = discard_datagram,
};
