/*
 * Another generation: who is there keeps what he began with, whoever comes
 * finds the new settings, and nothing outlives its last user.
 */
#include "fixture.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/socket.h"

/* A configuration beside that of the fixture. */
struct next {
	struct conf *conf;
	unsigned slots[16];
	struct door_config doors[8];
	size_t ndoors;
	struct generation *generation;
};

static int
bind_door(struct endpoint *endpoint)
{
	const struct socket_options options = { .backlog = 128 };
	int fd = socket_bind(endpoint, &options, NULL);

	assert_int_not_equal(fd, -1);
	assert_int_equal(socket_local(fd, &endpoint->addr), 0);
	if (endpoint->transport == TRANSPORT_TCP)
		assert_int_equal(socket_listen(fd, 128), 0);
	return fd;
}

/* stay: how many of its addresses, the first ones, are there already. */
static void
next_load(struct fixture *f, struct next *next, const char *text, size_t stay)
{
	struct conf_errors errors = { 0 };
	struct door_config *door;
	size_t i, j;
	int slot;

	memset(next, 0, sizeof(*next));
	next->conf = conf_parse(text, "next.conf", &errors);
	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	assert_non_null(next->conf);
	for (i = 0; i < next->conf->nservices; i++) {
		slot =
		    state_service_slot(f->state, next->conf->services[i].name);
		assert_int_not_equal(slot, -1);
		next->slots[i] = (unsigned)slot;
		for (j = 0; j < next->conf->services[i].nlisten; j++) {
			door = &next->doors[next->ndoors++];
			door->service = i;
			door->endpoint = next->conf->services[i].listen[j];
			door->fd = -1;
			if (next->ndoors <= stay) {
				door->id = (uint32_t)next->ndoors;
				door->endpoint =
				    f->services.current->doors[next->ndoors - 1]
					.endpoint;
				continue;
			}
			door->id = ++f->ids;
			door->fd = bind_door(&door->endpoint);
		}
	}
}

static void
next_prepare(struct fixture *f, struct next *next)
{
	const struct generation_config config = {
		.number = f->services.current->number + 1,
		.conf = next->conf,
		.owned = next->conf,
		.slots = next->slots,
		.pool_slots = f->pool_slots,
		.server_places = f->places,
		.connections_max = 1000,
		.ndoors = next->ndoors,
	};

	next->generation =
	    services_prepare(&f->services, &config, next->doors, next->ndoors);
}

static void
become(struct fixture *f, const char *text, size_t stay)
{
	struct next next;

	next_load(f, &next, text, stay);
	next_prepare(f, &next);
	assert_non_null(next.generation);
	services_commit(&f->services, next.generation);
}

static size_t
count_generations(const struct fixture *f)
{
	const struct list *node;
	size_t n = 0;

	for (node = f->services.generations.next;
	     node != &f->services.generations; node = node->next)
		n++;
	return n;
}

static void
expect_text(struct fixture *f, int fd, const char *text)
{
	char got[64];
	size_t len = 0;
	ssize_t n;

	while (len < strlen(text)) {
		n = fixture_read(f, fd, got + len, sizeof(got) - len);
		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_int_equal(len, strlen(text));
	assert_memory_equal(got, text, len);
}

static void
say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

#define ECHO(prefix, more)                           \
	"service \"a\" { listen = \"127.0.0.1:0\"\n" \
	"handler = echo echo { prefix = \"" prefix "\" } " more " }\n"

static void
a_session_keeps_its_generation_until_it_ends(void **state)
{
	struct fixture f;
	int old, fd;

	(void)state;
	fixture_open(&f, ECHO("a", ""));
	old = fixture_connect(&f.services, 0, NULL);
	say(old, "1\n");
	expect_text(&f, old, "a1\n");
	become(&f, ECHO("b", ""), 1);
	become(&f, ECHO("c", ""), 1);
	fd = fixture_connect(&f.services, 0, NULL);
	say(fd, "2\n");
	expect_text(&f, fd, "c2\n");
	say(old, "3\n");
	expect_text(&f, old, "a3\n");
	/* The one in the middle had nobody. */
	TURN_UNTIL(&f, count_generations(&f) == 2);
	(void)close(old);
	TURN_UNTIL(&f, count_generations(&f) == 1);
	assert_int_equal(atomic_load(&f.state->workers[0].generation), 3);
	say(fd, "4\n");
	expect_text(&f, fd, "c4\n");
	(void)close(fd);
	fixture_close(&f);
}

static void
who_waits_at_the_door_is_asked_anew(void **state)
{
	struct fixture f;
	int first, second, third;

	(void)state;
	fixture_open(
	    &f, ECHO("a", "limit { connections = 1 wait_timeout = 1h }"));
	first = fixture_connect(&f.services, 0, NULL);
	say(first, "1\n");
	expect_text(&f, first, "a1\n");
	second = fixture_connect(&f.services, 0, NULL);
	third = fixture_connect(&f.services, 0, NULL);
	TURN_UNTIL(&f, f.services.current->doors[0].waiter.fd != -1);
	/* Still full: it waits on, at the new door. */
	become(&f, ECHO("b", "limit { connections = 1 wait_timeout = 1h }"), 1);
	assert_int_not_equal(f.services.current->doors[0].waiter.fd, -1);
	become(&f, ECHO("c", "limit { connections = 2 wait_timeout = 1h }"), 1);
	say(second, "2\n");
	expect_text(&f, second, "c2\n");
	(void)close(first);
	say(third, "3\n");
	expect_text(&f, third, "c3\n");
	(void)close(second);
	(void)close(third);
	TURN_UNTIL(&f, count_generations(&f) == 1);
	fixture_close(&f);
}

static void
an_address_that_is_gone_is_emptied_and_closed(void **state)
{
	struct fixture f;
	struct addr addr;
	struct sockaddr_storage ss;
	socklen_t len;
	int waiting, late, fd;

	(void)state;
	fixture_open(&f, ECHO("a", ""));
	addr = f.services.current->doors[0].endpoint.addr;
	waiting = fixture_connect(&f.services, 0, NULL);
	become(
	    &f, "service \"b\" { listen = \"127.0.0.1:0\" handler = echo }", 0);
	say(waiting, "1\n");
	expect_text(&f, waiting, "a1\n");
	len = addr_to_sockaddr(&addr, &ss);
	late = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(late, (struct sockaddr *)&ss, len), 0);
	services_close_leftover(&f.services);
	say(late, "2\n");
	expect_text(&f, late, "a2\n");
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), -1);
	assert_int_equal(errno, ECONNREFUSED);
	(void)close(fd);
	fd = fixture_connect(&f.services, 0, NULL);
	say(fd, "3\n");
	expect_text(&f, fd, "3\n");
	assert_int_equal(count_generations(&f), 2);
	(void)close(fd);
	(void)close(late);
	(void)close(waiting);
	TURN_UNTIL(&f, count_generations(&f) == 1);
	fixture_close(&f);
}

/* Nobody is let in, not even where the new sockets listen already. */
static void
one_that_is_given_up_leaves_nothing(void **state)
{
	struct fixture f;
	struct next next;
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	(void)state;
	fixture_open(&f, ECHO("a", ""));
	next_load(&f, &next,
	    ECHO("b", "") "service \"b\" {\n"
			  "listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\" }\n"
			  "handler = echo }",
	    1);
	next_prepare(&f, &next);
	assert_non_null(next.generation);
	len = addr_to_sockaddr(&next.doors[1].endpoint.addr, &ss);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	fixture_settle(&f);
	assert_true(list_empty(&f.services.sessions));
	services_abandon(next.generation);
	assert_int_equal(fixture_read_end(&f, fd), ECONNRESET);
	assert_int_equal(count_generations(&f), 1);
	fd = fixture_connect(&f.services, 0, NULL);
	say(fd, "1\n");
	expect_text(&f, fd, "a1\n");
	(void)close(fd);
	fixture_close(&f);
}

static void
an_address_that_is_not_there_cannot_stay(void **state)
{
	struct fixture f;
	struct next next;

	(void)state;
	fixture_open(&f, ECHO("a", ""));
	next_load(&f, &next,
	    "service \"b\" { listen = { \"127.0.0.1:0\", \"127.0.0.2:0\" }\n"
	    "handler = echo }",
	    0);
	assert_int_equal(close(next.doors[1].fd), 0);
	next.doors[1].fd = -1;
	next.doors[1].id = 4711;
	next_prepare(&f, &next);
	assert_null(next.generation);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(count_generations(&f), 1);
	conf_free(next.conf);
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_keeps_its_generation_until_it_ends),
		cmocka_unit_test(who_waits_at_the_door_is_asked_anew),
		cmocka_unit_test(an_address_that_is_gone_is_emptied_and_closed),
		cmocka_unit_test(one_that_is_given_up_leaves_nothing),
		cmocka_unit_test(an_address_that_is_not_there_cannot_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
