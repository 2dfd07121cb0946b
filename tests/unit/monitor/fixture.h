/*
 * What the tests of health checks share: a pool, its shared state, and a loop
 * whose clock the test moves.
 */
#ifndef MUXD_TESTS_MONITOR_FIXTURE_H
#define MUXD_TESTS_MONITOR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "event/loop.h"
#include "monitor/checks.h"
#include "state/servers.h"

#define FIXTURE_SERVERS 128
#define FIXTURE_PLACES  4 /* that the shared state has for each of them */
#define COUNT(array)    (sizeof(array) / sizeof((array)[0]))

struct responder;

struct fixture {
	struct loop *loop;
	struct state *state;
	struct log log;
	int log_fd;
	char *records; /* a line for each */
	size_t records_len;
	struct conf conf;
	struct conf_service service;
	struct endpoint listen;
	struct conf_pool pool;
	struct conf_server servers[FIXTURE_SERVERS];
	struct conf_status_range status;
	unsigned places[FIXTURE_SERVERS];
	unsigned max;
	struct checks *checks;
	unsigned wakes; /* workers that were woken */
};

/* A pool of n servers "s0", "s1", … that are checked by "tcp" every 2 s with
 * a timeout of 1 s, fall 3 and rise 2, and have no address yet. */
void fixture_open(struct fixture *f, size_t n);
void fixture_close(struct fixture *f);

/* Give a server an address that is a number or a path, as the master does. */
void fixture_address(struct fixture *f, size_t server, const struct addr *addr);
void fixture_server(
    struct fixture *f, size_t server, const struct responder *responder);

/* Begin and end to check; what is under way is broken off. */
bool fixture_try_start(struct fixture *f);
void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f);

/* The shared state of a place of a server. */
struct state_server *fixture_shared(const struct fixture *f, size_t server);
enum server_checked fixture_checked(const struct fixture *f, size_t server);

/* Turn until nothing happens any more. */
void fixture_settle(struct fixture *f);

/* Let time pass: from timer to timer, as it would. */
void fixture_advance(struct fixture *f, uint64_t ms);

/* Let time pass up to the next timer. */
void fixture_step(struct fixture *f);

/* Let time pass in one jump, as for a process that was stopped. */
void fixture_jump(struct fixture *f, uint64_t ms);

/* Milliseconds of the test's clock. */
uint64_t fixture_now(void);

/* How many records have the text, of all since the last fixture_forget(). */
unsigned fixture_logged(struct fixture *f, const char *text);
void fixture_forget(struct fixture *f);

/* How many descriptors this process has open. */
unsigned fixture_descriptors(void);

#endif
