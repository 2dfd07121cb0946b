/*
 * What the programs of the benchmarks share: they end with a message at the
 * first error, and they can tell what CPU time other processes have had.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <netinet/in.h>
#include <stdint.h>
#include <time.h>

enum { BENCH_PIDS = 16 };

/* CPU time of processes, and time, between two moments. */
struct meter {
	long pids[BENCH_PIDS];
	unsigned npids;
	uint64_t cpu; /* nanoseconds, of all of them */
	struct timespec begin;
};

/* Say what failed, with errno's text, and exit with 2. */
_Noreturn void bench_die(const char *what);

/* A number from the command line; ends the program if it is none. */
unsigned bench_number(const char *text);

/* Fill in an IPv4 address; ends the program if it is none. */
void bench_address(
    const char *host, const char *port, struct sockaddr_in *address);

/* Let the process open as many descriptors as it may at all. */
void bench_raise_descriptors(void);

/* A socket of the type that is bound to the port of 127.0.0.1, and listens if
 * it is a stream; not inherited, and otherwise with the flags given
 * (SOCK_NONBLOCK). */
int bench_listen(int type, uint16_t port);

/* Watch another process too. */
void meter_add(struct meter *meter, const char *pid);

void meter_begin(struct meter *meter);

/* CPU time in nanoseconds (schedstat of proc(5)) and seconds that went by since
 * meter_begin(). */
void meter_end(const struct meter *meter, double *cpu, double *seconds);

#endif
