/*
 * What options say together.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "fixture.h"

/* Two services with these addresses, on lines 1 and 2. */
static void
expect_clash(const char *a, const char *b, const char *expected)
{
	char *text;

	assert_int_not_equal(
	    asprintf(&text,
		"service \"a\" { handler = echo listen = %s }\n"
		"service \"b\" { handler = echo listen = %s }\n",
		a, b),
	    -1);
	fixture_expect(text, expected);
	free(text);
}

static void
an_address_serves_once(void **state)
{
	(void)state;
	expect_clash("\"127.0.0.1:7\"", "{ \"127.0.0.2:7\", \"127.0.0.1:7\" }",
	    "t:2: service \"b\" cannot listen on 127.0.0.1:7: service \"a\" "
	    "does, at t:1\n");
	expect_clash("\"*:7\"", "\"[::]:7\"",
	    "t:2: service \"b\" cannot listen on [::]:7: service \"a\" does, "
	    "at t:1\n");
	expect_clash("\"[::1]:7\"", "\"tcp:[0:0::1]:7\"",
	    "t:2: service \"b\" cannot listen on [::1]:7: service \"a\" does, "
	    "at t:1\n");
	expect_clash("\"unix:/tmp/a\"", "\"unix:/tmp/a\"",
	    "t:2: service \"b\" cannot listen on unix:/tmp/a: service \"a\" "
	    "does, at t:1\n");
}

static void
an_address_is_listed_once(void **state)
{
	(void)state;
	fixture_expect("service \"a\" { handler = echo listen = {\n"
		       "\"udp:127.0.0.1:7\", \"127.0.0.1:7\",\n"
		       "\"udp:127.0.0.1:7\" } }\n",
	    "t:3: udp:127.0.0.1:7 is listed twice, first at t:2\n");
}

static void
what_the_kernel_tells_apart_does_not_clash(void **state)
{
	(void)state;
	expect_clash("\"127.0.0.1:7\"", "\"udp:127.0.0.1:7\"", "");
	expect_clash("\"0.0.0.0:7\"", "\"[::]:7\"", "");
	expect_clash("\"0.0.0.0:7\"", "\"127.0.0.1:7\"", "");
	expect_clash("\"[::]:7\"", "\"[::1]:7\"", "");
	expect_clash("\"127.0.0.1:7\"", "\"127.0.0.1:70\"", "");
}

/* A configuration with a page and a service at these addresses. */
static void
expect_page(const char *page, const char *service, const char *expected)
{
	char *text;

	assert_int_not_equal(
	    asprintf(&text,
		"status { allow_remote = yes\nlisten = %s }\n"
		"service \"a\" { handler = echo\nlisten = %s }\n",
		page, service),
	    -1);
	fixture_expect(text, expected);
	free(text);
}

/* bind(2) refuses each of them, though not to two services. */
static void
the_status_page_has_its_address_alone(void **state)
{
	(void)state;
	expect_page("\"127.0.0.1:9\"", "{ \"127.0.0.1:8\",\n\"127.0.0.1:9\" }",
	    "t:2: status.listen = 127.0.0.1:9: service \"a\" listens on "
	    "127.0.0.1:9, at t:5\n");
	expect_page("\"127.0.0.1:9\"", "\"0.0.0.0:9\"",
	    "t:2: status.listen = 127.0.0.1:9: service \"a\" listens on "
	    "0.0.0.0:9, at t:4\n");
	expect_page("\"0.0.0.0:9\"", "\"127.0.0.1:9\"",
	    "t:2: status.listen = 0.0.0.0:9: service \"a\" listens on "
	    "127.0.0.1:9, at t:4\n");
	expect_page("\"[::1]:9\"", "\"*:9\"",
	    "t:2: status.listen = [::1]:9: service \"a\" listens on [::]:9, "
	    "at t:4\n");
	expect_page("{ \"127.0.0.1:9\",\n\"0.0.0.0:9\" }", "\"127.0.0.1:8\"",
	    "t:3: status.listen cannot have both 127.0.0.1:9 and 0.0.0.0:9: "
	    "one is all addresses of the other's kind\n");
	expect_page("{ \"127.0.0.1:9\",\n\"127.0.0.1:9\" }", "\"127.0.0.1:8\"",
	    "t:3: status.listen has the same address twice\n");
}

static void
the_status_page_shares_what_does_not_clash(void **state)
{
	(void)state;
	expect_page("\"127.0.0.1:9\"", "\"0.0.0.0:8\"", "");
	expect_page("\"127.0.0.1:9\"", "\"udp:0.0.0.0:9\"", "");
	expect_page("\"127.0.0.1:9\"", "\"[::]:9\"", "");
	expect_page("\"[::1]:9\"", "\"0.0.0.0:9\"", "");
	expect_page("\"127.0.0.1:0\"", "\"0.0.0.0:0\"", "");
	expect_page("\"127.0.0.1:9\"", "\"127.0.0.2:9\"", "");
	expect_page("\"*:9\"", "\"127.0.0.1:8\"", "");
}

static void
port_0_never_clashes(void **state)
{
	(void)state;
	expect_clash("{ \"127.0.0.1:0\", \"127.0.0.1:0\" }",
	    "{ \"127.0.0.1:0\", \"udp:127.0.0.1:0\" }", "");
}

/* A listening socket, or -1 when the port is taken. */
static int
bind_shared(uint32_t address, in_port_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = *port,
		.sin_addr.s_addr = htonl(address) };
	socklen_t len = sizeof(sin);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
	if (bind(fd, (const struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 1) == -1) {
		assert_int_equal(errno, EADDRINUSE);
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = sin.sin_port;
	return fd;
}

/* Both sockets on one port, which others may use on another address. */
static void
bind_both(int *exact, int *any, in_port_t *port)
{
	unsigned i;

	for (i = 0; i < 100; i++) {
		*port = 0;
		*exact = bind_shared(INADDR_LOOPBACK, port);
		assert_int_not_equal(*exact, -1);
		*any = bind_shared(INADDR_ANY, port);
		if (*any != -1)
			return;
		close(*exact);
	}
	fail_msg("0.0.0.0 and 127.0.0.1 cannot share a port");
}

/* What the check of addresses rests on. */
static void
the_kernel_prefers_the_more_exact_address(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int exact, any, client, served;

	(void)state;
	bind_both(&exact, &any, &sin.sin_port);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(client, -1);
	assert_int_equal(
	    connect(client, (const struct sockaddr *)&sin, sizeof(sin)), 0);
	served = accept(exact, NULL, NULL);
	assert_int_not_equal(served, -1);
	close(served);
	close(client);
	close(any);
	close(exact);
}

static void
muxd_keeps_its_own_sockets(void **state)
{
	(void)state;
	fixture_expect("control = /tmp/c\nservice \"a\" { handler = echo\n"
		       "listen = { \"unix:/tmp/c\",\n\"unix:/tmp/c.lock\",\n"
		       "\"unix:/tmp/c.sock\" } }\n",
	    "t:3: service \"a\" cannot listen on /tmp/c: it belongs to muxd's "
	    "own control socket\n"
	    "t:4: service \"a\" cannot listen on /tmp/c.lock: it belongs to "
	    "muxd's own control socket\n");
}

static void
a_handler_speaks_what_it_can(void **state)
{
	(void)state;
	fixture_expect("service \"a\" { handler = http listen = {\n"
		       "\"127.0.0.1:80\", \"unix:/tmp/h\",\n"
		       "\"udp:127.0.0.1:80\" } }\n",
	    "t:3: the handler \"http\" does not speak udp\n");
}

static void
a_section_belongs_to_its_handler(void **state)
{
	(void)state;
	fixture_expect(
	    "service \"a\" { handler = echo listen = \"127.0.0.1:7\"\n"
	    "http { status = 200 } }\n"
	    "service \"b\" { handler = time listen = \"127.0.0.1:37\"\n"
	    "echo { } }\n"
	    "service \"c\" { handler = http listen = \"127.0.0.1:80\"\n"
	    "http { } }\n",
	    "t:2: section \"http\" is for the handler of that name; this "
	    "service's is \"echo\"\n"
	    "t:4: section \"echo\" is for the handler of that name; this "
	    "service's is \"time\"\n");
}

static void
a_body_comes_from_one_place(void **state)
{
	(void)state;
	fixture_expect(
	    "service \"a\" { handler = http listen = \"127.0.0.1:7\"\n"
	    "http { body = \"\"\nbody_file = \"/etc/passwd\" } }\n",
	    "t:3: body_file and body exclude each other; the other is at "
	    "t:2\n");
}

static void
a_status_without_a_body_has_none(void **state)
{
	(void)state;
	fixture_expect(
	    "service \"a\" { handler = http listen = \"127.0.0.1:7\"\n"
	    "http { body = \"x\"\nstatus = 204 } }\n",
	    "t:3: a response with status 204 has no body, and there is one\n");
	fixture_expect(
	    "service \"a\" { handler = http listen = \"127.0.0.1:7\"\n"
	    "http { status = 204 } }\n",
	    "");
}

static void
memory_has_to_do_for_the_workers(void **state)
{
	(void)state;
	fixture_expect("workers = 9\n"
		       "limits { memory = 1M }\n" FIXTURE_SERVICE,
	    "t:2: 1M of memory are too little for 9 workers, which need "
	    "1152K\n");
	fixture_expect(
	    "workers = 8\nlimits { memory = 1M }\n" FIXTURE_SERVICE, "");
	fixture_expect(
	    "workers = auto\nlimits { memory = 1M }\n" FIXTURE_SERVICE, "");
}

/* Warnings: the configuration is there all the same. */
static void
what_has_no_effect_is_warned_about(void **state)
{
	(void)state;
	fixture_expect(
	    "service \"a\" { handler = echo listen = \"udp:127.0.0.1:7\"\n"
	    "socket {\nnodelay = true\nunix_mode = 0600 }\n"
	    "limit { source_datagram_rate = 5/s } }\n"
	    "service \"b\" { handler = echo listen = \"127.0.0.1:7\"\n"
	    "limit { source_datagram_rate = 5/s } }\n",
	    "t:3: warning: nodelay has no effect: the service has no address "
	    "of such a kind\n"
	    "t:4: warning: unix_mode has no effect: the service has no "
	    "address of such a kind\n"
	    "t:7: warning: source_datagram_rate has no effect: the service "
	    "has no address of such a kind\n");
	fixture_expect("service \"a\" { handler = echo\n"
		       "listen = { \"127.0.0.1:7\", \"udp:\" }\n"
		       "limit { source_datagram_rate = 5/s } }\n",
	    "t:2: bad value \"udp:\" for listen: the port is missing\n");
}

static void
a_delay_that_all_clients_suffer_is_warned_about(void **state)
{
	(void)state;
	fixture_expect(
	    "service \"a\" { handler = daytime listen = \"127.0.0.1:13\"\n"
	    "socket { defer_accept = 1s } }\n"
	    "service \"b\" { handler = echo listen = \"127.0.0.1:7\"\n"
	    "socket { defer_accept = 1s } }\n",
	    "t:2: warning: defer_accept delays every client: the handler "
	    "\"daytime\" speaks first, and its clients wait for it\n");
}

static void
the_table_of_handlers_is_whole(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < HANDLER_COUNT; i++) {
		assert_non_null(conf_handlers[i].name);
		assert_int_not_equal(conf_handlers[i].transports, 0);
	}
	assert_string_equal(conf_handlers[HANDLER_HTTP].name, "http");
	assert_string_equal(conf_handlers[HANDLER_HTTP].section, "http");
	assert_false(conf_handlers[HANDLER_HTTP].transports & TRANSPORT_UDP);
	assert_null(conf_handlers[HANDLER_TIME].section);
	assert_true(conf_handlers[HANDLER_CHARGEN].speaks_first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_serves_once),
		cmocka_unit_test(an_address_is_listed_once),
		cmocka_unit_test(what_the_kernel_tells_apart_does_not_clash),
		cmocka_unit_test(the_status_page_has_its_address_alone),
		cmocka_unit_test(the_status_page_shares_what_does_not_clash),
		cmocka_unit_test(port_0_never_clashes),
		cmocka_unit_test(the_kernel_prefers_the_more_exact_address),
		cmocka_unit_test(muxd_keeps_its_own_sockets),
		cmocka_unit_test(a_handler_speaks_what_it_can),
		cmocka_unit_test(a_section_belongs_to_its_handler),
		cmocka_unit_test(a_body_comes_from_one_place),
		cmocka_unit_test(a_status_without_a_body_has_none),
		cmocka_unit_test(memory_has_to_do_for_the_workers),
		cmocka_unit_test(what_has_no_effect_is_warned_about),
		cmocka_unit_test(
		    a_delay_that_all_clients_suffer_is_warned_about),
		cmocka_unit_test(the_table_of_handlers_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
