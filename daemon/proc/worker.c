/*
 * The life of a worker:
 *
 *   set up ──READY──► wait ──SERVE──► serve ──DRAIN──► drain ──► exit 0
 *                                       └────STOP──────────────► exit 0
 *
 * It also ends when its channel to the master breaks, whatever it does.  On
 * each turn of its loop it stores the time as its heartbeat; a timer sees to
 * it that a turn comes at least once a second.
 */
#include "proc/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "event/wake.h"
#include "proc/brief.h"
#include "proc/child.h"
#include "service/generation.h"
#include "service/service.h"

#define WORKER_HEARTBEAT_MS 1000

/* A configuration that is being made ready, or was. */
struct worker_reload {
	int *fds; /* of sockets that came for it */
	size_t nfds;
	bool leaving; /* it gets none, and makes do with those that it has */
	struct generation *pending;
	uint32_t number;
	enum log_level level;
};

struct worker {
	const struct worker_task *task;
	struct loop *loop;
	struct log log;
	struct channel channel;
	struct wake wake;
	struct services services;
	struct worker_reload reload;
	struct state_worker *shared;
	struct loop_hook turn_end;
	struct timer heartbeat;
	int error; /* what it cannot work for, an errno value, or 0 */
};

static void
worker_set_phase(struct worker *worker, enum worker_phase phase)
{
	atomic_store_explicit(
	    &worker->shared->phase, phase, memory_order_relaxed);
}

/* End, after the records of this turn were handed over. */
static void
worker_stop(struct worker *worker)
{
	loop_stop(worker->loop);
}

static void
worker_turn_end(struct loop_hook *hook)
{
	struct worker *worker = container_of(hook, struct worker, turn_end);

	atomic_store_explicit(&worker->shared->heartbeat_ms,
	    loop_now(worker->loop), memory_order_relaxed);
	if (worker->log.len > 0) {
		log_flush(&worker->log);
		atomic_store_explicit(&worker->shared->log_dropped,
		    worker->log.dropped_total, memory_order_relaxed);
	}
}

/* Only a reason for a turn. */
static void
worker_heartbeat(struct timer *timer)
{
	(void)timer;
}

/* Forget what was made ready, if anything was. */
static void
worker_abort(struct worker *worker)
{
	if (worker->reload.pending != NULL)
		services_abandon(worker->reload.pending);
	worker->reload.pending = NULL;
}

static int
worker_open_doors(struct worker *worker)
{
	const struct sockets *sockets = worker->task->sockets;
	const struct owned *owned;
	struct door_config door;
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		owned = &sockets->items[i];
		door = (struct door_config){
			.service = owned->service,
			.endpoint = owned->endpoint,
			.id = owned->id,
			.fd = sockets_fd(owned, worker->task->slot),
			.shared = owned->shared,
		};
		if (services_add_door(&worker->services, &door) == -1)
			return -1;
	}
	return 0;
}

/* Something that the worker cannot do without has failed, with errno: log it,
 * and remember what to exit with. */
static int
worker_fail(struct worker *worker, const char *what, const char *detail)
{
	const char *hint = NULL;

	worker->error = errno;
	if (worker->loop != NULL)
		hint = loop_error_hint(worker->loop, worker->error);
	log_errno(&worker->log, LOG_LEVEL_ERROR, worker->error,
	    "the worker cannot work: %s%s%s%s", what, detail,
	    hint != NULL ? ": " : "", hint != NULL ? hint : "");
	return -1;
}

static void
worker_serve(struct worker *worker)
{
	if (worker_open_doors(worker) == -1) {
		(void)worker_fail(worker, "watching a listening socket", "");
		worker_stop(worker);
		return;
	}
	worker_set_phase(worker, WORKER_SERVING);
}

/* ---- reload ---- */

static void
worker_drop_sockets(struct worker *worker)
{
	struct worker_reload *reload = &worker->reload;

	while (reload->nfds > 0)
		(void)close(reload->fds[--reload->nfds]);
	mem_free(reload->fds);
	reload->fds = NULL;
	reload->leaving = false;
}

/* Keep what came; one that cannot be kept is missed later. */
static void
worker_take_sockets(struct worker *worker, bool leaving)
{
	struct channel *channel = &worker->channel;
	struct worker_reload *reload = &worker->reload;
	size_t i;
	int *fd;

	reload->leaving |= leaving;
	for (i = 0; i < channel->nfds; i++) {
		fd = mem_push(&reload->fds, &reload->nfds, sizeof(*fd));
		if (fd != NULL)
			*fd = channel->fds[i];
		else
			(void)close(channel->fds[i]);
	}
	channel->nfds = 0;
}

/* The doors of a brief, with the sockets that came for them; these are the
 * result's then.  NULL with errno. */
static struct door_config *
worker_make_doors(struct worker *worker, const struct brief *brief)
{
	struct worker_reload *reload = &worker->reload;
	struct door_config *doors = mem_array(brief->ndoors, sizeof(*doors));
	const struct brief_door *from;
	size_t i, n = 0;

	for (i = 0; i < brief->ndoors && !reload->leaving; i++)
		n += brief->doors[i].fresh != 0;
	if (doors == NULL || n != reload->nfds) {
		/* One that is missing found no descriptor free. */
		errno = doors == NULL ? ENOMEM : EMFILE;
		mem_free(doors);
		return NULL;
	}
	n = 0;
	for (i = 0; i < brief->ndoors; i++) {
		from = &brief->doors[i];
		doors[i] = (struct door_config){
			.service = from->service,
			.endpoint = from->endpoint,
			.id = from->id,
			.fd = from->fresh != 0 && !reload->leaving
			    ? reload->fds[n++]
			    : -1,
			.shared = from->shared != 0,
		};
	}
	reload->nfds = 0;
	return doors;
}

/* 0, or what to answer. */
static uint32_t
worker_prepare_generation(struct worker *worker, struct brief *brief)
{
	struct door_config *doors = worker_make_doors(worker, brief);
	const struct generation_config config = {
		.number = brief->number,
		.conf = brief->conf,
		.owned = brief->conf,
		.slots = brief->slots.services,
		.pool_slots = brief->slots.pools,
		.server_places = brief->slots.places,
		.connections_max = brief->connections_max,
		.ndoors = brief->ndoors,
		.partial = worker->reload.leaving,
	};
	struct worker_reload *reload = &worker->reload;
	uint32_t refusal = 0;

	if (doors == NULL)
		return MESSAGE_REFUSAL(REFUSAL_SOCKETS, errno);
	reload->pending =
	    services_prepare(&worker->services, &config, doors, brief->ndoors);
	if (reload->pending == NULL) {
		refusal = MESSAGE_REFUSAL(REFUSAL_SETUP, errno);
	} else {
		reload->number = brief->number;
		reload->level = brief->conf->log.level;
		/* It goes with the generation. */
		brief->conf = NULL;
	}
	mem_free(doors);
	return refusal;
}

static void
worker_prepare(struct worker *worker, uint32_t number)
{
	struct channel *channel = &worker->channel;
	struct conf_errors errors = { 0 };
	struct brief brief;
	uint32_t refusal;

	worker_abort(worker);
	/* There was no descriptor free for it. */
	if (channel->nfds == 0)
		errno = EMFILE;
	if (channel->nfds == 0 ||
	    brief_read(&brief, channel->fds[0], &errors) == -1) {
		refusal = MESSAGE_REFUSAL(REFUSAL_BRIEF, errno);
	} else {
		refusal = worker_prepare_generation(worker, &brief);
		brief_free(&brief);
	}
	conf_errors_free(&errors);
	worker_drop_sockets(worker);
	if (refusal != 0)
		(void)channel_send(channel, MESSAGE_REFUSED,
		    MESSAGE_REFUSAL_TO(number, refusal));
	else
		(void)channel_send(
		    channel, MESSAGE_PREPARED, worker->reload.number);
}

static void
worker_commit(struct worker *worker)
{
	struct worker_reload *reload = &worker->reload;

	if (reload->pending != NULL) {
		services_commit(&worker->services, reload->pending);
		reload->pending = NULL;
		worker->log.level = reload->level;
	}
	(void)channel_send(&worker->channel, MESSAGE_COMMITTED, 0);
}

/* Those that cannot be adopted are closed with the message. */
static void
worker_adopt(struct worker *worker, uint32_t id)
{
	struct channel *channel = &worker->channel;
	size_t i, left = 0;

	for (i = 0; i < channel->nfds; i++)
		if (services_adopt(&worker->services, id, channel->fds[i]) ==
		    -1)
			channel->fds[left++] = channel->fds[i];
	channel->nfds = left;
}

/* Those that cannot be used are closed with the message. */
static void
worker_take_last(struct worker *worker, uint32_t id)
{
	struct channel *channel = &worker->channel;
	size_t i, left = 0;

	for (i = 0; i < channel->nfds; i++)
		if (services_take_last(
			&worker->services, id, channel->fds[i]) == -1)
			channel->fds[left++] = channel->fds[i];
	channel->nfds = left;
}

/* ---- what the master says ---- */

static void
worker_message(struct channel *channel, const struct message *message)
{
	struct worker *worker = channel->owner;

	/* It ends with this turn; its successor is told all this again. */
	if (worker->error != 0)
		return;
	switch (message->type) {
	case MESSAGE_SERVE:
		worker_serve(worker);
		break;
	case MESSAGE_SOCKETS:
		worker_take_sockets(worker, message->value != 0);
		break;
	case MESSAGE_PREPARE:
		worker_prepare(worker, message->value);
		break;
	case MESSAGE_COMMIT:
		worker_commit(worker);
		break;
	case MESSAGE_ABORT:
		worker_abort(worker);
		worker_drop_sockets(worker);
		break;
	case MESSAGE_ADOPT:
		worker_adopt(worker, message->value);
		break;
	case MESSAGE_LAST:
		worker_take_last(worker, message->value);
		break;
	case MESSAGE_FORSAKE:
		services_forsake(&worker->services);
		break;
	case MESSAGE_RETIRE:
		worker_abort(worker);
		worker_set_phase(worker, WORKER_DRAINING);
		services_retire(&worker->services, message->value);
		break;
	case MESSAGE_FORGO:
		services_forgo(&worker->services, message->value);
		break;
	case MESSAGE_LEAVE:
		worker_abort(worker);
		worker_set_phase(worker, WORKER_DRAINING);
		services_leave(&worker->services, message->value);
		break;
	case MESSAGE_RELEASE:
		services_close_leftover(&worker->services);
		(void)channel_send(&worker->channel, MESSAGE_COMMITTED, 0);
		break;
	case MESSAGE_DRAIN:
		worker_set_phase(worker, WORKER_DRAINING);
		services_drain(&worker->services, message->value,
		    worker->task->sockets->kept);
		(void)channel_send(&worker->channel, MESSAGE_EMPTIED, 0);
		break;
	case MESSAGE_CLOSE:
		services_close_doors(&worker->services);
		break;
	case MESSAGE_END:
		services_end_condemned(&worker->services);
		break;
	case MESSAGE_STOP:
		services_stop(&worker->services);
		worker_stop(worker);
		break;
	default:
		log_printf(&worker->log, LOG_LEVEL_ERROR,
		    "unknown message %u from the master",
		    (unsigned)message->type);
	}
}

static void
worker_orphaned(struct channel *channel)
{
	struct worker *worker = channel->owner;

	log_printf(&worker->log, LOG_LEVEL_ERROR,
	    "the master is gone: this worker ends");
	worker_abort(worker);
	services_stop(&worker->services);
	worker_stop(worker);
}

static const struct channel_ops worker_channel_ops = {
	.message = worker_message,
	.broken = worker_orphaned,
};

static void
worker_congested(struct services *services, bool congested)
{
	struct worker *worker = services->owner;

	(void)channel_send(&worker->channel, MESSAGE_CONGESTED, congested);
}

static void
worker_drained(struct services *services)
{
	worker_stop(services->owner);
}

static const struct services_ops worker_services_ops = {
	.congested = worker_congested,
	.drained = worker_drained,
};

static void
worker_woken(struct wake *wake)
{
	struct worker *worker = wake->owner;

	services_retry(&worker->services);
}

/* A limit that another worker waits for has fallen here. */
static void
worker_wake_other(void *arg, unsigned number)
{
	const struct worker_task *task = arg;

	if (number < task->state->shape.workers)
		wake_send(task->wake_fds[number]);
}

static int
worker_setup_services(struct worker *worker)
{
	const struct worker_task *task = worker->task;
	const struct services_config config = {
		.loop = worker->loop,
		.log = &worker->log,
		.state = task->state,
		.worker = task->number,
		.ops = &worker_services_ops,
		.owner = worker,
	};
	const struct generation_config first = {
		.number = task->generation,
		.conf = task->conf,
		.slots = task->places->services,
		.pool_slots = task->places->pools,
		.server_places = task->places->places,
		.connections_max = task->connections_max,
		.ndoors = task->sockets->n,
	};

	task->state->wake = worker_wake_other;
	task->state->wake_arg = (void *)(uintptr_t)task;
	return services_open(&worker->services, &config, &first);
}

/* A sandbox that forbids it, such as that of the shipped unit, is nothing to
 * warn of. */
static void
worker_pin(struct worker *worker)
{
	int cpu = worker->task->cpu;

	if (cpu == -1 || compat_pin_cpu((unsigned)cpu) == 0)
		return;
	log_errno(&worker->log,
	    errno == EPERM ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, errno,
	    "the worker is not pinned to CPU %d", cpu);
}

static int
worker_setup(struct worker *worker)
{
	const struct worker_task *task = worker->task;
	const char *step;

	worker_pin(worker);
	if (privileges_drop(task->identity, &step) == -1)
		return worker_fail(worker, "giving up privileges: ", step);
	worker->loop = loop_open(task->event_backend);
	if (worker->loop == NULL)
		return worker_fail(
		    worker, "opening the event backend ", task->event_backend);
	if (worker_setup_services(worker) == -1) {
		(void)worker_fail(worker, "setting up the services", "");
		goto fail_loop;
	}
	if (channel_open(&worker->channel, worker->loop, task->channel_fd,
		&worker_channel_ops, worker) == -1 ||
	    wake_open(&worker->wake, worker->loop, task->wake_fd, worker_woken,
		worker) == -1) {
		(void)worker_fail(worker, "watching the master", "");
		goto fail_services;
	}
	loop_add_hook(worker->loop, &worker->turn_end, worker_turn_end);
	timer_init(&worker->heartbeat, worker_heartbeat);
	loop_timer_repeat(
	    worker->loop, &worker->heartbeat, WORKER_HEARTBEAT_MS);
	return 0;
fail_services:
	services_close(&worker->services);
fail_loop:
	loop_close(worker->loop);
	return -1;
}

static void
worker_cleanup(struct worker *worker)
{
	worker_set_phase(worker, WORKER_NONE);
	worker_abort(worker);
	worker_drop_sockets(worker);
	loop_timer_cancel(worker->loop, &worker->heartbeat);
	loop_remove_hook(&worker->turn_end);
	services_close(&worker->services);
	wake_close(&worker->wake);
	channel_close(&worker->channel);
	loop_close(worker->loop);
	log_flush(&worker->log);
}

int
worker_run(const struct worker_task *task)
{
	struct worker *worker = mem_zalloc(sizeof(*worker));
	char title[32];
	int status;

	if (worker == NULL)
		return 1;
	worker->task = task;
	worker->shared = &task->state->workers[task->number];
	(void)snprintf(title, sizeof(title), "muxd: worker %u", task->slot);
	compat_title_set(title);
	log_open_channel(&worker->log, task->log_fd, task->conf->log.level,
	    "worker", (int)task->slot);
	worker_set_phase(worker, WORKER_STARTING);
	if (worker_setup(worker) == -1) {
		log_flush(&worker->log);
		status = child_failure(worker->error);
		mem_free(worker);
		return status;
	}
	(void)channel_send(&worker->channel, MESSAGE_READY, 0);
	if (loop_run(worker->loop) == -1)
		(void)worker_fail(worker, "waiting for events", "");
	status =
	    worker->error != 0 ? child_failure(worker->error) : EXIT_SUCCESS;
	worker_cleanup(worker);
	mem_free(worker);
	return status;
}
