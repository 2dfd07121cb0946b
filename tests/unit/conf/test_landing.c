/*
 * Values land where the rest of muxd looks for them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

static void
values_land_in_the_global_options(void **state)
{
	struct conf *conf = fixture_parse(
	    "workers = 3 user = u group = g event_backend = poll\n"
	    "control = /tmp/c.sock\n"
	    "log { target = \"file:/tmp/l\" level = debug format = json\n"
	    "  access = no }\n"
	    "limits { connections = 10 per_source = 2 memory = 64M }\n"
	    "defaults { drain_timeout = 5s idle_timeout = 1m\n"
	    "  first_byte_timeout = 2s lifetime = 1h connect_timeout = 3s\n"
	    "  half_close_timeout = 4s }\n"
	    "resolver { servers = { \"192.0.2.1\", \"[2001:db8::1]:5353\" }\n"
	    "  timeout = 1s tries = 4 }\n"
	    "status { listen = \"127.0.0.1:81\" allow_remote = yes\n"
	    "  hosts = { \"A.example\", \"b\" } }\n" FIXTURE_SERVICE);

	(void)state;
	assert_int_equal(conf->workers, 3);
	assert_string_equal(conf->user, "u");
	assert_string_equal(conf->group, "g");
	assert_string_equal(conf->event_backend, "poll");
	assert_string_equal(conf->control, "/tmp/c.sock");
	assert_int_equal(conf->log.target, LOG_TARGET_FILE);
	assert_string_equal(conf->log.path, "/tmp/l");
	assert_int_equal(conf->log.level, LOG_LEVEL_DEBUG);
	assert_int_equal(conf->log.format, LOG_FORMAT_JSON);
	assert_false(conf->log.access);
	assert_int_equal(conf->connections, 10);
	assert_int_equal(conf->per_source, 2);
	assert_int_equal(conf->memory, 64 << 20);
	assert_int_equal(conf->drain_timeout, 5000);
	assert_int_equal(conf->nservices, 1);
	assert_int_equal(conf->services[0].timeouts.idle, 60000);
	assert_int_equal(conf->services[0].timeouts.first_byte, 2000);
	assert_int_equal(conf->services[0].timeouts.lifetime, 3600000);
	assert_int_equal(conf->connect_timeout, 3000);
	assert_int_equal(conf->half_close_timeout, 4000);
	assert_int_equal(conf->resolver.nservers, 2);
	assert_int_equal(conf->resolver.servers[0].transport, TRANSPORT_UDP);
	assert_int_equal(conf->resolver.servers[0].addr.family, ADDR_INET4);
	assert_int_equal(conf->resolver.servers[0].addr.port, 53);
	assert_int_equal(conf->resolver.servers[1].addr.family, ADDR_INET6);
	assert_int_equal(conf->resolver.servers[1].addr.port, 5353);
	assert_int_equal(conf->resolver.timeout, 1000);
	assert_int_equal(conf->resolver.tries, 4);
	assert_int_equal(conf->status.nlisten, 1);
	assert_int_equal(conf->status.listen[0].addr.port, 81);
	assert_true(conf->status.allow_remote);
	assert_int_equal(conf->status.nhosts, 2);
	assert_string_equal(conf->status.hosts[0], "a.example");
	conf_free(conf);
}

static void
values_land_in_their_service(void **state)
{
	struct conf *conf = fixture_parse(
	    "service \"a\" { listen = { \"*:7\", \"udp:[::1]:7\",\n"
	    "  \"unix:/tmp/a\" } handler = echo echo { prefix = \"> \" }\n"
	    "  allow = { \"10.0.0.0/8\", \"::1\" } deny = 10.1.0.0/16\n"
	    "  idle_timeout = 1s first_byte_timeout = 2s lifetime = 3s\n"
	    "  limit { connections = 4 per_source = 5 rate = 6/s\n"
	    "    source_rate = 7/m source_datagram_rate = 8/h\n"
	    "    when_full = refuse wait_timeout = 9s }\n"
	    "  socket { backlog = 10 keepalive = 11s nodelay = off\n"
	    "    user_timeout = 12s defer_accept = 13s fastopen = 14\n"
	    "    unix_mode = 0640 unix_user = u unix_group = g } }\n"
	    "service \"b\" { listen = \"127.0.0.1:80\" handler = http }\n");
	const struct conf_service *a = &conf->services[0];
	const struct conf_service *b = &conf->services[1];

	(void)state;
	assert_int_equal(conf->nservices, 2);
	assert_string_equal(a->name, "a");
	assert_int_equal(a->line, 1);
	assert_string_equal(a->file, "t");
	assert_int_equal(a->handler, HANDLER_ECHO);
	assert_int_equal(a->nlisten, 4);
	assert_int_equal(a->listen[0].addr.family, ADDR_INET4);
	assert_int_equal(a->listen[1].addr.family, ADDR_INET6);
	assert_int_equal(a->listen[2].transport, TRANSPORT_UDP);
	assert_string_equal(a->listen[3].path, "/tmp/a");
	assert_int_equal(a->nallow, 2);
	assert_int_equal(a->ndeny, 1);
	assert_int_equal(a->timeouts.idle, 1000);
	assert_int_equal(a->timeouts.first_byte, 2000);
	assert_int_equal(a->timeouts.lifetime, 3000);
	assert_int_equal(a->limit.connections, 4);
	assert_int_equal(a->limit.per_source, 5);
	assert_int_equal(a->limit.rate.count, 6);
	assert_int_equal(a->limit.rate.period_ms, 1000);
	assert_int_equal(a->limit.source_rate.period_ms, 60000);
	assert_int_equal(a->limit.source_datagram_rate.count, 8);
	assert_int_equal(a->limit.when_full, WHEN_FULL_REFUSE);
	assert_int_equal(a->limit.wait_timeout, 9000);
	assert_int_equal(a->socket.backlog, 10);
	assert_int_equal(a->socket.keepalive, 11000);
	assert_false(a->socket.nodelay);
	assert_int_equal(a->socket.user_timeout, 12000);
	assert_int_equal(a->socket.defer_accept, 13000);
	assert_int_equal(a->socket.fastopen, 14);
	assert_int_equal(a->socket.unix_mode, 0640);
	assert_string_equal(a->socket.unix_user, "u");
	assert_string_equal(a->socket.unix_group, "g");
	assert_string_equal(a->echo.prefix, "> ");
	assert_int_equal(a->echo.prefix_len, 2);

	assert_int_equal(b->handler, HANDLER_HTTP);
	assert_int_equal(b->line, 11);
	assert_int_equal(b->http.status, 200);
	assert_int_equal(b->http.body_len, 0);
	assert_string_equal(b->http.content_type, "text/plain");
	assert_int_equal(b->http.head_timeout, 10000);
	assert_int_equal(b->http.keepalive_timeout, 60000);
	assert_int_equal(b->http.max_body, 1 << 20);
	assert_int_equal(b->timeouts.idle, 600000);
	assert_int_equal(b->limit.source_datagram_rate.count, 1000);
	assert_int_equal(b->socket.unix_mode, 0666);
	assert_null(b->socket.unix_user);
	assert_null(conf->group);
	assert_int_equal(conf->workers, 0);
	assert_int_equal(conf->connections, 0);
	conf_free(conf);
}

static void
sections_may_stand_in_any_order(void **state)
{
	struct conf *conf =
	    fixture_parse("service \"a\" { echo { prefix = x }"
			  " handler = echo listen = \"127.0.0.1:7\" }\n"
			  "defaults { idle_timeout = 7s } workers = 2\n");

	(void)state;
	assert_int_equal(conf->services[0].timeouts.idle, 7000);
	assert_int_equal(conf->workers, 2);
	conf_free(conf);
}

static void
values_land_in_their_pool(void **state)
{
	struct conf *conf = fixture_parse(
	    "pool \"p\" { balance = hash hash_prefix4 = 24 hash_prefix6 = 56\n"
	    "  retries = 2 connect_timeout = 1s half_close_timeout = 2s\n"
	    "  idle_timeout = 3s lifetime = 4s lifetime_jitter = 5 queue = 6\n"
	    "  queue_timeout = 7s slow_start = 8s max_failures = 9\n"
	    "  fail_timeout = 10s max_ejected = 11 proxy_protocol = v2\n"
	    "  splice = on resolve = first addresses = 12 resolve_min = 13s\n"
	    "  resolve_max = 14s server \"a\" { address = \"192.0.2.1:80\" }\n"
	    "  socket { keepalive = 15s nodelay = off user_timeout = 16s\n"
	    "    source = \"2001:db8::1\" mark = 17 dscp = 18 }\n"
	    "  udp { idle_timeout = 19s responses = 20 } }\n"
	    "service \"s\" { handler = relay pool = p proxy_timeout = 21s\n"
	    "  listen = { \"127.0.0.1:7\", \"udp:127.0.0.1:7\" }\n"
	    "  accept_proxy = { \"192.0.2.0/24\", \"::1\" } }\n");
	const struct conf_pool *p = &conf->pools[0];
	const struct conf_service *s = &conf->services[0];

	(void)state;
	assert_int_equal(conf->npools, 1);
	assert_string_equal(p->name, "p");
	assert_string_equal(p->file, "t");
	assert_int_equal(p->line, 1);
	assert_int_equal(p->balance, BALANCE_HASH);
	assert_int_equal(p->hash_prefix4, 24);
	assert_int_equal(p->hash_prefix6, 56);
	assert_int_equal(p->retries, 2);
	assert_int_equal(p->connect_timeout, 1000);
	assert_int_equal(p->half_close_timeout, 2000);
	assert_int_equal(p->idle_timeout, 3000);
	assert_int_equal(p->lifetime, 4000);
	assert_int_equal(p->lifetime_jitter, 5);
	assert_int_equal(p->queue, 6);
	assert_int_equal(p->queue_timeout, 7000);
	assert_int_equal(p->slow_start, 8000);
	assert_int_equal(p->max_failures, 9);
	assert_int_equal(p->fail_timeout, 10000);
	assert_int_equal(p->max_ejected, 11);
	assert_int_equal(p->proxy_protocol, PROXY_V2);
	assert_int_equal(p->splice, SPLICE_ON);
	assert_int_equal(p->resolve, RESOLVE_FIRST);
	assert_int_equal(p->addresses, 12);
	assert_int_equal(p->resolve_min, 13000);
	assert_int_equal(p->resolve_max, 14000);
	assert_int_equal(p->socket.keepalive, 15000);
	assert_false(p->socket.nodelay);
	assert_int_equal(p->socket.user_timeout, 16000);
	assert_int_equal(p->socket.source.family, ADDR_INET6);
	assert_int_equal(p->socket.source.port, 0);
	assert_int_equal(p->socket.mark, 17);
	assert_int_equal(p->socket.dscp, 18);
	assert_int_equal(p->udp.idle_timeout, 19000);
	assert_int_equal(p->udp.responses, 20);

	assert_ptr_equal(s->pool, p);
	assert_string_equal(s->pool_name, "p");
	assert_int_equal(s->naccept_proxy, 2);
	assert_int_equal(s->accept_proxy[0].bits, 24);
	assert_int_equal(s->proxy_timeout, 21000);
	conf_free(conf);
}

static void
pools_start_from_the_defaults(void **state)
{
	struct conf *conf = fixture_parse(
	    "service \"s\" { handler = relay pool = p\n"
	    "  listen = { \"127.0.0.1:7\", \"udp:127.0.0.1:7\" } }\n"
	    "pool \"p\" { server \"a\" { address = \"192.0.2.1:80\" } }\n"
	    "defaults { connect_timeout = 4s half_close_timeout = 5s }\n");
	const struct conf_pool *p = &conf->pools[0];

	(void)state;
	assert_int_equal(p->balance, BALANCE_ROUND_ROBIN);
	assert_int_equal(p->connect_timeout, 4000);
	assert_int_equal(p->half_close_timeout, 5000);
	assert_int_equal(p->idle_timeout, 0);
	assert_int_equal(p->lifetime, 0);
	assert_int_equal(p->check.type, CHECK_NONE);
	assert_string_equal(p->check.method, "GET");
	assert_int_equal(p->check.nstatus, 1);
	assert_int_equal(p->proxy_protocol, PROXY_NONE);
	assert_int_equal(p->splice, SPLICE_AUTO);
	assert_int_equal(p->socket.source.family, ADDR_NONE);
	assert_true(p->socket.nodelay);
	assert_int_equal(p->udp.idle_timeout, 60000);
	assert_int_equal(p->servers[0].weight, 1);
	assert_int_equal(p->servers[0].state, SERVER_ENABLED);
	assert_int_equal(p->servers[0].check_target.addr.family, ADDR_NONE);
	assert_null(p->servers[0].check_target.host);
	assert_int_equal(conf->resolver.nservers, 0);
	conf_free(conf);
}

#define SERVICE                                                              \
	"service \"s\" { handler = relay pool = p listen = \"127.0.0.1:7\" " \
	"}\n"

static void
values_land_in_their_server(void **state)
{
	struct conf *conf = fixture_parse(SERVICE
	    "pool \"p\" { addresses = 5\n"
	    "  server \"a\" { address = \"[2001:db8::1]:80\" weight = 2\n"
	    "    max_connections = 3 backup = yes state = draining\n"
	    "    check_address = \"192.0.2.1:81\" }\n"
	    "  server \"b\" { address = \"unix:/run/b\"\n"
	    "    check_address = \"unix:/run/c\" state = disabled }\n"
	    "  server \"c\" { address = \"www.example.org:8080\" }\n"
	    "  server \"d\" { address = \"_http._tcp.example.org\" } }\n");
	const struct conf_server *s = conf->pools[0].servers;

	(void)state;
	assert_int_equal(conf->pools[0].nservers, 4);
	assert_string_equal(s[0].name, "a");
	assert_string_equal(s[0].file, "t");
	assert_int_equal(s[0].line, 3);
	assert_int_equal(s[0].target.kind, TARGET_ADDRESS);
	assert_int_equal(s[0].target.addr.family, ADDR_INET6);
	assert_int_equal(s[0].target.addr.port, 80);
	assert_null(s[0].target.host);
	assert_int_equal(s[0].weight, 2);
	assert_int_equal(s[0].max_connections, 3);
	assert_true(s[0].backup);
	assert_int_equal(s[0].state, SERVER_DRAINING);
	assert_int_equal(s[0].check_target.kind, TARGET_ADDRESS);
	assert_int_equal(s[0].check_target.addr.port, 81);
	assert_int_equal(s[1].target.kind, TARGET_UNIX);
	assert_int_equal(s[1].target.addr.family, ADDR_UNIX);
	assert_string_equal(s[1].target.host, "/run/b");
	assert_int_equal(s[1].check_target.kind, TARGET_UNIX);
	assert_string_equal(s[1].check_target.host, "/run/c");
	assert_int_equal(s[1].state, SERVER_DISABLED);
	assert_int_equal(s[2].target.kind, TARGET_NAME);
	assert_string_equal(s[2].target.host, "www.example.org");
	assert_int_equal(s[2].target.port, 8080);
	assert_int_equal(s[3].target.kind, TARGET_SRV);
	assert_string_equal(s[3].target.host, "_http._tcp.example.org");
	conf_free(conf);
}

static void
values_land_in_the_check(void **state)
{
	struct conf *conf = fixture_parse(SERVICE
	    "service \"t\" { handler = relay pool = q\n"
	    "  listen = \"127.0.0.1:8\" }\n"
	    "pool \"p\" { server \"a\" { address = \"192.0.2.1:80\" }\n"
	    "  check { type = http interval = 1s timeout = 2s rise = 3\n"
	    "    fall = 4 port = 5 method = HEAD path = \"/x\"\n"
	    "    host = y status = { 204, \"300-302\" } } }\n"
	    "pool \"q\" { server \"a\" { address = \"192.0.2.1:80\" }\n"
	    "  check { type = send send = \"\\x01\\n\" expect = \"ok\" "
	    "} }\n");
	const struct conf_check *p = &conf->pools[0].check;
	const struct conf_check *q = &conf->pools[1].check;

	(void)state;
	assert_int_equal(p->type, CHECK_HTTP);
	assert_int_equal(p->interval, 1000);
	assert_int_equal(p->timeout, 2000);
	assert_int_equal(p->rise, 3);
	assert_int_equal(p->fall, 4);
	assert_int_equal(p->port, 5);
	assert_string_equal(p->method, "HEAD");
	assert_string_equal(p->path, "/x");
	assert_string_equal(p->host, "y");
	assert_int_equal(p->nstatus, 2);
	assert_int_equal(p->status[0].first, 204);
	assert_int_equal(p->status[0].last, 204);
	assert_int_equal(p->status[1].first, 300);
	assert_int_equal(p->status[1].last, 302);
	assert_int_equal(q->type, CHECK_SEND);
	assert_int_equal(q->send_len, 2);
	assert_memory_equal(q->send, "\x01\n", 3);
	assert_int_equal(q->expect_len, 2);
	assert_string_equal(q->expect, "ok");
	conf_free(conf);
}

/* How many places each kind of address takes in the shared state. */
static void
names_take_as_many_places_as_they_may_have_addresses(void **state)
{
	static const char servers[] =
	    "server \"a\" { address = \"192.0.2.1:80\" }\n"
	    "server \"b\" { address = \"unix:/run/b\" }\n"
	    "server \"c\" { address = \"www.example.org:80\" }\n"
	    "server \"d\" { address = \"_http._tcp.example.org\" } }\n";
	static const unsigned all[] = { 1, 1, 5, 5 }, first[] = { 1, 1, 1, 5 };
	size_t i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct conf *conf;
		char *text;

		assert_int_not_equal(
		    asprintf(&text,
			SERVICE "pool \"p\" { addresses = 5 resolve = %s\n%s",
			i == 0 ? "all" : "first", servers),
		    -1);
		conf = fixture_parse(text);
		for (j = 0; j < 4; j++)
			assert_int_equal(conf->pools[0].servers[j].nplaces,
			    i == 0 ? all[j] : first[j]);
		conf_free(conf);
		free(text);
	}
}

static void
each_scope_keeps_its_own(void **state)
{
	struct conf *conf = fixture_parse(
	    "pool \"p\" { server \"a\" { address = \"192.0.2.1:1\" } }\n"
	    "service \"p\" { handler = relay listen = \"127.0.0.1:7\" pool = p "
	    "}\n"
	    "pool \"q\" { server \"a\" { address = \"192.0.2.1:2\" }\n"
	    "  queue = 7 server \"b\" { address = \"192.0.2.1:3\" } retries = "
	    "1 "
	    "}\n"
	    "service \"q\" { handler = relay listen = \"127.0.0.1:8\" pool = q "
	    "}\n");

	(void)state;
	assert_int_equal(conf->npools, 2);
	assert_int_equal(conf->nservices, 2);
	assert_ptr_equal(conf->services[0].pool, &conf->pools[0]);
	assert_ptr_equal(conf->services[1].pool, &conf->pools[1]);
	assert_int_equal(conf->pools[0].nservers, 1);
	assert_int_equal(conf->pools[0].queue, 1024);
	assert_int_equal(conf->pools[0].servers[0].target.addr.port, 1);
	assert_int_equal(conf->pools[1].nservers, 2);
	assert_int_equal(conf->pools[1].queue, 7);
	assert_int_equal(conf->pools[1].retries, 1);
	assert_int_equal(conf->pools[1].servers[0].target.addr.port, 2);
	assert_string_equal(conf->pools[1].servers[1].name, "b");
	assert_int_equal(conf->pools[1].servers[1].target.addr.port, 3);
	conf_free(conf);
}

static void
relay_has_no_limit_of_datagrams_unless_it_is_set(void **state)
{
	struct conf *conf = fixture_parse(
	    "pool \"p\" { server \"s\" { address = \"127.0.0.1:9\" } }\n"
	    "service \"a\" { listen = \"udp:127.0.0.1:7\" pool = \"p\" "
	    "handler = \"relay\" }\n"
	    "service \"b\" { listen = \"udp:127.0.0.1:8\" pool = \"p\" "
	    "handler = \"relay\" limit { source_datagram_rate = 5/s } }\n");

	(void)state;
	assert_int_equal(conf->services[0].limit.source_datagram_rate.count, 0);
	assert_int_equal(conf->services[1].limit.source_datagram_rate.count, 5);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    relay_has_no_limit_of_datagrams_unless_it_is_set),
		cmocka_unit_test(values_land_in_the_global_options),
		cmocka_unit_test(values_land_in_their_service),
		cmocka_unit_test(values_land_in_their_pool),
		cmocka_unit_test(pools_start_from_the_defaults),
		cmocka_unit_test(values_land_in_their_server),
		cmocka_unit_test(values_land_in_the_check),
		cmocka_unit_test(
		    names_take_as_many_places_as_they_may_have_addresses),
		cmocka_unit_test(each_scope_keeps_its_own),
		cmocka_unit_test(sections_may_stand_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
