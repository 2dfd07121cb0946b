/*
 * The listening sockets of a start: see master_sockets.h.
 */
#include "proc/master_sockets.h"

#include <stdio.h>

int
master_sort_inherited(struct master *master)
{
	struct conf_errors errors = { 0 };
	int result = inherited_sockets_sort(&master->inherited, master->inherit,
	    master->conf, &master->log, &errors);

	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	return result;
}

static int
master_bind_all(struct master *master, struct conf_errors *errors)
{
	int result;

	result =
	    sockets_open(&master->sockets, master->conf, master->plan.workers,
		master->plan.slots, &master->inherited, errors);
	master->sockets.kept = master->store.heard;
	if (result == 0 && master->inherited.taken > 0)
		log_printf(&master->log, LOG_LEVEL_NOTICE,
		    "%zu listening sockets were handed over and go on",
		    master->inherited.taken);
	/* Slots that had a worker before may have sockets still. */
	if (result == 0) {
		master->plan.bound = sockets_count_slots(&master->sockets);
		if (plan_update(&master->plan, master->conf) == -1) {
			conf_error_add(errors, false, master->conf_path, 0,
			    "too many sockets were handed over for the open"
			    " files that are allowed (RLIMIT_NOFILE)");
			result = -1;
		}
	}
	if (status_sockets_open(&master->status_sockets, master->conf,
		&master->inherited, errors) == -1)
		result = -1;
	return result;
}

int
master_bind(struct master *master)
{
	struct conf_errors errors = { 0 };
	int result = successor_is_held(&master->successor)
	    ? successor_bind(master, &errors)
	    : master_bind_all(master, &errors);

	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	return result;
}
