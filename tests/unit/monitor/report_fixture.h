/*
 * What the tests of reports share: a configuration, and a shared state in
 * which things have happened.
 */
#ifndef MUXD_TESTS_MONITOR_REPORT_FIXTURE_H
#define MUXD_TESTS_MONITOR_REPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/report.h"
#include "state/ledger.h"
#include "state/servers.h"

enum { REPORT_WORKERS = 2, REPORT_SERVERS = 3, REPORT_NOW_MS = 100000 };

/*
 * Services "echo" (limit.connections 10, limit.rate 100/s) and "www", which
 * relays to pool "web" of servers "a" (127.0.0.1:81, max_connections 4), "b"
 * (unix) and "c" (a name with two places).  Both workers serve.
 */
struct report_fixture {
	struct conf *conf;
	struct state *state;
	unsigned services[2];
	unsigned pools[1];
	unsigned places[REPORT_SERVERS];
	struct ledger ledgers[REPORT_WORKERS];
	struct report_source source;
};

void report_fixture_open(struct report_fixture *f);
void report_fixture_close(struct report_fixture *f);

/* Begin a session of the address ("192.0.2.1:5"). */
struct ledger_entry *report_fixture_session(struct report_fixture *f,
    unsigned worker, unsigned service, const char *client);

/* Count, as a worker does. */
void report_fixture_count(struct report_fixture *f, unsigned worker,
    unsigned service, enum counter counter, uint64_t n);
void report_fixture_ended(struct report_fixture *f, unsigned worker,
    unsigned service, enum reason reason, uint64_t n);

/* What lies at a path such as "servers.0.places.1.name"; fails if nothing
 * does. */
const json_t *report_at(const json_t *value, const char *path);
json_int_t report_int(const json_t *value, const char *path);
const char *report_str(const json_t *value, const char *path);
double report_real(const json_t *value, const char *path);

#endif
