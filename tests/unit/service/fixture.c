/*
 * Services on a loop with a clock of the test's own.
 */
#include "fixture.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "event/backend.h"
#include "net/socket.h"
#include "service/flows.h"
#include "service/generation.h"
#include "state/servers.h"

/* The clock of the loop: one for the program, since a loop asks a function
 * without an argument. */
static uint64_t now_ms = 1000000;

static uint64_t
test_clock(void)
{
	return now_ms;
}

static void
congested(struct services *services, bool yes)
{
	struct fixture *f = services->owner;

	f->congestions += yes;
}

static void
drained(struct services *services)
{
	struct fixture *f = services->owner;

	f->drained = true;
}

static const struct services_ops ops = {
	.congested = congested,
	.drained = drained,
};

/* A limit has fallen: ring, as the workers do. */
static void
ring(void *arg, unsigned worker)
{
	struct fixture *f = arg;

	if (worker == 0 || f->has_other)
		wake_send(f->bells[worker]);
}

static void
woken(struct wake *wake)
{
	services_retry(wake->owner);
}

static void
hang_bell(struct fixture *f, unsigned worker, struct services *services)
{
	int fds[2];

	assert_int_equal(wake_make(fds), 0);
	assert_int_equal(
	    wake_open(&f->wakes[worker], f->loop, fds[0], woken, services), 0);
	f->bells[worker] = fds[1];
}

static void
make_small(int fd)
{
	int size = 4096;

	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
}

static void
open_doors(struct fixture *f, struct services *services)
{
	const struct socket_options options = { .backlog = 128 };
	struct endpoint endpoint;
	struct door_config door;
	size_t i, j;
	int fd;

	for (i = 0; i < f->conf->nservices; i++) {
		for (j = 0; j < f->conf->services[i].nlisten; j++) {
			endpoint = f->conf->services[i].listen[j];
			fd = socket_bind(&endpoint, &options, NULL);
			assert_int_not_equal(fd, -1);
			if (f->small)
				make_small(fd);
			assert_int_equal(socket_local(fd, &endpoint.addr), 0);
			if (endpoint.transport == TRANSPORT_TCP)
				assert_int_equal(socket_listen(fd, 128), 0);
			door = (struct door_config){
				.service = i,
				.endpoint = endpoint,
				.id = ++f->ids,
				.fd = fd,
			};
			assert_int_equal(services_add_door(services, &door), 0);
		}
	}
}

static void
open_services(struct fixture *f, struct services *services, unsigned worker)
{
	const struct services_config config = {
		.loop = f->loop,
		.log = &f->log,
		.state = f->state,
		.worker = worker,
		.ops = &ops,
		.owner = f,
	};
	const struct generation_config first = {
		.number = 1,
		.conf = f->conf,
		.slots = f->slots,
		.pool_slots = f->pool_slots,
		.server_places = f->places,
		.connections_max =
		    f->conf->connections != 0 ? f->conf->connections : 1000,
		.ndoors = 16,
	};

	assert_int_equal(services_open(services, &config, &first), 0);
	open_doors(f, services);
}

void
fixture_load(struct fixture *f, const char *text)
{
	const struct state_shape shape = {
		.workers = 2,
		.services = 16,
		.sessions = 64,
		.sources = 1024,
		.pools = 4,
		.servers = 16,
	};
	struct conf_errors errors = { 0 };
	int fds[2];

	memset(f, 0, sizeof(*f));
	f->conf = conf_parse(text, "test.conf", &errors);
	conf_errors_print(&errors, stderr);
	assert_non_null(f->conf);
	conf_errors_free(&errors);
	assert_int_equal(compat_socketpair(SOCK_DGRAM, fds), 0);
	f->log_fd = fds[0];
	log_open_channel(&f->log, fds[1], LOG_LEVEL_INFO, "worker", 0);
	f->loop = loop_open_with(event_backends[0], test_clock);
	f->state = state_create(&shape);
	assert_non_null(f->loop);
	assert_non_null(f->state);
	f->state->wake = ring;
	f->state->wake_arg = f;
	hang_bell(f, 0, &f->services);
	hang_bell(f, 1, &f->other);
}

/* What the master does: a slot for each pool, a place for each server, which
 * all have an address. */
static void
make_pools(struct fixture *f)
{
	const struct conf_pool *pool;
	const struct conf_server *server;
	unsigned n = 0;
	size_t i, j;
	int slot, place;

	for (i = 0; i < f->conf->npools; i++) {
		pool = &f->conf->pools[i];
		slot = state_pool_slot(f->state, pool->name);
		assert_int_not_equal(slot, -1);
		f->pool_slots[i] = (unsigned)slot;
		for (j = 0; j < pool->nservers; j++) {
			server = &pool->servers[j];
			place = state_server_places(
			    f->state, pool->name, server->name, 1);
			assert_int_not_equal(place, -1);
			f->places[n++] = (unsigned)place;
			state_server_set(&f->state->servers[place],
			    &server->target.addr, (uint32_t)server->weight);
		}
		state_pool_changed(&f->state->pools[slot]);
	}
}

void
fixture_start(struct fixture *f)
{
	size_t i;
	int slot;

	if (f->started)
		return;
	f->started = true;
	for (i = 0; i < f->conf->nservices; i++) {
		slot = state_service_slot(f->state, f->conf->services[i].name);
		assert_int_not_equal(slot, -1);
		f->slots[i] = (unsigned)slot;
	}
	make_pools(f);
	open_services(f, &f->services, 0);
}

void
fixture_open(struct fixture *f, const char *text)
{
	fixture_load(f, text);
	fixture_start(f);
}

void
fixture_open_other(struct fixture *f)
{
	open_services(f, &f->other, 1);
	f->has_other = true;
}

void
fixture_close(struct fixture *f)
{
	if (f->started) {
		services_stop(&f->services);
		assert_true(list_empty(&f->services.sessions));
		assert_false(flows_are_live(f->services.flows));
		assert_int_equal(f->services.net.pool.used, 0);
		services_close(&f->services);
	}
	if (f->has_other) {
		services_stop(&f->other);
		services_close(&f->other);
	}
	for (unsigned i = 0; i < 2; i++) {
		wake_close(&f->wakes[i]);
		(void)close(f->bells[i]);
	}
	loop_close(f->loop);
	assert_int_equal(tally_read(&f->state->total->tally), 0);
	assert_int_equal(tally_read(&f->state->memory->tally), 0);
	assert_int_equal(
	    tally_read(&f->state->services[f->slots[0]].connections.tally), 0);
	state_close(f->state);
	(void)close(f->log.fd);
	(void)close(f->log_fd);
	conf_free(f->conf);
}

int
fixture_connect(const struct services *services, size_t door, const char *from)
{
	const struct fixture *f = services->owner;
	struct sockaddr_storage ss;
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = addr_to_sockaddr(
	    &services->current->doors[door].endpoint.addr, &ss);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	if (from != NULL) {
		assert_int_equal(inet_pton(AF_INET, from, &sin.sin_addr), 1);
		assert_int_equal(
		    bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	}
	if (f->small)
		make_small(fd);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return fd;
}

void
fixture_turn(struct fixture *f)
{
	assert_int_not_equal(loop_turn(f->loop, 10), -1);
}

void
fixture_settle(struct fixture *f)
{
	unsigned quiet = 0;
	int calls;

	while (quiet < 3) {
		calls = loop_turn(f->loop, 1);
		assert_int_not_equal(calls, -1);
		quiet = calls == 0 ? quiet + 1 : 0;
	}
}

void
fixture_advance(struct fixture *f, uint64_t ms)
{
	fixture_settle(f);
	now_ms += ms;
	fixture_settle(f);
}

ssize_t
fixture_read(struct fixture *f, int fd, void *buf, size_t size)
{
	ssize_t n;

	while ((n = recv(fd, buf, size, MSG_DONTWAIT)) == -1 && errno == EAGAIN)
		fixture_turn(f);
	return n;
}

int
fixture_read_end(struct fixture *f, int fd)
{
	char buf[4096];
	ssize_t n;

	do {
		n = fixture_read(f, fd, buf, sizeof(buf));
	} while (n > 0);
	return n == 0 ? 0 : errno;
}

struct session *
fixture_session(const struct fixture *f)
{
	assert_false(list_empty(&f->services.sessions));
	return container_of(f->services.sessions.next, struct session, link);
}

uint64_t
fixture_ended(const struct fixture *f, enum reason reason)
{
	return state_sum_ended(f->state, f->slots[0], reason);
}
