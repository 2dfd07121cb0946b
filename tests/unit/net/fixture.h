/*
 * What the tests of net share: a worker's net on a loop of the backend under
 * test, with a grant that counts, pairs of connected sockets, and peers.
 */
#ifndef MUXD_TESTS_NET_FIXTURE_H
#define MUXD_TESTS_NET_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/addr.h"
#include "net/net.h"
#include "net/stream.h"

/* The ceiling of the pool, and what was asked of it. */
struct ceiling {
	uint32_t max;
	uint32_t taken;
	uint32_t peak;
	unsigned calls; /* of take and give */
	bool waiting;
};

struct fixture {
	struct loop *loop;
	struct net net;
	struct ceiling ceiling;
};

/* The number of elements of an array. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The whole group once for each backend of this build, with a watchdog that
 * ends a test program which waits for ever.  Returns the failures. */
int fixture_run_each_backend(
    const char *group, const struct CMUnitTest *tests, size_t n);

/* The same on the best backend alone. */
int fixture_run(const char *group, const struct CMUnitTest *tests, size_t n);

/* Setup and teardown of a test: *state becomes a struct fixture.  The
 * teardown asserts that no chunk is left in use and no grant kept. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

#define FIXTURE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Let the loop turn until the condition holds.  Sleeps between events. */
#define TURN_UNTIL(f, condition)                                              \
	do {                                                                  \
		while (!(condition))                                          \
			assert_int_not_equal(loop_turn((f)->loop, 1000), -1); \
	} while (0)

/* Turn while turns have something to do. */
void fixture_settle(struct fixture *f);

/* A connected pair: UNIX, or TCP over loopback.  Non-blocking. */
void fixture_unix_pair(int fds[2]);
void fixture_tcp_pair(int fds[2]);

/* A listening TCP socket on 127.0.0.1; its port goes to addr. */
int fixture_tcp_listener(struct addr *addr);

/* Begin to connect to it. */
int fixture_tcp_connect(const struct addr *addr);

/* Small buffers, so that a test need not move much to fill them. */
void fixture_small_buffers(int fd);

/* A long stream of bytes that look like noise: FIXTURE_SPAN of them, from the
 * given position on.  It repeats with a period that is prime, so what is lost,
 * doubled or moved does not go unseen. */
#define FIXTURE_SPAN 65536
const unsigned char *fixture_noise(uint64_t position);

/* Wait until the descriptor is readable, outside of any loop. */
void fixture_wait_readable(int fd);

/* Read exactly len bytes and compare them with the text. */
void fixture_expect(struct fixture *f, int fd, const char *text);

/* Turn until the peer sees the end: 0, or the errno of its read. */
int fixture_expect_end(struct fixture *f, int fd);

#endif
