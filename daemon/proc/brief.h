/*
 * A brief: what the master tells its children of a configuration.
 *
 * It is one piece of memory that the children get the descriptor of: the
 * canonical text with its origins, which each of them parses for itself, so that
 * it can name the file and line of a limit; and beside it what the text does
 * not say: where the names are in the shared state, and which socket belongs to
 * which address.
 */
#ifndef MUXD_PROC_BRIEF_H
#define MUXD_PROC_BRIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "proc/slots.h"

/* An address that is listened on. */
struct brief_door {
	uint32_t service; /* index in conf->services */
	uint32_t id;      /* of the owned socket */
	uint32_t shared;
	uint32_t fresh; /* its descriptor comes with the brief, in this order */
	struct endpoint endpoint;
};

struct brief {
	uint32_t number; /* of the configuration; the first is 1 */
	uint64_t connections_max;
	struct conf *conf;
	struct slots slots;
	struct brief_door *doors;
	size_t ndoors;
};

/* Write one; brief->conf is not read, but its text is given.  A descriptor,
 * or -1 with errno. */
int brief_write(
    const struct brief *brief, const struct conf *conf, const char *text);

/*
 * Read one; the descriptor stays the caller's.  0; or -1 with errno, EPROTO
 * for one that is no brief, or whose text does not parse: then *errors, zeroed
 * by the caller, says why.
 */
int brief_read(struct brief *brief, int fd, struct conf_errors *errors);

/* Release what brief_read() has made; conf, too, unless it was taken out. */
void brief_free(struct brief *brief);

#endif
