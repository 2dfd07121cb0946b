/*
 * echo, RFC 862: sends back what it is sent.
 *
 * With a prefix, each line of a stream and each datagram is answered with
 * the prefix before it.  Lines rather than reads, so that the answer does
 * not depend on how the network cut the bytes.  A datagram's answer is cut
 * to the length of the request, since no answer may be longer than it.
 */
#include "service/handler.h"

#include <string.h>

#include "base/mem.h"

/* session->offset: whether the next byte continues a line. */
enum { LINE_BEGINS = 0, LINE_GOES_ON = 1 };

static int
echo_setup(struct service *service)
{
	if (service->conf->echo.prefix_len == 0)
		return 0;
	service->data = mem_zalloc(NET_SCRATCH_SIZE);
	return service->data == NULL ? -1 : 0;
}

static void
echo_teardown(struct service *service)
{
	mem_free(service->data);
}

/* In the worst case each byte is a line, and has a prefix of its own. */
static uint32_t
echo_read_max(const struct service *service)
{
	return (
	    uint32_t)(NET_SCRATCH_SIZE / (service->conf->echo.prefix_len + 1));
}

static void
echo_lines(struct session *session, const unsigned char *data, size_t len)
{
	const struct service *service = session->door->service;
	const struct conf_echo *conf = &service->conf->echo;
	unsigned char *out = service->data;
	const unsigned char *newline;
	size_t n = 0, line;

	while (len > 0) {
		if (session->offset == LINE_BEGINS) {
			memcpy(out + n, conf->prefix, conf->prefix_len);
			n += conf->prefix_len;
		}
		newline = memchr(data, '\n', len);
		line = newline != NULL ? (size_t)(newline - data) + 1 : len;
		memcpy(out + n, data, line);
		n += line;
		data += line;
		len -= line;
		session->offset = newline != NULL ? LINE_BEGINS : LINE_GOES_ON;
	}
	session_write(session, out, n);
}

static void
echo_data(struct session *session, const unsigned char *data, size_t len)
{
	if (session->door->service->conf->echo.prefix_len == 0)
		session_write(session, data, len);
	else
		echo_lines(session, data, len);
}

static void
echo_datagram(struct service *service, struct dgram_message *message)
{
	const struct conf_echo *conf = &service->conf->echo;
	size_t prefix = conf->prefix_len;

	if (prefix > message->len)
		prefix = message->len;
	memcpy(message->reply, conf->prefix, prefix);
	memcpy(message->reply + prefix, message->data, message->len - prefix);
	message->reply_len = message->len;
	message->reply_empty = message->len == 0;
}

const struct handler handler_echo = {
	.kind = HANDLER_ECHO,
	.setup = echo_setup,
	.teardown = echo_teardown,
	.read_max = echo_read_max,
	.data = echo_data,
	.datagram = echo_datagram,
};
