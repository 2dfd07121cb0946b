/*
 * Load on an echo service from processes of its own: each makes a number of
 * connections, one after another, sends a line on each, and expects it back.
 */
#ifndef TESTS_SYSTEM_LOAD_H
#define TESTS_SYSTEM_LOAD_H

#include <stddef.h>
#include <stdint.h>

#define LOAD_LOST_MAX 256

/* What became of the connections. */
struct load_result {
	uint32_t served;
	uint32_t refused; /* the connection was not made */
	uint32_t lost;    /* it ended before its line came back */
	uint16_t
	    lost_ports[LOAD_LOST_MAX]; /* of the client, of each lost one */
};

/* What a load process does. */
struct load {
	const char *address;
	const char *source; /* NULL: the kernel chooses */
	uint32_t connections;
	uint32_t parallel; /* so many are open at once */
};

/* Begin; the process ends by itself.  The result is a handle for the two
 * below. */
struct load_process *load_start(const struct load *load);

/* How many connections the process has ended so far. */
uint32_t load_progress(const struct load_process *process);

/* Wait until that many have ended. */
void load_wait_progress(const struct load_process *process, uint32_t n);

/* Wait for the end. */
struct load_result load_finish(struct load_process *process);

/* Called by muxd_teardown(). */
void load_kill_all(void);

#endif
