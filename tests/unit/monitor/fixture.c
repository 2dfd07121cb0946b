/*
 * See fixture.h.
 */
#include "responder.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "event/backend.h"
#include "net/socket.h"

static uint64_t now_ms;

static uint64_t
test_clock(void)
{
	return now_ms;
}

uint64_t
fixture_now(void)
{
	return now_ms;
}

static void
count_wake(void *arg, unsigned worker)
{
	struct fixture *f = arg;

	(void)worker;
	f->wakes++;
}

static void
open_pool(struct fixture *f, size_t n)
{
	char name[16];
	size_t i;

	f->pool = (struct conf_pool){
		.name = strdup("p"),
		.servers = f->servers,
		.nservers = n,
		.check = {
			.type = CHECK_TCP,
			.interval = 2000,
			.timeout = 1000,
			.rise = 2,
			.fall = 3,
			.method = strdup("GET"),
			.path = strdup("/"),
			.host = strdup(""),
			.status = &f->status,
			.nstatus = 1,
			.send = strdup("PING\r\n"),
			.send_len = 6,
			.expect = strdup("+PONG"),
			.expect_len = 5,
		},
	};
	f->status = (struct conf_status_range){ 200, 299 };
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "s%zu", i);
		f->servers[i] = (struct conf_server){
			.name = strdup(name), .weight = 1, .nplaces = 1
		};
	}
	f->service = (struct conf_service){
		.listen = &f->listen, .nlisten = 1, .pool = &f->pool
	};
	f->listen.transport = TRANSPORT_TCP;
	f->conf = (struct conf){ .pools = &f->pool,
		.npools = 1,
		.services = &f->service,
		.nservices = 1 };
}

void
fixture_open(struct fixture *f, size_t n)
{
	const struct state_shape shape = { .workers = 2,
		.services = 1,
		.sessions = 1,
		.sources = 64,
		.pools = 1,
		.servers = FIXTURE_SERVERS * FIXTURE_PLACES };
	int fds[2];

	memset(f, 0, sizeof(*f));
	now_ms = 1000000;
	f->max = 1000;
	assert_int_equal(compat_socketpair(SOCK_DGRAM, fds), 0);
	f->log_fd = fds[0];
	log_open_channel(&f->log, fds[1], LOG_LEVEL_DEBUG, "monitor", -1);
	f->loop = loop_open_with(event_backends[0], test_clock);
	f->state = state_create(&shape);
	assert_non_null(f->loop);
	assert_non_null(f->state);
	f->state->wake = count_wake;
	f->state->wake_arg = f;
	open_pool(f, n);
}

bool
fixture_try_start(struct fixture *f)
{
	const struct checks_config config = {
		.loop = f->loop,
		.log = &f->log,
		.state = f->state,
		.conf = &f->conf,
		.places = f->places,
		.max = f->max,
		.seed = 4711,
	};
	size_t i;
	int place;

	for (i = 0; i < f->pool.nservers; i++) {
		place = state_server_places(f->state, f->pool.name,
		    f->servers[i].name, f->servers[i].nplaces);
		assert_int_not_equal(place, -1);
		f->places[i] = (unsigned)place;
		atomic_store(&f->state->servers[place].admin,
		    (uint32_t)f->servers[i].state);
		if (f->servers[i].target.addr.family != ADDR_NONE)
			state_server_set(&f->state->servers[place],
			    &f->servers[i].target.addr, 1);
	}
	f->checks = checks_open(&config);
	return f->checks != NULL;
}

void
fixture_start(struct fixture *f)
{
	assert_true(fixture_try_start(f));
}

void
fixture_stop(struct fixture *f)
{
	checks_close(f->checks);
	f->checks = NULL;
}

void
fixture_close(struct fixture *f)
{
	size_t i;

	fixture_stop(f);
	loop_close(f->loop);
	state_close(f->state);
	(void)close(f->log.fd);
	(void)close(f->log_fd);
	free(f->records);
	for (i = 0; i < f->pool.nservers; i++) {
		free(f->servers[i].name);
		free(f->servers[i].target.host);
		free(f->servers[i].check_target.host);
	}
	free(f->pool.name);
	free(f->pool.check.method);
	free(f->pool.check.path);
	free(f->pool.check.host);
	free(f->pool.check.send);
	free(f->pool.check.expect);
}

void
fixture_address(struct fixture *f, size_t server, const struct addr *addr)
{
	f->servers[server].target.addr = *addr;
	f->servers[server].target.kind = TARGET_ADDRESS;
}

void
fixture_server(
    struct fixture *f, size_t server, const struct responder *responder)
{
	fixture_address(f, server, &responder->addr);
	if (responder->path[0] == '\0')
		return;
	f->servers[server].target.kind = TARGET_UNIX;
	f->servers[server].target.host = strdup(responder->path);
}

struct state_server *
fixture_shared(const struct fixture *f, size_t server)
{
	return &f->state->servers[f->places[server]];
}

enum server_checked
fixture_checked(const struct fixture *f, size_t server)
{
	return (enum server_checked)atomic_load(
	    &fixture_shared(f, server)->checked);
}

/* What goes over loopback may take a moment, on a machine that is busy. */
void
fixture_settle(struct fixture *f)
{
	unsigned quiet = 0;
	int calls;

	while (quiet < 2) {
		calls = loop_turn(f->loop, (int)quiet);
		assert_int_not_equal(calls, -1);
		quiet = calls == 0 ? quiet + 1 : 0;
	}
}

/* Let time pass up to the next timer, but not beyond a time. */
static void
step_until(struct fixture *f, uint64_t until)
{
	int64_t wait = timer_wheel_wait_ms(&f->loop->wheel, now_ms);

	if (wait == -1 || (uint64_t)wait > until - now_ms)
		wait = (int64_t)(until - now_ms);
	now_ms += wait > 0 ? (uint64_t)wait : 1;
	fixture_settle(f);
}

void
fixture_step(struct fixture *f)
{
	fixture_settle(f);
	step_until(f, now_ms + 10000);
}

void
fixture_advance(struct fixture *f, uint64_t ms)
{
	uint64_t until = now_ms + ms;

	fixture_settle(f);
	while (now_ms < until)
		step_until(f, until);
}

void
fixture_jump(struct fixture *f, uint64_t ms)
{
	now_ms += ms;
	fixture_settle(f);
}

static void
append_record(struct fixture *f, const struct log_view *view)
{
	char line[4096];
	struct log_field field;
	size_t at = 0;
	int len = snprintf(line, sizeof(line), "%s: %s",
	    log_level_name(view->level), view->message);

	while (log_view_field(view, &at, &field))
		len += snprintf(line + len, sizeof(line) - (size_t)len,
		    " %s=%.*s", field.key, (int)field.len, field.value);
	line[len++] = '\n';
	f->records = realloc(f->records, f->records_len + (size_t)len + 1);
	assert_non_null(f->records);
	memcpy(f->records + f->records_len, line, (size_t)len);
	f->records_len += (size_t)len;
	f->records[f->records_len] = '\0';
}

static void
take_records(struct fixture *f)
{
	unsigned char buffer[LOG_BUFFER_SIZE];
	struct log_view view;
	ssize_t n;
	size_t at, len;

	log_flush(&f->log);
	while (
	    (n = recv(f->log_fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		for (at = 0; (len = log_view_next(
				  buffer + at, (size_t)n - at, &view)) > 0;
		     at += len)
			append_record(f, &view);
	}
}

unsigned
fixture_logged(struct fixture *f, const char *text)
{
	const char *at;
	unsigned n = 0;

	take_records(f);
	for (at = f->records; at != NULL && (at = strstr(at, text)) != NULL;
	     at++)
		n++;
	return n;
}

void
fixture_forget(struct fixture *f)
{
	take_records(f);
	free(f->records);
	f->records = NULL;
	f->records_len = 0;
}

unsigned
fixture_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}
