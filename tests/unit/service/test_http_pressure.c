/*
 * What the http service holds for its clients: nothing for idle ones, little
 * for those that ask and do not read, and no connection while it drains.
 */
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>

#include "http_client.h"

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define BODY "200 OK"

static void
idle_connection_holds_nothing(void **state)
{
	struct fixture *f = *state;
	struct session *session;
	struct client client;

	client = client_open(f);
	session = fixture_session(f);
	assert_null(session->data);
	client_send(f, &client, GET);
	client_expect(f, &client, 200, BODY);
	assert_ptr_equal(session->data, session->door->service->data);
	/* In pieces: something, but not the pieces. */
	client_send(f, &client, "GET / HTTP/1.1\r\n");
	assert_ptr_not_equal(session->data, session->door->service->data);
	client_send(f, &client, "Host: a\r\n\r\n");
	client_expect(f, &client, 200, BODY);
	assert_ptr_equal(session->data, session->door->service->data);
	client_close(&client);
}

static void
silent_clients_hold_nobody_up(void **state)
{
	struct fixture *f = *state;
	struct client first, second, third;

	first = client_open(f);
	second = client_open(f);
	third = client_open(f);
	client_send(f, &third, GET);
	client_expect(f, &third, 200, BODY);
	client_expect_silence(f, &first);
	client_expect_silence(f, &second);
	client_close(&first);
	client_close(&second);
	client_close(&third);
}

/* A body of len bytes that shows where it is cut. */
static char *
pattern(size_t len)
{
	char *text = malloc(len);
	size_t i;

	assert_non_null(text);
	for (i = 0; i < len; i++)
		text[i] = (char)(i * 31 + i / 251);
	return text;
}

static void
large_body_arrives_whole(void **state)
{
	struct fixture *f = *state;
	size_t len = 1 << 20;
	struct session *session;
	struct client client;
	char *body;

	body = pattern(len);
	http_set_body(f, body, len);
	f->small = true;
	client = client_open(f);
	client_send(f, &client, GET "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" GET);
	assert_true(head_has(
	    client_expect(f, &client, 200, NULL), "Content-Length: 1048576"));
	assert_memory_equal(client_read(f, &client, len), body, len);
	assert_true(head_has(
	    client_expect(f, &client, 200, NULL), "Content-Length: 1048576"));
	client_expect(f, &client, 200, NULL);
	assert_memory_equal(client_read(f, &client, len), body, len);
	client_expect_silence(f, &client);
	session = fixture_session(f);
	assert_ptr_equal(session->data, session->door->service->data);
	client_close(&client);
	free(body);
}

/* A client that asks and does not read costs one read and one buffer of
 * answers, and gets every answer once it reads. */
static void
client_that_does_not_read_is_not_read_either(void **state)
{
	enum { EACH = 50, BODY_SIZE = 2000 };
	struct fixture *f = *state;
	struct session *session;
	struct client client;
	size_t asked = 0, len, i;
	char *body, text[EACH * sizeof(GET)] = "";
	ssize_t n = 1;

	body = pattern(BODY_SIZE);
	http_set_body(f, body, BODY_SIZE);
	f->small = true;
	client = client_open(f);
	session = fixture_session(f);
	for (i = 0; i < EACH; i++)
		strcat(text, GET);
	len = strlen(text);
	/* Ask until the kernel takes no more: the server has stopped. */
	while (n > 0) {
		n = send(client.fd, text + asked % len, len - asked % len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			asked += (size_t)n;
		fixture_settle(f);
		assert_in_range(session->client.out.len, 0, 16384);
		assert_in_range(f->services.net.pool.used, 0, 5);
	}
	assert_int_equal(n, -1);
	assert_true(session->client.paused);
	/* Nothing happens while it does not read. */
	fixture_settle(f);
	assert_in_range(session->client.out.len, 1, 16384);
	for (i = 0; i < asked / strlen(GET); i++) {
		client_expect(f, &client, 200, NULL);
		assert_memory_equal(
		    client_read(f, &client, BODY_SIZE), body, BODY_SIZE);
	}
	client_send(f, &client, GET + asked % strlen(GET));
	client_expect(f, &client, 200, NULL);
	assert_memory_equal(
	    client_read(f, &client, BODY_SIZE), body, BODY_SIZE);
	client_expect_silence(f, &client);
	assert_ptr_equal(session->data, session->door->service->data);
	client_close(&client);
	free(body);
}

/* Answers wait for memory as reads do. */
static void
answers_wait_for_memory(void **state)
{
	struct fixture *f = *state;
	struct bufpool *pool = &f->services.net.pool;
	struct chunk *taken = NULL, *chunk;
	size_t len = 300000;
	struct client client;
	int spare;
	char *body;

	body = pattern(len);
	http_set_body(f, body, len);
	f->conf->memory = (NET_RESERVE + 8) * (uint64_t)CHUNK_SIZE;
	f->small = true;
	client = client_open(f);
	client_send(f, &client, GET GET);
	assert_true(fixture_session(f)->client.paused);
	/* The chunk that the first answer waits in will come back. */
	for (spare = 2; spare > 0; spare -= bufpool_ready(pool) ? 0 : 1) {
		chunk = bufpool_take(pool);
		assert_non_null(chunk);
		chunk->next = taken;
		taken = chunk;
	}
	client_expect(f, &client, 200, NULL);
	assert_memory_equal(client_read(f, &client, len), body, len);
	fixture_advance(f, 1000);
	client_expect_silence(f, &client);
	while ((chunk = taken) != NULL) {
		taken = chunk->next;
		bufpool_give(pool, chunk);
	}
	fixture_advance(f, 1000);
	client_expect(f, &client, 200, NULL);
	assert_memory_equal(client_read(f, &client, len), body, len);
	client_close(&client);
	free(body);
}

static void
client_that_leaves_while_it_is_answered_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	size_t len = 1 << 20;
	struct client client;
	char *body;

	body = pattern(len);
	http_set_body(f, body, len);
	f->small = true;
	client = client_open(f);
	client_send(f, &client, GET GET GET);
	assert_true(f->services.net.pool.used > 0);
	client_close(&client);
	TURN_UNTIL(f, list_empty(&f->services.sessions));
	assert_int_equal(f->services.net.pool.used, 0);
	free(body);
}

static void
drain_ends_idle_connections_at_once(void **state)
{
	struct fixture *f = *state;
	struct client idle, busy, silent, blank;

	idle = client_open(f);
	client_send(f, &idle, GET);
	client_expect(f, &idle, 200, BODY);
	blank = client_open(f);
	client_send(f, &blank, GET "\r\n");
	client_expect(f, &blank, 200, BODY);
	busy = client_open(f);
	client_send(f, &busy, "GET / HTTP/1.1\r\n");
	silent = client_open(f);
	services_drain(&f->services, 30000, false);
	services_close_doors(&f->services);
	client_expect_end(f, &idle);
	client_expect_end(f, &blank);
	client_expect_silence(f, &busy);
	client_send(f, &busy, "Host: a\r\n\r\n");
	assert_true(
	    head_has(client_expect(f, &busy, 200, BODY), "Connection: close"));
	client_expect_end(f, &busy);
	/* Its request may be on its way. */
	client_expect_silence(f, &silent);
	client_send(f, &silent, GET);
	assert_true(head_has(
	    client_expect(f, &silent, 200, BODY), "Connection: close"));
	client_expect_end(f, &silent);
	client_close(&idle);
	client_close(&blank);
	client_close(&busy);
	client_close(&silent);
	TURN_UNTIL(f, f->drained);
	assert_int_equal(fixture_ended(f, REASON_DRAINED), 2);
	assert_int_equal(fixture_ended(f, REASON_SERVED), 2);
}

static void
drain_waits_a_little_for_silent_clients(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	services_drain(&f->services, 30000, false);
	services_close_doors(&f->services);
	client_expect_silence(f, &client);
	fixture_advance(f, 1000);
	client_expect_end(f, &client);
	client_close(&client);
	TURN_UNTIL(f, f->drained);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		HTTP_TEST(idle_connection_holds_nothing),
		HTTP_TEST(silent_clients_hold_nobody_up),
		HTTP_TEST(large_body_arrives_whole),
		HTTP_TEST(client_that_does_not_read_is_not_read_either),
		HTTP_TEST(answers_wait_for_memory),
		HTTP_TEST(
		    client_that_leaves_while_it_is_answered_leaves_nothing),
		HTTP_TEST(drain_ends_idle_connections_at_once),
		HTTP_TEST(drain_waits_a_little_for_silent_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
