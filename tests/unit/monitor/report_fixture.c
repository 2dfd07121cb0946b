/*
 * A made state for reports: see report_fixture.h.
 */
#include "report_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

static const char text[] =
    "service \"echo\" {\n"
    "  listen = { \"127.0.0.1:7007\" }\n"
    "  handler = \"echo\"\n"
    "  limit { connections = 10 rate = \"100/s\" }\n"
    "}\n"
    "service \"www\" {\n"
    "  listen = { \"127.0.0.1:8080\", \"[::1]:8080\" }\n"
    "  handler = \"relay\"\n"
    "  pool = \"web\"\n"
    "}\n"
    "pool \"web\" {\n"
    "  slow_start = \"10s\"\n"
    "  addresses = 2\n"
    "  server \"a\" { address = \"127.0.0.1:81\" max_connections = 4 }\n"
    "  server \"b\" { address = \"unix:/run/b.sock\" }\n"
    "  server \"c\" { address = \"c.example:80\" backup = true }\n"
    "}\n";

static void
open_conf(struct report_fixture *f)
{
	struct conf_errors errors = { 0 };

	f->conf = conf_parse(text, "test.conf", &errors);
	if (f->conf == NULL)
		conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	assert_non_null(f->conf);
}

static void
open_places(struct report_fixture *f)
{
	const struct conf_pool *pool = &f->conf->pools[0];
	size_t i;

	for (i = 0; i < REPORT_SERVERS; i++) {
		f->places[i] = (unsigned)state_server_places(f->state, "web",
		    pool->servers[i].name, pool->servers[i].nplaces);
		if (pool->servers[i].target.kind == TARGET_NAME)
			continue;
		state_server_set(&f->state->servers[f->places[i]],
		    &pool->servers[i].target.addr, 1);
	}
}

static void
open_workers(struct report_fixture *f)
{
	struct state_worker *worker;
	unsigned i;

	for (i = 0; i < REPORT_WORKERS; i++) {
		worker = &f->state->workers[i];
		atomic_store(&worker->pid, 1000 + (int32_t)i);
		atomic_store(&worker->wanted, 1);
		atomic_store(&worker->phase, WORKER_SERVING);
		atomic_store(&worker->heartbeat_ms, REPORT_NOW_MS - 10);
		atomic_store(&worker->starts, 1);
		assert_int_equal(ledger_open(&f->ledgers[i], f->state, i), 0);
	}
}

void
report_fixture_open(struct report_fixture *f)
{
	const struct state_shape shape = {
		.workers = REPORT_WORKERS,
		.services = 4,
		.sessions = 512,
		.sources = 64,
		.pools = 1,
		.servers = 4,
	};

	memset(f, 0, sizeof(*f));
	open_conf(f);
	f->state = state_create(&shape);
	assert_non_null(f->state);
	/* Slots that are not those of the order. */
	f->services[1] = (unsigned)state_service_slot(f->state, "www");
	f->services[0] = (unsigned)state_service_slot(f->state, "echo");
	f->pools[0] = (unsigned)state_pool_slot(f->state, "web");
	open_places(f);
	open_workers(f);
	f->source = (struct report_source){
		.state = f->state,
		.conf = f->conf,
		.services = f->services,
		.pools = f->pools,
		.places = f->places,
		.connections_max = 1000,
		.started_ms = REPORT_NOW_MS - 5000,
		.pid = 999,
		.version = "1.2.3",
	};
}

void
report_fixture_close(struct report_fixture *f)
{
	unsigned i;

	for (i = 0; i < REPORT_WORKERS; i++)
		ledger_close(&f->ledgers[i]);
	state_close(f->state);
	conf_free(f->conf);
}

struct ledger_entry *
report_fixture_session(struct report_fixture *f, unsigned worker,
    unsigned service, const char *client)
{
	struct ledger_entry *entry;
	struct addr addr;
	const char *why;

	assert_int_equal(addr_parse(client, &addr, &why), 0);
	entry = ledger_begin(
	    &f->ledgers[worker], f->services[service], &addr, 1700000000000000);
	assert_non_null(entry);
	return entry;
}

void
report_fixture_count(struct report_fixture *f, unsigned worker,
    unsigned service, enum counter counter, uint64_t n)
{
	counter_add(&state_counters(f->state, worker, f->services[service])
			 ->events[counter],
	    n);
}

void
report_fixture_ended(struct report_fixture *f, unsigned worker,
    unsigned service, enum reason reason, uint64_t n)
{
	counter_add(&state_counters(f->state, worker, f->services[service])
			 ->ended[reason],
	    n);
}

const json_t *
report_at(const json_t *value, const char *path)
{
	char part[64];
	size_t len;

	while (*path != '\0') {
		len = strcspn(path, ".");
		assert_true(len < sizeof(part));
		memcpy(part, path, len);
		part[len] = '\0';
		value = json_is_array(value)
		    ? json_array_get(value, strtoul(part, NULL, 10))
		    : json_object_get(value, part);
		if (value == NULL)
			fail_msg("nothing at %s", path);
		path += len + (path[len] == '.');
	}
	return value;
}

json_int_t
report_int(const json_t *value, const char *path)
{
	value = report_at(value, path);
	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

const char *
report_str(const json_t *value, const char *path)
{
	value = report_at(value, path);
	assert_true(json_is_string(value));
	return json_string_value(value);
}

double
report_real(const json_t *value, const char *path)
{
	value = report_at(value, path);
	assert_true(json_is_real(value));
	return json_real_value(value);
}
