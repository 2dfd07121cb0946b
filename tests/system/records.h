/*
 * What a muxd has logged: the records that tests wait for, and what they
 * tell about its addresses and processes.
 */
#ifndef TESTS_SYSTEM_RECORDS_H
#define TESTS_SYSTEM_RECORDS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness.h"

/*
 * Wait for a line of the log, from the mark on, that has all the given
 * tokens, such as "msg=ready" or "msg=\"worker started\""; a token that ends
 * in '*' fits any continuation, "*between two*" fits anywhere.  Returns the
 * line, which lives until the teardown.
 */
#define muxd_wait_log(muxd, ...) muxd_wait_logs(muxd, 1, __VA_ARGS__)

/* Wait until n lines fit; returns the last of them. */
#define muxd_wait_logs(muxd, n, ...) \
	muxd_wait_tokens(muxd, n, (const char *[]){ __VA_ARGS__, NULL })

const char *muxd_wait_tokens(
    struct muxd *muxd, size_t n, const char *const *tokens);

/* How many lines from the mark on have all the tokens by now. */
#define muxd_count_log(muxd, ...) \
	muxd_count_tokens(muxd, (const char *[]){ __VA_ARGS__, NULL })

size_t muxd_count_tokens(struct muxd *muxd, const char *const *tokens);

/* The nth line from the mark on that has all the tokens, or NULL. */
const char *muxd_log_line(
    struct muxd *muxd, size_t nth, const char *const *tokens);

/* Look only at lines that come from now on. */
void muxd_mark_log(struct muxd *muxd);

/* The value of a field of a line, without its quotes; fails the test if there
 * is none.  The second form takes it as a number. */
const char *log_field(const char *line, const char *key);
int64_t log_number(const char *line, const char *key);

/* Whether the line has the token. */
bool log_has(const char *line, const char *token);

/* The nth address that the service listens on, in the order of its
 * configuration: what client_connect() takes. */
const char *muxd_address(struct muxd *muxd, const char *service, size_t nth);

/* The process that fills a worker slot now, and the monitor, which needs
 * /proc and all workers to be there. */
pid_t muxd_worker(struct muxd *muxd, unsigned slot);
pid_t muxd_monitor(struct muxd *muxd);

/* How often a worker has started in the slot. */
size_t muxd_worker_starts(struct muxd *muxd, unsigned slot);

/* All that it has logged, as one text that lives until the teardown. */
const char *muxd_output(struct muxd *muxd);

/* Print the end of its log, for a test that fails. */
void muxd_show_log(const struct muxd *muxd);

#endif
