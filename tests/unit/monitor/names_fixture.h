/*
 * Names on a loop whose clock jumps, with a resolver that answers what the
 * test says: names_fixture.c takes its place in the programs that are linked
 * with --wrap for each of its functions.
 */
#ifndef MUXD_TESTS_MONITOR_NAMES_FIXTURE_H
#define MUXD_TESTS_MONITOR_NAMES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "conf/conf.h"
#include "../event/fake.h"
#include "monitor/names.h"
#include "monitor/resolver.h"
#include "state/servers.h"

enum { QUESTIONS_MAX = 64, RECORDS_MAX = 64, RECORD_TEXT = 2048 };

/* A question that was not answered yet. */
struct question {
	char name[256]; /* empty: free */
	void (*addresses)(void *, const struct resolver_addresses *);
	void (*services)(void *, const struct resolver_services *);
	void *arg;
};

struct fixture {
	struct conf *conf;
	struct state *state;
	struct log log;
	int log_fds[2];
	unsigned pools[8];
	unsigned places[8];
	struct names *names;
	unsigned told;                          /* that places have changed */
	unsigned woken;                         /* workers */
	char records[RECORDS_MAX][RECORD_TEXT]; /* as logfmt */
	size_t nrecords;
};

int names_setup(void **state);
int names_teardown(void **state);
#define FIXTURE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, names_setup, names_teardown)

/* A service "s" that relays to the pool "p", whose body is given. */
void names_load(struct fixture *f, const char *pool);

/* Open the names; those that were open are closed first. */
void names_start(struct fixture *f);

/* Let time pass. */
void names_advance(struct fixture *f, uint64_t ms);

/* Let time pass until the name is asked for; the milliseconds until then.
 * Fails after an hour. */
uint64_t names_wait_question(struct fixture *f, const char *name);

/* Whether it is asked for now. */
bool names_is_asked(const char *name);

/* Answer the question, without an allocation: with these addresses, "192.0.2.1 2001:db8::1"; a
 * family of which there is none has the outcome given. */
void names_answer(const char *name, uint32_t ttl, const char *addresses,
    enum resolver_outcome inet4, enum resolver_outcome inet6);
void names_found(const char *name, const char *addresses); /* for a minute */
void names_none(const char *name);
void names_fail(const char *name);

/* The same of SRV records: "10 1 80 a.test, 20 0 80 b.test". */
void names_services(const char *name, uint32_t ttl, const char *records,
    enum resolver_outcome outcome);

/* What is in all places, "192.0.2.1:80 - -"; weights behind it with "*",
 * unless they are 1. */
const char *names_places(struct fixture *f);
#define assert_places(f, text) assert_string_equal(names_places(f), text)

uint32_t names_generation(const struct fixture *f);

/* How many records have all these texts, up to a NULL. */
unsigned names_logged(struct fixture *f, ...) __attribute__((sentinel));

#endif
