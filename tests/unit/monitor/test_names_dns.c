/*
 * Names end to end: from the records of a name server to the places, in real
 * time.
 */
#include "monitor/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns_server.h"
#include "state/servers.h"

#define WATCHDOG_S 120

struct fixture {
	struct dns_server *server;
	struct loop *loop;
	struct log log;
	struct conf *conf;
	struct state *state;
	struct names *names;
	unsigned pools[1];
	unsigned places[1];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->server = dns_server_open();
	f->loop = loop_open("auto");
	log_open_stderr(&f->log, LOG_LEVEL_ERROR);
	*state = f;
	return f->server == NULL || f->loop == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	names_close(f->names);
	if (f->state != NULL)
		state_close(f->state);
	if (f->conf != NULL)
		conf_free(f->conf);
	loop_close(f->loop);
	dns_server_close(f->server);
	free(f);
	return 0;
}

/* One server of that address, which is asked for ten times a second. */
static void
start(struct fixture *f, const char *address)
{
	const struct state_shape shape = { .workers = 1,
		.services = 1,
		.sessions = 8,
		.sources = 16,
		.pools = 1,
		.servers = 4 };
	const struct names_config config = { .loop = f->loop,
		.log = &f->log,
		.pools = f->pools,
		.places = f->places };
	struct names_config whole = config;
	struct conf_errors errors = { 0 };
	char text[512];

	(void)snprintf(text, sizeof(text),
	    "resolver { servers = { \"127.0.0.1:%u\" } timeout = 200ms }\n"
	    "pool \"p\" { resolve_min = 100ms resolve_max = 200ms addresses = "
	    "4\n"
	    "server w { address = \"%s\" } }\n"
	    "service \"s\" { handler = relay pool = p"
	    " listen = { \"127.0.0.1:7\" } }\n",
	    (unsigned)dns_server_port(f->server), address);
	f->conf = conf_parse(text, "test.conf", &errors);
	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	assert_non_null(f->conf);
	f->state = state_create(&shape);
	assert_non_null(f->state);
	f->pools[0] = (unsigned)state_pool_slot(f->state, "p");
	f->places[0] = (unsigned)state_server_places(f->state, "p", "w", 4);
	whole.conf = f->conf;
	whole.state = f->state;
	f->names = names_open(&whole);
	assert_non_null(f->names);
}

static const char *
places(struct fixture *f)
{
	static char all[512];
	char text[ADDR_STRLEN];
	struct addr addr;
	uint32_t weight;
	size_t len = 0;

	for (unsigned i = 0; i < 4; i++) {
		bool used = state_server_get(
		    &f->state->servers[f->places[0] + i], &addr, &weight);

		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s",
		    i > 0 ? " " : "",
		    used ? addr_format(&addr, text, sizeof(text)) : "-");
		if (used && weight != 1)
			len += (size_t)snprintf(
			    all + len, sizeof(all) - len, "*%u", weight);
	}
	return all;
}

/* Turn until the places are so; the watchdog ends what never comes. */
static void
turn_until(struct fixture *f, const char *expected)
{
	while (strcmp(places(f), expected) != 0)
		assert_int_not_equal(loop_turn(f->loop, -1), -1);
}

/* Turn until the name has been asked for so often in all. */
static void
turn_until_asked(
    struct fixture *f, const char *name, enum dns_type type, unsigned times)
{
	while (dns_server_asked(f->server, name, type) < times)
		assert_int_not_equal(loop_turn(f->loop, 100), -1);
}

static void
changed_answer_reaches_the_places(void **state)
{
	struct fixture *f = *state;

	dns_server_address(f->server, "w.test", 0, "192.0.2.1");
	dns_server_address(f->server, "w.test", 0, "192.0.2.2");
	start(f, "w.test:80");
	turn_until(f, "192.0.2.1:80 192.0.2.2:80 - -");
	dns_server_begin(f->server);
	dns_server_clear(f->server, "w.test");
	dns_server_address(f->server, "w.test", 0, "2001:db8::1");
	dns_server_address(f->server, "w.test", 0, "192.0.2.2");
	dns_server_commit(f->server);
	turn_until(f, "[2001:db8::1]:80 192.0.2.2:80 - -");
}

static void
name_that_appears_later_is_found(void **state)
{
	struct fixture *f = *state;

	start(f, "w.test:80");
	turn_until_asked(f, "w.test", DNS_A, 2);
	assert_string_equal(places(f), "- - - -");
	dns_server_address(f->server, "w.test", 0, "192.0.2.1");
	turn_until(f, "192.0.2.1:80 - - -");
}

static void
silent_server_changes_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned asked;

	dns_server_address(f->server, "w.test", 0, "192.0.2.1");
	start(f, "w.test:80");
	turn_until(f, "192.0.2.1:80 - - -");
	dns_server_set_fault(f->server, "w.test", DNS_A, DNS_SILENT);
	dns_server_set_fault(f->server, "w.test", DNS_AAAA, DNS_SERVFAIL);
	asked = dns_server_asked(f->server, "w.test", DNS_A);
	turn_until_asked(f, "w.test", DNS_A, asked + 4);
	assert_string_equal(places(f), "192.0.2.1:80 - - -");
}

static void
service_records_reach_the_places(void **state)
{
	struct fixture *f = *state;

	dns_server_srv(f->server, "_http._tcp.test", 0, 10, 3, 8080, "a.test");
	dns_server_srv(
	    f->server, "_http._tcp.test", 0, 10, 1, 8081, "localhost");
	dns_server_srv(f->server, "_http._tcp.test", 0, 20, 1, 8082, "c.test");
	dns_server_address(f->server, "a.test", 0, "192.0.2.1");
	dns_server_address(f->server, "c.test", 0, "192.0.2.3");
	start(f, "_http._tcp.test");
	while (strstr(places(f), "192.0.2.1:8080*3 127.0.0.1:8081") == NULL)
		assert_int_not_equal(loop_turn(f->loop, -1), -1);
	dns_server_begin(f->server);
	dns_server_clear(f->server, "_http._tcp.test");
	dns_server_srv(f->server, "_http._tcp.test", 0, 20, 1, 8082, "c.test");
	dns_server_commit(f->server);
	turn_until(f, "192.0.2.3:8082 - - -");
}

static void
hosts_file_is_enough(void **state)
{
	struct fixture *f = *state;

	start(f, "localhost:80");
	while (strstr(places(f), "127.0.0.1:80") == NULL)
		assert_int_not_equal(loop_turn(f->loop, -1), -1);
	assert_int_equal(dns_server_asked(f->server, "localhost", DNS_A), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(changed_answer_reaches_the_places),
		T(name_that_appears_later_is_found),
		T(silent_server_changes_nothing),
		T(service_records_reach_the_places),
		T(hosts_file_is_enough),
#undef T
	};

	alarm(WATCHDOG_S);
	return cmocka_run_group_tests_name("names by DNS", tests, NULL, NULL);
}
