/*
 * Sessions: see session.h for their phases.
 *
 * This file is the hot path between a stream and its handler.  For each
 * message it stores two counters and calls the handler; it takes no clock,
 * sets no timer and allocates nothing.  The one timer of a session is looked
 * at when it expires, and is then set for whatever time-out comes next.
 */
#include "service/session.h"

#include <errno.h>

#include "base/mem.h"
#include "service/generation.h"
#include "service/guard.h"
#include "service/handler.h"
#include "service/proxied.h"
#include "service/record.h"

static const char *const phase_names[] = {
	[SESSION_QUEUED] = "queued",
	[SESSION_CONNECTING] = "connecting",
	[SESSION_OPEN] = "open",
	[SESSION_HALF_CLOSED] = "half_closed",
	[SESSION_CLOSING] = "closing",
	[SESSION_LINGERING] = "lingering",
};

static struct session *
session_of_stream(struct stream *stream)
{
	return container_of(stream, struct session, client);
}

/* How long the session may last; the share of it that is left to chance is
 * the session's for good. */
static uint64_t
session_lifetime(const struct session *session)
{
	const struct service_timeouts *timeouts =
	    &session->door->service->timeouts;
	uint64_t id =
	    atomic_load_explicit(&session->entry->id, memory_order_relaxed);
	uint64_t chance = id * UINT64_C(0x9e3779b97f4a7c15) >> 32;
	uint64_t most = timeouts->lifetime / 100 * timeouts->lifetime_jitter;

	return timeouts->lifetime - (most != 0 ? chance % (most + 1) : 0);
}

/* How long the session may be silent; 0: for ever. */
static uint64_t
session_idle(const struct session *session, enum reason *reason)
{
	const struct service_timeouts *timeouts =
	    &session->door->service->timeouts;

	*reason = REASON_IDLE_TIMEOUT;
	switch (session->phase) {
	case SESSION_QUEUED:
	case SESSION_CONNECTING:
	case SESSION_LINGERING:
		return 0;
	case SESSION_HALF_CLOSED:
		if (timeouts->half_close != 0 &&
		    (timeouts->idle == 0 ||
			timeouts->half_close < timeouts->idle)) {
			*reason = REASON_HALF_CLOSE_TIMEOUT;
			return timeouts->half_close;
		}
		return timeouts->idle;
	default:
		return timeouts->idle;
	}
}

static void
session_free(struct retired *retired)
{
	struct session *session =
	    container_of(retired, struct session, retired);

	mem_free(session->proxied);
	mem_free(session);
}

static uint64_t
session_active(const struct session *session)
{
	const struct handler *handler = session->door->service->handler;

	return handler->active != NULL ? handler->active(session)
				       : session->client.active_ms;
}

/*
 * When the next time-out is due, and how the session ends then.  0: there is
 * none.
 */
static uint64_t
session_next_due(const struct session *session, enum reason *reason)
{
	const struct service_timeouts *timeouts =
	    &session->door->service->timeouts;
	enum reason silent;
	uint64_t due = 0, at, idle = session_idle(session, &silent);

	if (session->deadline_ms != 0) {
		due = session->deadline_ms;
		*reason = session->deadline_reason;
	}
	if (idle != 0) {
		at = session_active(session) + idle;
		if (due == 0 || at < due) {
			due = at;
			*reason = silent;
		}
	}
	/* One that relays counts from when it begins to read. */
	if (timeouts->first_byte != 0 && session->phase == SESSION_OPEN &&
	    !session->door->service->handler->full_duplex &&
	    !conf_handlers[session->door->service->handler->kind]
		 .speaks_first &&
	    counter_read(&session->entry->bytes_in) == 0) {
		at = session->started_ms + timeouts->first_byte;
		if (due == 0 || at < due) {
			due = at;
			*reason = REASON_FIRST_BYTE_TIMEOUT;
		}
	}
	if (timeouts->lifetime != 0) {
		at = session->started_ms + session_lifetime(session);
		if (due == 0 || at < due) {
			due = at;
			*reason = REASON_LIFETIME;
		}
	}
	return due;
}

/* When the next record of a long session is due; 0: never. */
static uint64_t
session_next_progress(const struct session *session, uint64_t now)
{
	uint64_t interval = session->door->service->timeouts.progress;
	uint64_t age = now - session->started_ms;

	if (interval == 0)
		return 0;
	return session->started_ms + (age / interval + 1) * interval;
}

/* Have the timer look again no later than the next time-out. */
static void
session_arm(struct session *session)
{
	struct loop *loop = session->door->service->set->loop;
	enum reason reason;
	uint64_t due = session_next_due(session, &reason);
	uint64_t now = loop_now(loop);
	uint64_t progress = session_next_progress(session, now);

	if (due == 0 || (progress != 0 && progress < due))
		due = progress;
	if (due == 0)
		return;
	if (timer_is_set(&session->timer) && session->timer.due_ms <= due)
		return;
	loop_timer_set(loop, &session->timer, due > now ? due - now : 0);
}

static void session_tell_progress(const struct session *session);

static void
session_timer(struct timer *timer)
{
	struct session *session = container_of(timer, struct session, timer);
	const struct service *service = session->door->service;
	uint64_t age = timer->due_ms - session->started_ms;
	enum reason reason = REASON_NONE;
	uint64_t due = session_next_due(session, &reason);

	if (due != 0 && due <= loop_now(service->set->loop)) {
		if (due == session->deadline_ms && session_is_live(session) &&
		    service->handler->deadline != NULL) {
			session->deadline_ms = 0;
			service->handler->deadline(session);
			if (session->over)
				return;
		} else {
			session_end(session, reason, 0);
			return;
		}
	}
	/* It is set for these times to the millisecond, so nothing else need
	 * be remembered of them. */
	if (service->timeouts.progress != 0 && age != 0 &&
	    age % service->timeouts.progress == 0)
		session_tell_progress(session);
	session_arm(session);
}

void
session_count_in(struct session *session, size_t len)
{
	struct counters *counters = session->door->service->counters;

	counter_add(&session->entry->bytes_in, len);
	counter_add(&counters->events[COUNTER_BYTES_IN], len);
}

void
session_count_out(struct session *session, size_t len)
{
	struct counters *counters = session->door->service->counters;

	counter_add(&session->entry->bytes_out, len);
	counter_add(&counters->events[COUNTER_BYTES_OUT], len);
}

static void
session_stream_data(
    struct stream *stream, const unsigned char *data, size_t len)
{
	struct session *session = session_of_stream(stream);
	const struct handler *handler = session->door->service->handler;

	session_count_in(session, len);
	if (!session_is_live(session))
		return;
	if (session->guarded && !guard_pass(session, data, len))
		return;
	handler->data(session, data, len);
	if (!session->over && stream_is_full(stream) && !handler->full_duplex)
		stream_pause(stream);
}

/* Everything is sent and our direction is shut down: wait for the client's
 * FIN, if it has not come. */
static void
session_linger(struct session *session)
{
	if (session->client.ended) {
		session_end(session, session->finish_reason, 0);
		return;
	}
	session->phase = SESSION_LINGERING;
	session->deadline_ms =
	    loop_now(session->door->service->set->loop) + SESSION_LINGER_MS;
	session->deadline_reason = session->finish_reason;
	stream_resume(&session->client);
	session_arm(session);
}

static void
session_stream_readable(struct stream *stream)
{
	struct session *session = session_of_stream(stream);

	session->door->service->handler->readable(session);
}

static void
session_stream_end(struct stream *stream)
{
	struct session *session = session_of_stream(stream);
	const struct handler *handler = session->door->service->handler;

	if (session->guarded && session_is_live(session)) {
		guard_release(session);
		if (session->over)
			return;
	}
	if (session->phase == SESSION_LINGERING)
		session_end(session, session->finish_reason, 0);
	else if (session->phase == SESSION_CLOSING)
		return; /* the queue decides */
	else if (handler->end != NULL)
		handler->end(session);
	else
		session_finish(session, REASON_CLIENT_CLOSED);
}

static void
session_stream_writable(struct stream *stream)
{
	struct session *session = session_of_stream(stream);
	const struct handler *handler = session->door->service->handler;

	if (session->phase == SESSION_CLOSING) {
		if (stream->finished)
			session_linger(session);
		return;
	}
	if (!stream_is_full(stream) && !handler->full_duplex)
		stream_resume(stream);
	if (handler->writable != NULL)
		handler->writable(session);
}

static enum reason
session_reason_of(const struct session *session, int error)
{
	/* After the last byte was sent, how the client leaves is its affair;
	 * and who has said FIN and then closes is no surprise either. */
	if (session->phase == SESSION_LINGERING)
		return session->finish_reason;
	switch (error) {
	case ECONNRESET:
	case EPIPE:
		return session->client.ended ? REASON_CLIENT_CLOSED
					     : REASON_CLIENT_RESET;
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
		return REASON_CLIENT_LOST;
	case ENOMEM:
	case ENOBUFS:
		return REASON_NO_MEMORY;
	default:
		return REASON_INTERNAL;
	}
}

static void
session_stream_failed(struct stream *stream, int error)
{
	struct session *session = session_of_stream(stream);

	session_end(session, session_reason_of(session, error), error);
}

static const struct stream_ops session_stream_ops = {
	.data = session_stream_data,
	.readable = session_stream_readable,
	.end = session_stream_end,
	.writable = session_stream_writable,
	.failed = session_stream_failed,
};

int
session_begin(struct door *door, int fd, struct ledger_entry *entry,
    struct proxied *proxied, uint32_t waited_ms)
{
	struct service *service = door->service;
	struct services *set = service->set;
	struct session *session =
	    mem_zalloc(sizeof(*session) + service->handler->size);

	if (session == NULL)
		return -1;
	if (service->handler->size != 0)
		session->data = session + 1;
	session->phase = SESSION_OPEN;
	session->door = door;
	session->entry = entry;
	session->proxied = proxied;
	session->waited_ms = waited_ms;
	session->guarded = proxied == NULL && service->conf->naccept_proxy > 0;
	session->started_ms = loop_now(set->loop);
	list_init(&session->link);
	timer_init(&session->timer, session_timer);
	if (stream_open(&session->client, &set->net, fd, &session_stream_ops,
		service->read_max) == -1)
		goto fail;
	generation_hold(service->generation);
	list_append(&set->sessions, &session->link);
	counter_add(&service->counters->events[COUNTER_SESSIONS], 1);
	if (service->handler->open != NULL)
		service->handler->open(session);
	if (!session->over)
		session_arm(session);
	return 0;
fail:
	mem_free(session);
	return -1;
}

void
session_write(struct session *session, const void *data, size_t len)
{
	session_count_out(session, len);
	(void)stream_write(&session->client, data, len);
}

void
session_write_lent(struct session *session, const void *head, size_t head_len,
    const void *body, size_t body_len)
{
	session_count_out(session, head_len + body_len);
	(void)stream_write_lent(
	    &session->client, head, head_len, body, body_len);
}

size_t
session_write_some(struct session *session, const void *data, size_t len)
{
	ssize_t n = stream_write_some(&session->client, data, len);

	if (n <= 0)
		return 0;
	session_count_out(session, (size_t)n);
	return (size_t)n;
}

void
session_set_deadline(
    struct session *session, uint64_t delay_ms, enum reason reason)
{
	session->deadline_ms = 0;
	if (delay_ms == 0)
		return;
	session->deadline_ms =
	    loop_now(session->door->service->set->loop) + delay_ms;
	session->deadline_reason = (uint8_t)reason;
	session_arm(session);
}

void
session_set_phase(struct session *session, enum session_phase phase)
{
	session->phase = (uint8_t)phase;
	session_arm(session);
}

void
session_finish(struct session *session, enum reason reason)
{
	if (session->over || !session_is_live(session))
		return;
	if (session->client.ended && stream_is_flushed(&session->client)) {
		session_end(session, reason, 0);
		return;
	}
	session->phase = SESSION_CLOSING;
	session->finish_reason = (uint8_t)reason;
	session->deadline_ms = 0;
	stream_produce(&session->client, false);
	/* What the client says now must not keep alive what it does not
	 * read. */
	stream_pause(&session->client);
	stream_finish(&session->client);
	if (session->client.finished)
		session_linger(session);
}

/* Take the bytes that never reached the kernel off the counts. */
static void
session_uncount_unsent(struct session *session)
{
	uint64_t unsent = session->client.out.len;
	struct counters *counters = session->door->service->counters;

	counter_add(&session->entry->bytes_out, -unsent);
	counter_add(&counters->events[COUNTER_BYTES_OUT], -unsent);
}

static struct record_end
session_describe(const struct session *session, enum reason reason, int error)
{
	const struct service *service = session->door->service;
	struct record_end end = {
		.service = service->conf->name,
		.listener = session->door->name,
		.phase = phase_names[session->phase],
		.duration_ms =
		    loop_now(service->set->loop) - session->started_ms,
		.reason = reason,
		.error = error,
		.peer =
		    session->proxied != NULL ? &session->proxied->peer : NULL,
		.waited_ms = session->waited_ms,
	};

	if (session->door->endpoint.transport == TRANSPORT_TCP &&
	    record_asks_kernel(&service->set->conf->log, reason))
		end.client_told =
		    tcp_stats_read(session->client.io.fd, &end.client);
	if (service->handler->describe != NULL)
		service->handler->describe(session, &end);
	return end;
}

static void
session_tell_progress(const struct session *session)
{
	const struct services *set = session->door->service->set;
	struct record_end end = session_describe(session, REASON_NONE, 0);

	if (set->conf->log.access)
		record_progress(set->log, session->entry, &end);
}

static void
session_end_with(struct session *session, enum reason reason, int error,
    void (*close_stream)(struct stream *))
{
	struct service *service = session->door->service;
	struct services *set = service->set;
	struct record_end end;

	if (session->over)
		return;
	session->over = true;
	end = session_describe(session, reason, error);
	session_uncount_unsent(session);
	if (service->handler->close != NULL)
		service->handler->close(session);
	counter_add(&service->counters->ended[reason], 1);
	if (record_is_wanted(&set->conf->log))
		record_session(set->log, &set->conf->log, session->entry, &end);
	loop_timer_cancel(set->loop, &session->timer);
	if (session->cut_off)
		close_stream = stream_reset;
	close_stream(&session->client);
	list_remove(&session->link);
	ledger_end(&set->ledger, session->entry);
	loop_retire(set->loop, &session->retired, session_free);
	generation_give(service->generation);
	services_session_ended(set);
}

void
session_end(struct session *session, enum reason reason, int error)
{
	session_end_with(session, reason, error, stream_close);
}

void
session_abort(struct session *session, enum reason reason, int error)
{
	session_end_with(session, reason, error, stream_reset);
}
