/*
 * A request of the control socket: one line of words, as a shell would take
 * them.
 *
 *   set weight web/a 3
 *   kill --source "192.0.2.0/24"
 *
 * Words are separated by blanks.  In double quotes, blanks belong to the word
 * and \" and \\ stand for " and \.  Control characters are refused.
 */
#ifndef MUXD_PROC_REQUEST_H
#define MUXD_PROC_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "proc/commands.h"

#define REQUEST_MAX       4096 /* bytes of a line, without its newline */
#define REQUEST_WORDS     16
#define REQUEST_ERROR_MAX 160

struct request {
	const struct command *command;
	const char *arguments[COMMAND_ARGUMENTS]; /* NULL: not there */
	unsigned options; /* OPTION_… that were given */
	/* What they mean. */
	uint64_t number;
	uint64_t session;
	struct prefix prefix; /* the argument's, or that of --source */
	uint64_t duration_ms; /* of --for */
	struct addr client;   /* of src= */
	const char *service;  /* of service= */
};

/*
 * Cut a line of len bytes into words, in place: words points into line, which
 * has room for a NUL at line[len].  Returns how many, or -1 and a static text
 * in *why.
 */
int request_split(
    char *line, size_t len, const char *words[REQUEST_WORDS], const char **why);

/* Understand words, which must outlive the request.  -1, and what is wrong in
 * error. */
int request_read(struct request *request, const char *const *words, size_t n,
    char error[REQUEST_ERROR_MAX]);

/* Write words as a line that request_split() reads, with its newline. */
void request_write(struct strbuf *out, const char *const *words, size_t n);

#endif
