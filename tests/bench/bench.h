/*
 * What the small programs of the benchmarks share: they end with a message at
 * the first error.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <netinet/in.h>
#include <stdint.h>

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

#endif
