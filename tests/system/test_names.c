/*
 * Servers whose address is a name, by a name server that the test holds.
 */
#include <signal.h>
#include <time.h>

#include "../unit/monitor/dns_server.h"
#include "address.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "reload.h"
#include "server.h"

static struct dns_server *dns;

static int
setup(void **state)
{
	(void)state;
	dns = dns_server_open();
	return dns == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	int result = muxd_teardown(state);

	dns_server_close(dns);
	return result;
}

#define names_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Ten questions a second. */
static void
configure(struct muxd *muxd, const char *address, const char *timeout)
{
	muxd_configure(muxd,
	    "workers = 1\n"
	    "defaults { drain_timeout = \"50ms\" }\n"
	    "resolver { servers = { \"127.0.0.1:%u\" } timeout = \"%s\" }\n"
	    "pool \"p\" {\n"
	    "  resolve_min = \"100ms\" resolve_max = \"200ms\"\n"
	    "  server \"s\" { address = \"%s\" }\n"
	    "}\n"
	    "service \"relay\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"relay\"\n"
	    "  pool = \"p\"\n"
	    "}\n",
	    (unsigned)dns_server_port(dns), timeout, address);
}

static struct muxd *
start(const char *address)
{
	struct muxd *muxd = muxd_new();

	configure(muxd, address, "200ms");
	muxd_launch(muxd);
	muxd_wait_ready(muxd);
	return muxd;
}

static const char *
name_at(const char *name, int listener)
{
	return test_format("%s:%u", name, address_port(address_of(listener)));
}

static int
visit(struct muxd *muxd)
{
	return client_connect(muxd_address(muxd, "relay", 0));
}

static void
expect_exchange(int client, int server)
{
	client_send_text(client, "ping");
	client_expect_text(server, "ping");
	client_send_text(server, "pong");
	client_expect_text(client, "pong");
}

static void
expect_relayed(struct muxd *muxd, int listener)
{
	int client = visit(muxd), server = server_accept(listener);

	expect_exchange(client, server);
	client_close(client);
	client_expect_eof(server);
	client_close(server);
}

static void
first_client_after_the_start_is_served(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd;

	(void)state;
	dns_server_address(dns, "web.test", 0, "127.0.0.1");
	for (int i = 0; i < 5; i++) {
		muxd = start(name_at("web.test", listener));
		expect_relayed(muxd, listener);
		muxd_stop(muxd);
	}
}

static void
name_that_is_unknown_at_start_is_a_server_that_is_down(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd = start(name_at("web.test", listener));

	(void)state;
	muxd_wait_log(muxd, "level=warning",
	    "msg=\"name of a server not resolved\"", "pool=p", "server=s",
	    "name=web.test", "addresses=0");
	client_expect_refused(muxd_address(muxd, "relay", 0), NULL);
	dns_server_address(dns, "web.test", 0, "127.0.0.1");
	muxd_wait_log(muxd, "level=notice",
	    "msg=\"addresses of a server changed\"", "addresses=1");
	expect_relayed(muxd, listener);
	muxd_stop(muxd);
}

static void
silent_name_server_does_not_keep_muxd_from_starting(void **state)
{
	struct muxd *muxd = muxd_new();

	(void)state;
	dns_server_set_fault(dns, "web.test", DNS_A, DNS_SILENT);
	dns_server_set_fault(dns, "web.test", DNS_AAAA, DNS_SILENT);
	/* Longer than the harness waits for anything. */
	configure(muxd, "web.test:80", "1m");
	muxd_launch(muxd);
	muxd_wait_ready(muxd);
	client_expect_refused(muxd_address(muxd, "relay", 0), NULL);
	muxd_stop(muxd);
}

static void
muxd_can_be_stopped_while_it_waits_for_names(void **state)
{
	static const struct timespec moment = { .tv_nsec = 1000000 };
	struct muxd *muxd = muxd_new();
	int64_t deadline = test_now_ms() + test_deadline_ms();

	(void)state;
	dns_server_set_fault(dns, "web.test", DNS_A, DNS_SILENT);
	dns_server_set_fault(dns, "web.test", DNS_AAAA, DNS_SILENT);
	configure(muxd, "web.test:80", "1m");
	muxd_launch(muxd);
	while (dns_server_asked(dns, "web.test", DNS_A) == 0) {
		assert_true(test_now_ms() < deadline);
		(void)nanosleep(&moment, NULL);
	}
	muxd_stop(muxd);
}

static void
changed_answer_moves_new_connections_only(void **state)
{
	int before = server_listen("127.0.0.1:0"), after;
	int client, server;
	struct muxd *muxd;

	(void)state;
	after = server_listen(
	    test_format("127.0.0.2:%u", address_port(address_of(before))));
	dns_server_address(dns, "web.test", 0, "127.0.0.1");
	muxd = start(name_at("web.test", before));
	client = visit(muxd);
	server = server_accept(before);
	dns_server_begin(dns);
	dns_server_clear(dns, "web.test");
	dns_server_address(dns, "web.test", 0, "127.0.0.2");
	dns_server_commit(dns);
	muxd_wait_log(muxd, "level=notice",
	    "msg=\"addresses of a server changed\"", "name=web.test",
	    test_format("added=%s", address_of(after)),
	    test_format("removed=%s", address_of(before)));
	for (int i = 0; i < 4; i++)
		expect_relayed(muxd, after);
	expect_exchange(client, server);
	client_close(client);
	client_expect_eof(server);
	muxd_stop(muxd);
}

static void
service_records_give_servers_with_ports(void **state)
{
	int one = server_listen("127.0.0.1:0");
	int other = server_listen("127.0.0.1:0");
	int clients[4], servers[4];
	struct muxd *muxd;

	(void)state;
	dns_server_srv(dns, "_http._tcp.test", 0, 10, 1,
	    (uint16_t)address_port(address_of(one)), "a.test");
	dns_server_srv(dns, "_http._tcp.test", 0, 10, 1,
	    (uint16_t)address_port(address_of(other)), "a.test");
	dns_server_srv(dns, "_http._tcp.test", 0, 20, 1, 1, "spare.test");
	dns_server_address(dns, "a.test", 0, "127.0.0.1");
	muxd = start("_http._tcp.test");
	/* In turn. */
	for (int i = 0; i < 4; i++)
		clients[i] = visit(muxd);
	servers[0] = server_accept(one);
	servers[1] = server_accept(one);
	servers[2] = server_accept(other);
	servers[3] = server_accept(other);
	for (int i = 0; i < 4; i++)
		client_close(clients[i]);
	for (int i = 0; i < 4; i++)
		client_expect_eof(servers[i]);
	muxd_stop(muxd);
}

static void
hosts_file_is_enough(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd = start(name_at("localhost", listener));

	(void)state;
	/* ::1 may be there as well, where nobody listens. */
	expect_relayed(muxd, listener);
	assert_int_equal(dns_server_asked(dns, "localhost", DNS_A), 0);
	muxd_stop(muxd);
}

static void
successor_of_a_killed_monitor_goes_on(void **state)
{
	int listener = server_listen("127.0.0.1:0"), other;
	struct muxd *muxd;

	(void)state;
	if (!procfs_available())
		skip();
	other = server_listen(
	    test_format("127.0.0.2:%u", address_port(address_of(listener))));
	dns_server_address(dns, "web.test", 0, "127.0.0.1");
	muxd = start(name_at("web.test", listener));
	muxd_mark_log(muxd);
	assert_int_equal(kill(muxd_monitor(muxd), SIGKILL), 0);
	muxd_wait_log(muxd, "msg=\"monitor started\"");
	expect_relayed(muxd, listener);
	dns_server_begin(dns);
	dns_server_clear(dns, "web.test");
	dns_server_address(dns, "web.test", 0, "127.0.0.2");
	dns_server_commit(dns);
	muxd_wait_log(muxd, "msg=\"addresses of a server changed\"",
	    test_format("added=%s", address_of(other)));
	expect_relayed(muxd, other);
	muxd_stop(muxd);
}

/* fault 8: that there is no such name is known before anybody needs it; and
 * where nobody can say, it is no reason to keep the old one. */
static void
a_reload_with_a_name_that_does_not_exist_is_refused(void **state)
{
	int a = server_listen("127.0.0.1:0"), b = server_listen("127.0.0.1:0");
	struct muxd *muxd;

	(void)state;
	dns_server_address(dns, "a.test", 60, "127.0.0.1");
	dns_server_address(dns, "b.test", 60, "127.0.0.1");
	muxd = start(name_at("a.test", a));
	configure(muxd, name_at("typo.test", b), "200ms");
	reload_expect_refused(muxd, "typo.test");
	expect_relayed(muxd, a);
	/* The first client finds the new server. */
	configure(muxd, name_at("b.test", b), "200ms");
	reload_apply(muxd);
	expect_relayed(muxd, b);
	dns_server_set_fault(dns, "mute.test", DNS_A, DNS_SILENT);
	dns_server_set_fault(dns, "mute.test", DNS_AAAA, DNS_SILENT);
	configure(muxd, name_at("mute.test", b), "100ms");
	reload_apply(muxd);
	client_close_all();
	muxd_stop(muxd);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		names_test(first_client_after_the_start_is_served),
		names_test(
		    name_that_is_unknown_at_start_is_a_server_that_is_down),
		names_test(silent_name_server_does_not_keep_muxd_from_starting),
		names_test(muxd_can_be_stopped_while_it_waits_for_names),
		names_test(changed_answer_moves_new_connections_only),
		names_test(service_records_give_servers_with_ports),
		names_test(hosts_file_is_enough),
		names_test(successor_of_a_killed_monitor_goes_on),
		names_test(a_reload_with_a_name_that_does_not_exist_is_refused),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
