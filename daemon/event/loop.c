/*
 * The turns of the loop.  It never frees what a callback of the same turn may
 * still hold, and never sleeps while somebody is on the ready list.
 */
#include "event/loop.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "event/backend.h"

struct loop *
loop_open_with(const struct event_backend *backend, uint64_t (*clock)(void))
{
	struct loop *loop;
	int error;

	if ((loop = mem_zalloc(sizeof(*loop))) == NULL)
		return NULL;
	loop->backend = backend;
	loop->clock = clock;
	list_init(&loop->ready);
	list_init(&loop->hooks);
	if (backend->open(loop) == -1) {
		error = errno;
		mem_free(loop);
		errno = error;
		return NULL;
	}
	loop->now_ms = clock();
	timer_wheel_init(&loop->wheel, loop->now_ms);
	return loop;
}

bool
loop_has_backend(const char *name)
{
	return strcmp(name, "auto") == 0 || event_backend_find(name) != NULL;
}

struct loop *
loop_open(const char *name)
{
	const struct event_backend *backend;
	struct loop *loop = NULL;

	if (strcmp(name, "auto") != 0) {
		if ((backend = event_backend_find(name)) == NULL) {
			errno = ENOENT;
			return NULL;
		}
		return loop_open_with(backend, clock_mono_ms);
	}
	for (size_t i = 0; event_backends[i] != NULL && loop == NULL; i++)
		loop = loop_open_with(event_backends[i], clock_mono_ms);
	return loop;
}

static void
loop_free_retired(struct loop *loop)
{
	struct retired *retired;

	while ((retired = loop->retired) != NULL) {
		loop->retired = retired->next;
		retired->free(retired);
	}
}

void
loop_close(struct loop *loop)
{
	if (loop == NULL)
		return;
	loop_free_retired(loop);
	loop->backend->close(loop);
	mem_free(loop);
}

/* How long the backend may sleep. */
static int
loop_timeout(const struct loop *loop, int max_wait_ms)
{
	int64_t wait_ms;

	if (!list_empty(&loop->ready))
		return 0;
	wait_ms = timer_wheel_wait_ms(&loop->wheel, loop->now_ms);
	if (wait_ms == -1 || (max_wait_ms >= 0 && wait_ms > max_wait_ms))
		return max_wait_ms;
	return wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}

/* Call everybody who is on the list now; who comes back meanwhile, or anew,
 * waits for the next turn. */
static int
loop_call_ready(struct loop *loop)
{
	struct list ready, *link;
	struct io *io;
	int calls = 0;

	list_init(&ready);
	list_splice(&ready, &loop->ready);
	while ((link = list_shift(&ready)) != NULL) {
		io = container_of(link, struct io, link);
		if (io->hangup)
			io->hangup_told = true;
		io->call(io);
		calls++;
		if (io_callable(io) && list_empty(&io->link))
			list_append(&loop->ready, &io->link);
	}
	return calls;
}

static void
loop_call_hooks(struct loop *loop)
{
	struct list hooks, *link;

	if (list_empty(&loop->hooks))
		return;
	list_init(&hooks);
	list_splice(&hooks, &loop->hooks);
	while ((link = list_shift(&hooks)) != NULL) {
		list_append(&loop->hooks, link);
		container_of(link, struct loop_hook, link)
		    ->call(container_of(link, struct loop_hook, link));
	}
}

int
loop_turn(struct loop *loop, int max_wait_ms)
{
	int calls;

	if (loop->backend->wait(loop, loop_timeout(loop, max_wait_ms)) == -1)
		return -1;
	loop->turns++;
	loop->now_ms = loop->clock();
	timer_wheel_advance(&loop->wheel, loop->now_ms);
	calls = loop_call_ready(loop);
	loop_call_hooks(loop);
	loop_free_retired(loop);
	return calls;
}

int
loop_run(struct loop *loop)
{
	int result = 0;

	while (!loop->stopped && result != -1)
		result = loop_turn(loop, -1);
	loop->stopped = false;
	return result == -1 ? -1 : 0;
}

void
loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

void
loop_update_clock(struct loop *loop)
{
	loop->now_ms = loop->clock();
}

void
loop_timer_set(struct loop *loop, struct timer *timer, uint64_t delay_ms)
{
	timer->interval_ms = 0;
	timer_wheel_set(&loop->wheel, timer, loop->now_ms + delay_ms);
}

void
loop_timer_repeat(struct loop *loop, struct timer *timer, uint32_t interval_ms)
{
	timer->interval_ms = interval_ms == 0 ? 1 : interval_ms;
	timer_wheel_set(&loop->wheel, timer, loop->now_ms + timer->interval_ms);
}

void
loop_timer_cancel(struct loop *loop, struct timer *timer)
{
	timer_wheel_cancel(&loop->wheel, timer);
}

void
loop_retire(
    struct loop *loop, struct retired *retired, void (*free)(struct retired *))
{
	retired->free = free;
	retired->next = loop->retired;
	loop->retired = retired;
}

void
loop_add_hook(
    struct loop *loop, struct loop_hook *hook, void (*call)(struct loop_hook *))
{
	hook->call = call;
	list_append(&loop->hooks, &hook->link);
}

void
loop_remove_hook(struct loop_hook *hook)
{
	list_remove(&hook->link);
}

void
loop_expect_forks(struct loop *loop)
{
	loop->forks = true;
}

const char *
loop_backend_name(const struct loop *loop)
{
	return loop->backend->name;
}

bool
loop_tells_hangup(const struct loop *loop)
{
	return loop->backend->tells_hangup;
}

const char *
loop_error_hint(const struct loop *loop, int error)
{
	return error == EMFILE ? loop->backend->hint : NULL;
}
