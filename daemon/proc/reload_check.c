/*
 * Checks before a reload: see reload_check.h.
 */
#include "proc/reload_check.h"

#include "net/net.h"

/* The workers have given up the capability that a mark takes, or they keep
 * it. */
static int
check_marks(const struct conf *conf, const struct identity *identity,
    struct conf_errors *errors)
{
	const struct conf_pool *pool;
	size_t i;

	for (i = 0; !identity->marks && i < conf->npools; i++) {
		pool = &conf->pools[i];
		if (pool->socket.mark == 0)
			continue;
		conf_error_add(errors, false, pool->file, pool->line,
		    "pool \"%s\": the first socket.mark takes a restart, since"
		    " the processes have given up the privilege for it",
		    pool->name);
		return -1;
	}
	return 0;
}

int
reload_check(const struct conf *conf, struct plan *plan,
    const struct identity *identity, const char *path,
    struct conf_errors *errors)
{
	uint64_t needed = (uint64_t)plan->workers * NET_RESERVE * CHUNK_SIZE;

	if (plan_update(plan, conf) == -1) {
		conf_error_add(errors, false, path, 0,
		    "too many listeners for the open files that are allowed"
		    " (RLIMIT_NOFILE; with select, FD_SETSIZE)");
		return -1;
	}
	if (conf->memory < needed) {
		conf_error_add(errors, false, path, 0,
		    "limits.memory is %llu, but %u workers need %llu bytes",
		    (unsigned long long)conf->memory, plan->workers,
		    (unsigned long long)needed);
		return -1;
	}
	return check_marks(conf, identity, errors);
}
