/*
 * Descriptors that are handed over at the start: by a service manager, out of
 * its descriptor store or because it listens for us (socket activation), or by
 * a muxd that makes room for this one.
 *
 * The protocol is that of sd_listen_fds(3): descriptors 3 and on, LISTEN_FDS
 * of them, for the process LISTEN_PID, named by LISTEN_FDNAMES.  It is read
 * and written without libsystemd.  What a descriptor is good for is not
 * decided here: see proc/sockets_inherit.h.
 */
#ifndef MUXD_PROC_INHERIT_H
#define MUXD_PROC_INHERIT_H

#include <stdbool.h>
#include <stddef.h>

/* The first descriptor that is handed over. */
#define INHERIT_FIRST 3

/* The longest name, NUL included: that of systemd. */
#define INHERIT_NAME_MAX 256

/* The name of the shared memory (state/state.h). */
#define INHERIT_STATE "muxd-state"

struct inherited {
	int fd; /* -1: somebody has taken it */
	char *name;
};

struct inherit {
	struct inherited *items;
	size_t n;
	/* Whoever had them lives, with its sessions. */
	bool alive;
};

/*
 * Take what the environment says was handed to this process; each descriptor
 * is close-on-exec from here on, and the variables are gone, so that no child
 * takes them for its own.  Nothing, or what was meant for another process, is
 * 0 and an empty list.  -1 if it makes no sense, and *why is a text to be
 * released with mem_free(), or NULL without memory.
 */
int inherit_read(struct inherit *inherit, char **why);

/* The descriptor of that name, which is the caller's then; -1: none. */
int inherit_take(struct inherit *inherit, const char *name);

/* Close what nobody has taken, and release; also of zeroed memory. */
void inherit_close(struct inherit *inherit);

/* Whether it can be the name of a descriptor: 1 … 255 characters of ASCII, no
 * colon, no control character. */
bool inherit_name_valid(const char *name);

#endif
