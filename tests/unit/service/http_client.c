/*
 * The http service and its clients: see http_client.h.
 */
#include "http_client.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

int
http_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_load(f, HTTP_CONF);
	*state = f;
	return 0;
}

int
http_teardown(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

struct conf_http *
http_conf(const struct fixture *f)
{
	return &f->conf->services[0].http;
}

void
http_set_body(struct fixture *f, const char *body, size_t len)
{
	struct conf_http *http = http_conf(f);

	mem_free(http->body);
	http->body = mem_dup(body, len);
	assert_non_null(http->body);
	http->body_len = len;
}

uint64_t
http_requests(const struct fixture *f)
{
	return state_sum_events(f->state, f->slots[0], COUNTER_REQUESTS);
}

static uint64_t
sessions_begun(const struct fixture *f)
{
	return state_sum_events(f->state, f->slots[0], COUNTER_SESSIONS);
}

struct client
client_open(struct fixture *f)
{
	struct client client = { .fd = -1 };
	uint64_t before;
	int one = 1;

	fixture_start(f);
	before = sessions_begun(f);
	client.fd = fixture_connect(&f->services, 0, NULL);
	assert_int_equal(
	    setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)),
	    0);
	TURN_UNTIL(f, sessions_begun(f) > before);
	return client;
}

void
client_close(struct client *client)
{
	close(client->fd);
	free(client->text);
	memset(client, 0, sizeof(*client));
	client->fd = -1;
}

void
client_send_bytes(
    struct fixture *f, struct client *client, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(client->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1) {
			assert_int_equal(errno, EAGAIN);
			client_take(client);
			n = 0;
		}
		data += n;
		len -= (size_t)n;
		fixture_turn(f);
	}
	fixture_settle(f);
}

void
client_send(struct fixture *f, struct client *client, const char *text)
{
	client_send_bytes(f, client, text, strlen(text));
}

void
client_finish(struct client *client)
{
	assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
}

void
client_take(struct client *client)
{
	ssize_t n;

	while (!client->ended && !client->reset) {
		if (client->size - client->len < 65536) {
			client->size = 2 * client->size + 131072;
			client->text = realloc(client->text, client->size);
			assert_non_null(client->text);
		}
		n = recv(client->fd, client->text + client->len, 65535,
		    MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN)
			break;
		client->ended = n == 0;
		client->reset = n == -1;
		if (n > 0)
			client->len += (size_t)n;
		client->text[client->len] = '\0';
	}
}

/* Take turns until something comes or the connection is over. */
static void
client_wait(struct fixture *f, struct client *client)
{
	struct pollfd pfd = { .fd = client->fd, .events = POLLIN };

	while (poll(&pfd, 1, 0) == 0)
		fixture_turn(f);
	client_take(client);
}

const char *
client_read(struct fixture *f, struct client *client, size_t n)
{
	const char *text;

	while (client->len - client->seen < n) {
		assert_false(client->ended);
		assert_false(client->reset);
		client_wait(f, client);
	}
	text = client->text + client->seen;
	client->seen += n;
	return text;
}

/* Wait for a whole head; returns its length. */
static size_t
client_read_head(struct fixture *f, struct client *client)
{
	const char *begin, *end;

	for (;;) {
		begin = client->text + client->seen;
		end = client->len > client->seen ? strstr(begin, "\r\n\r\n")
						 : NULL;
		if (end != NULL)
			return (size_t)(end - begin) + 4;
		assert_false(client->ended);
		assert_false(client->reset);
		client_wait(f, client);
	}
}

const char *
client_expect(
    struct fixture *f, struct client *client, unsigned status, const char *body)
{
	char want[32], line[64];
	const char *head;
	size_t at = client->seen, head_len, body_len;

	head_len = client_read_head(f, client);
	client->seen += head_len;
	body_len = body == NULL ? 0 : strlen(body);
	(void)client_read(f, client, body_len);
	head = client->text + at;
	snprintf(want, sizeof(want), "HTTP/1.1 %u ", status);
	assert_memory_equal(head, want, strlen(want));
	if (body != NULL) {
		snprintf(line, sizeof(line), "Content-Length: %zu", body_len);
		assert_true(head_has(head, line));
		assert_memory_equal(head + head_len, body, body_len);
	}
	return head;
}

bool
head_has(const char *head, const char *line)
{
	const char *end = strstr(head, "\r\n\r\n");
	size_t len = strlen(line);
	const char *at;

	for (at = strstr(head, "\r\n"); at != NULL && at < end;
	     at = strstr(at + 2, "\r\n"))
		if (strncmp(at + 2, line, len) == 0 &&
		    strncmp(at + 2 + len, "\r\n", 2) == 0)
			return true;
	return false;
}

void
client_expect_end(struct fixture *f, struct client *client)
{
	while (!client->ended && !client->reset)
		client_wait(f, client);
	assert_false(client->reset);
	assert_int_equal(client->len, client->seen);
}

void
client_expect_silence(struct fixture *f, struct client *client)
{
	fixture_settle(f);
	client_take(client);
	assert_false(client->ended);
	assert_false(client->reset);
	assert_int_equal(client->len, client->seen);
}
