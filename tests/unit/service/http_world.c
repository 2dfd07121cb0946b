/*
 * The world of the http tests: see http_world.h.
 */
#include "http_world.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "event/backend.h"
#include "service/handler.h"
#include "state/limit.h"

/* The loop's clock has no argument to carry it. */
static uint64_t fake_now_ms;

static uint64_t
fake_clock(void)
{
	return fake_now_ms;
}

static void
world_congested(struct services *services, bool congested)
{
	(void)services;
	(void)congested;
}

static void
world_drained(struct services *services)
{
	struct world *world = services->owner;

	world->drained++;
}

static const struct services_ops world_ops = {
	.congested = world_congested,
	.drained = world_drained,
};

int
world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct conf_http *http = &world->service.http;
	static char name[] = "web", body[] = "200 OK", type[] = "text/plain";

	assert_non_null(world);
	fake_now_ms = 1000000;
	log_open_stderr(&world->log, LOG_LEVEL_ERROR);
	world->service.name = name;
	world->service.handler = HANDLER_HTTP;
	http->status = 200;
	http->body = body;
	http->body_len = sizeof(body) - 1;
	http->content_type = type;
	http->head_timeout = WORLD_HEAD_TIMEOUT;
	http->keepalive_timeout = WORLD_KEEPALIVE;
	http->max_body = WORLD_MAX_BODY;
	world->conf.memory = 64 << 20;
	*state = world;
	return 0;
}

/* A listening socket on a free port. */
static int
world_listen(struct world *world)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr *sa = (struct sockaddr *)(void *)&sin;
	socklen_t len = sizeof(sin);
	int small = 4096;
	int fd = compat_socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (world->small) {
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small,
				     sizeof(small)),
		    0);
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small,
				     sizeof(small)),
		    0);
	}
	assert_int_equal(bind(fd, sa, len), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, sa, &len), 0);
	addr_from_sockaddr(&world->addr, sa, len);
	return fd;
}

void
world_open(struct world *world)
{
	const struct state_shape shape = {
		.workers = 1,
		.services = 1,
		.sessions = 64,
		.sources = 64,
	};
	struct services_config config = {
		.log = &world->log,
		.conf = &world->conf,
		.connections_max = 64,
		.ndoors = 1,
		.ops = &world_ops,
		.owner = world,
	};
	struct endpoint endpoint = { .transport = TRANSPORT_TCP };
	unsigned slot = 0;
	int fd;

	if (world->open)
		return;
	world->open = true;
	world->conf.services = &world->service;
	world->conf.nservices = 1;
	world->state = state_create(&shape);
	assert_non_null(world->state);
	assert_int_equal(state_service_slot(world->state, "web"), slot);
	world->loop = loop_open_with(event_backends[0], fake_clock);
	assert_non_null(world->loop);
	config.loop = world->loop;
	config.state = world->state;
	config.slots = &slot;
	assert_int_equal(services_open(&world->services, &config), 0);
	fd = world_listen(world);
	endpoint.addr = world->addr;
	assert_int_equal(
	    services_add_door(&world->services, 0, &endpoint, fd, false), 0);
}

int
world_teardown(void **state)
{
	struct world *world = *state;

	if (world->open) {
		services_stop(&world->services);
		world_settle(world);
		assert_int_equal(world_sessions(world), 0);
		assert_int_equal(world->services.net.pool.used, 0);
		services_close(&world->services);
		loop_close(world->loop);
		state_close(world->state);
	}
	free(world);
	return 0;
}

void
world_turn(struct world *world)
{
	assert_int_not_equal(loop_turn(world->loop, 10), -1);
}

void
world_settle(struct world *world)
{
	unsigned quiet = 0;
	int calls;

	while (quiet < 3) {
		calls = loop_turn(world->loop, 1);
		assert_int_not_equal(calls, -1);
		quiet = calls == 0 ? quiet + 1 : 0;
	}
}

void
world_pass(struct world *world, uint64_t ms)
{
	world_settle(world);
	fake_now_ms += ms;
	world_settle(world);
}

size_t
world_sessions(const struct world *world)
{
	const struct list *node;
	size_t n = 0;

	for (node = world->services.sessions.next;
	     node != &world->services.sessions; node = node->next)
		n++;
	return n;
}

struct session *
world_session(const struct world *world)
{
	assert_false(list_empty(&world->services.sessions));
	return container_of(
	    world->services.sessions.next, struct session, link);
}

uint64_t
world_ended(const struct world *world, enum reason reason)
{
	return state_sum_ended(world->state, 0, reason);
}

uint64_t
world_requests(const struct world *world)
{
	return state_sum_events(world->state, 0, COUNTER_REQUESTS);
}

struct client
client_open(struct world *world)
{
	struct client client = { .fd = -1 };
	struct sockaddr_storage ss;
	socklen_t len;
	uint64_t before;
	int one = 1, small = 4096;

	world_open(world);
	before = state_sum_events(world->state, 0, COUNTER_SESSIONS);
	client.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(client.fd, -1);
	if (world->small) {
		assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF,
				     &small, sizeof(small)),
		    0);
		assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_SNDBUF,
				     &small, sizeof(small)),
		    0);
	}
	assert_int_equal(
	    setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)),
	    0);
	len = addr_to_sockaddr(&world->addr, &ss);
	assert_int_equal(
	    connect(client.fd, (struct sockaddr *)(void *)&ss, len), 0);
	while (state_sum_events(world->state, 0, COUNTER_SESSIONS) == before)
		world_turn(world);
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
    struct world *world, struct client *client, const char *data, size_t len)
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
		world_turn(world);
	}
	world_settle(world);
}

void
client_send(struct world *world, struct client *client, const char *text)
{
	client_send_bytes(world, client, text, strlen(text));
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
client_wait(struct world *world, struct client *client)
{
	struct pollfd pfd = { .fd = client->fd, .events = POLLIN };

	while (poll(&pfd, 1, 0) == 0)
		world_turn(world);
	client_take(client);
}

const char *
client_read(struct world *world, struct client *client, size_t n)
{
	const char *text;

	while (client->len - client->seen < n) {
		assert_false(client->ended);
		assert_false(client->reset);
		client_wait(world, client);
	}
	text = client->text + client->seen;
	client->seen += n;
	return text;
}

/* Wait for a whole head; returns its length. */
static size_t
client_read_head(struct world *world, struct client *client)
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
		client_wait(world, client);
	}
}

const char *
client_expect(struct world *world, struct client *client, unsigned status,
    const char *body)
{
	char want[32], line[64];
	const char *head;
	size_t at = client->seen, head_len, body_len;

	head_len = client_read_head(world, client);
	client->seen += head_len;
	body_len = body == NULL ? 0 : strlen(body);
	(void)client_read(world, client, body_len);
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
client_expect_end(struct world *world, struct client *client)
{
	while (!client->ended && !client->reset)
		client_wait(world, client);
	assert_false(client->reset);
	assert_int_equal(client->len, client->seen);
}

void
client_expect_silence(struct world *world, struct client *client)
{
	world_settle(world);
	client_take(client);
	assert_false(client->ended);
	assert_false(client->reset);
	assert_int_equal(client->len, client->seen);
}
