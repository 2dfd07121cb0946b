/*
 * Checks and names: see monitor_work.h.
 */
#include "proc/monitor_work.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "event/wake.h"
#include "monitor/checks.h"
#include "monitor/names.h"
#include "state/servers.h"

/* A configuration that was in force, until nobody on the stack can look at
 * it. */
struct outdated {
	struct retired retired;
	struct conf *conf;
	struct slots places;
};

/* A server has come up: whoever waits for one may come. */
static void
work_wake_worker(void *arg, unsigned number)
{
	const struct monitor_task *task =
	    ((const struct monitor_work *)arg)->task;

	if (number < task->state->shape.workers)
		wake_send(task->wake_fds[number]);
}

static int
work_open_checks(struct monitor_work *work)
{
	const struct monitor_task *task = work->task;
	const struct checks_config config = {
		.loop = work->loop,
		.log = work->log,
		.state = task->state,
		.conf = work->conf,
		.places = work->places->places,
		.max = task->checks_max,
		.seed = clock_mono_ns(),
	};

	work->checks = checks_open(&config);
	return work->checks == NULL ? -1 : 0;
}

/* What was known of the address that was there says nothing of the other. */
static void
work_place_changed(void *owner, unsigned place)
{
	const struct monitor_work *work = owner;

	checks_place_changed(work->checks, place);
}

static int
work_open_names(struct monitor_work *work)
{
	const struct names_config config = {
		.loop = work->loop,
		.log = work->log,
		.state = work->task->state,
		.conf = work->conf,
		.pools = work->places->pools,
		.places = work->places->places,
		.changed = work_place_changed,
		.owner = work,
	};

	work->names = names_open(&config);
	return work->names == NULL ? -1 : 0;
}

void
monitor_work_init(struct monitor_work *work, const struct monitor_task *task)
{
	memset(work, 0, sizeof(*work));
	work->task = task;
	work->conf = task->conf;
	work->places = task->places;
}

int
monitor_work_open(struct monitor_work *work, struct loop *loop, struct log *log,
    const char **what)
{
	work->loop = loop;
	work->log = log;
	work->task->state->wake = work_wake_worker;
	work->task->state->wake_arg = work;
	*what = "check the servers";
	if (work_open_checks(work) == -1)
		return -1;
	*what = "resolve names";
	return work_open_names(work);
}

static void
work_stop(struct monitor_work *work)
{
	names_close(work->names);
	work->names = NULL;
	checks_close(work->checks);
	work->checks = NULL;
}

static void
outdated_free(struct retired *retired)
{
	struct outdated *outdated =
	    container_of(retired, struct outdated, retired);

	conf_free(outdated->conf);
	slots_free(&outdated->places);
	mem_free(outdated);
}

int
monitor_work_change(struct monitor_work *work, struct brief *brief)
{
	struct outdated *outdated = mem_zalloc(sizeof(*outdated));
	const struct conf *before = work->conf;
	struct state *state = work->task->state;

	if (outdated == NULL)
		return -1;
	work_stop(work);
	outdated->conf = work->owned;
	outdated->places = work->owned_places;
	work->owned = brief->conf;
	work->owned_places = brief->slots;
	work->conf = work->owned;
	work->places = &work->owned_places;
	brief->conf = NULL;
	memset(&brief->slots, 0, sizeof(brief->slots));
	slots_apply(work->places, work->conf, before, state);
	loop_retire(work->loop, &outdated->retired, outdated_free);
	if (work_open_checks(work) == -1 || work_open_names(work) == -1)
		return -1;
	/* Servers may have become usable. */
	state_wake_workers(state);
	return 0;
}

void
monitor_work_yield(struct monitor_work *work)
{
	work_stop(work);
}

bool
monitor_work_settled(const struct monitor_work *work)
{
	return work->names != NULL && names_settled(work->names);
}

void
monitor_work_close(struct monitor_work *work)
{
	work_stop(work);
	conf_free(work->owned);
	slots_free(&work->owned_places);
}
