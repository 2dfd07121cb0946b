/*
 * The master's control socket: what is ordered there.
 */
#include "proc/master_control.h"

#include <errno.h>

static void
master_ordered_to_stop(struct control *control)
{
	master_terminate(container_of(control, struct master, control));
}

static void
master_ordered_to_drain(struct control *control)
{
	master_node_ordered(container_of(control, struct master, control));
}

static void
master_ordered_to_end_elsewhere(struct control *control)
{
	const struct master *master =
	    container_of(control, struct master, control);

	successor_tell(&master->successor, MESSAGE_END);
}

static const struct control_ops master_control_ops = {
	.stop = master_ordered_to_stop,
	.node_ordered = master_ordered_to_drain,
	.end_elsewhere = master_ordered_to_end_elsewhere,
};

int
master_open_control(struct master *master)
{
	struct control *control = &master->control;

	control->sup = &master->sup;
	control->reload = &master->reload;
	control->upgrade = &master->upgrade;
	control->conf_path = master->conf_path;
	control->ops = &master_control_ops;
	if (successor_is_held(&master->successor)) {
		if (successor_open_control(master) == 0)
			return 0;
	} else if (control_bind(control, master->conf->control) == 0 &&
	    control_begin(control) == 0) {
		return 0;
	}
	log_errno(&master->log, LOG_LEVEL_ERROR, errno,
	    "cannot make the control socket \"%s\"", master->conf->control);
	return -1;
}
