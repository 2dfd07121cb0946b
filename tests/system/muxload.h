/*
 * Running muxload, and servers for it that do what no good server does.
 */
#ifndef TESTS_SYSTEM_MUXLOAD_H
#define TESTS_SYSTEM_MUXLOAD_H

#include <sys/types.h>

#include <stdint.h>

/* A muxload that runs. */
struct muxload {
	pid_t pid;
	int in;  /* its standard input; -1: closed */
	int out; /* its standard output, and what was read of it */
	int err;
};

/* One that has ended.  The texts live until the teardown. */
struct muxload_result {
	int status; /* exit status */
	char *out;
	char *err;
};

/* Begin to run muxload with these arguments. */
#define muxload_start(...) \
	muxload_start_arguments((const char *const[]){ __VA_ARGS__, NULL })
struct muxload *muxload_start_arguments(const char *const *arguments);

/* Send to its standard input. */
void muxload_input(struct muxload *muxload, const char *text);

/* Wait for a line of its output. */
char *muxload_read_line(struct muxload *muxload);

/* Close its standard input, and wait until it has ended. */
struct muxload_result muxload_end(struct muxload *muxload);

/* All of that. */
#define muxload_run(...) muxload_end(muxload_start(__VA_ARGS__))

/* The value of a key that --keys has printed. */
double muxload_key(const struct muxload_result *result, const char *key);

/* Run in a process of its own, with the one descriptor, until the teardown. */
void muxload_serve(int fd, void (*serve)(int fd));

/* A UDP socket bound to a free port; closed by the teardown. */
int muxload_bind_udp(void);

/* Ends what the test has left running; instead of muxd_teardown(). */
int muxload_teardown(void **state);

#endif
