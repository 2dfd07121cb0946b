/*
 * muxctl: what its files share.
 */
#ifndef MUXD_MUXCTL_H
#define MUXD_MUXCTL_H

#include <stdbool.h>
#include <stdio.h>

#include "muxctl_link.h"
#include "proc/request.h"

/* As the option "control" of muxd.conf(5) has it; a test holds the two
 * together. */
#define MUXCTL_SOCKET "/run/muxd/control.sock"

/* Exit statuses, as the manual has them. */
enum {
	MUXCTL_OK = 0,
	MUXCTL_REFUSED = 1, /* muxd says no, or it has failed */
	MUXCTL_USAGE = 2    /* the command line is wrong, or there is no muxd */
};

struct muxctl {
	const char *path; /* of the socket */
	bool json;
	struct link link;
};

/* Do a command whose words were understood, over the open link.  The exit
 * status; what went wrong stands on stderr. */
int muxctl_command(struct muxctl *muxctl, const struct request *request,
    const char *const *words, size_t n);

/* Write all commands with what they do. */
void muxctl_help(FILE *out);

/* Connect; says why not.  The exit status. */
int muxctl_connect(const struct muxctl *muxctl, struct link *link);

/* muxctl_top.c: the live table, until a key ends it. */
int muxctl_top(struct muxctl *muxctl);

/* muxctl_prompt.c: read commands and show events, until the end of input. */
int muxctl_prompt(struct muxctl *muxctl);

/* muxctl_complete.c: what the last of n words may become.  Calls each for
 * every candidate; link may be NULL, or is asked for names. */
void muxctl_complete(struct link *link, const char *const *words, size_t n,
    void (*each)(void *arg, const char *candidate), void *arg);

#endif
