/*
 * Finding a server for a client, and reaching it.
 *
 *              ┌──────── full ───────► QUEUED ──queue_timeout──► end
 *              │                         │ room
 *   start ──► pick ◄─────────────────────┘
 *              │  ▲
 *              ▼  └── failed, retries left, another server ──┐
 *          CONNECTING ──refused, time-out, …─────────────────┴──► end
 *              │
 *              └──► joined
 *
 * No byte of the client has been read before it is joined, so each attempt
 * is as good as the first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/connect.h"
#include "service/relay.h"
#include "service/record.h"
#include "service/relay_failure.h"

/* What is needed only until the server is reached. */
struct relay_start {
	struct relay *relay;
	struct pool_waiter waiter;
	struct pool_tried tried;
	uint64_t queued_at_ms; /* since when it waits */
	enum reason reason;    /* why the last attempt failed */
	int error;
};

static struct services *
relay_services(const struct relay *relay)
{
	return relay->session->door->service->set;
}

static struct pool *
relay_pool(const struct relay *relay)
{
	return relay->session->door->service->pool;
}

/* Whether the place still has the address that was connected to: what became
 * of that says nothing of another one. */
static bool
relay_same_address(const struct relay *relay)
{
	return addr_compare(&relay->addr, &relay->picked->addr) == 0;
}

/* Keep a word about it, for muxctl explain. */
static void
relay_note_failure(struct relay *relay, int error)
{
	char text[RECORD_FAILURES_MAX];
	char *note;

	(void)snprintf(text, sizeof(text), "%s%s%s: %s",
	    relay->failures != NULL ? relay->failures : "",
	    relay->failures != NULL ? "; " : "", relay->picked->shared->name,
	    strerror(error));
	note = mem_strndup(text, strlen(text));
	if (note == NULL)
		return;
	mem_free(relay->failures);
	relay->failures = note;
}

/* The attempt has failed: give everything of it back. */
static void
relay_attempt_over(struct relay *relay, int error, const char *option)
{
	struct relay_start *start = relay->start;
	struct services *set = relay_services(relay);

	if (relay->opened)
		stream_close(&relay->server);
	relay->opened = false;
	if (relay_same_address(relay))
		pool_connect_failed(relay->picked, error);
	ledger_give_server(&set->ledger, relay->session->entry);
	pool_tried_add(&start->tried, relay->picked);
	if (relay_services(relay)->conf->log.remember)
		relay_note_failure(relay, error);
	start->error = error;
	start->reason = relay_reason_of_connect(error);
	relay_log_failure(relay->session->door, relay->picked, &relay->addr,
	    error, option, relay->attempts);
}

/* One attempt at the picked server.  False when it has failed already. */
static bool
relay_attempt(struct relay *relay)
{
	const struct server *server = relay->picked;
	struct net *net = &relay_services(relay)->net;
	enum connect_result result;
	const char *option = NULL;
	int fd, rc;

	relay->attempts++;
	relay->addr = server->addr;
	result = connect_stream(&relay->addr, server->conf->target.host,
	    &server->pool->connect, &fd, &option);
	if (result == CONNECT_FAILED) {
		relay_attempt_over(relay, errno, option);
		return false;
	}
	if (result == CONNECT_DONE)
		rc = stream_open(&relay->server, net, fd, &relay_server_ops,
		    NET_SCRATCH_SIZE);
	else
		rc = stream_connect(&relay->server, net, fd, &relay_server_ops,
		    NET_SCRATCH_SIZE);
	if (rc == -1) {
		rc = errno;
		(void)close(fd);
		relay_attempt_over(relay, rc, NULL);
		return false;
	}
	relay->opened = true;
	if (result == CONNECT_DONE) {
		relay_connected(&relay->server);
		return true;
	}
	session_set_phase(relay->session, SESSION_CONNECTING);
	session_set_deadline(relay->session,
	    server->pool->conf->connect_timeout, REASON_CONNECT_TIMEOUT);
	return true;
}

/* Nobody can be tried: turn the client away, with a reset. */
static void
relay_give_up(struct relay *relay, enum pool_verdict verdict)
{
	const struct relay_start *start = relay->start;
	enum reason reason =
	    verdict == POOL_LOOP ? REASON_SERVER_LOOP : REASON_NO_SERVER;

	if (relay->attempts > 0)
		reason = start->reason;
	session_abort(
	    relay->session, reason, relay->attempts > 0 ? start->error : 0);
}

/* All servers are full. */
static void
relay_queue(struct relay *relay)
{
	struct pool *pool = relay_pool(relay);
	struct session *session = relay->session;

	if (session->phase == SESSION_QUEUED)
		return;
	if (!pool_wait(pool, &relay->start->waiter, session->entry)) {
		session_abort(session, REASON_QUEUE_FULL, 0);
		return;
	}
	relay->start->queued_at_ms = loop_now(relay_services(relay)->loop);
	session_set_phase(session, SESSION_QUEUED);
	session_set_deadline(
	    session, pool->conf->queue_timeout, REASON_QUEUE_TIMEOUT);
}

uint32_t
relay_queued_ms(const struct relay *relay)
{
	return (uint32_t)(loop_now(relay_services(relay)->loop) -
	    relay->start->queued_at_ms);
}

static void
relay_leave_queue(struct relay *relay)
{
	if (relay->session->phase != SESSION_QUEUED)
		return;
	relay->queued_ms += relay_queued_ms(relay);
	pool_unwait(
	    relay_pool(relay), &relay->start->waiter, relay->session->entry);
	relay->session->phase = SESSION_CONNECTING;
	session_set_deadline(relay->session, 0, REASON_NONE);
}

/* Attempt after attempt, until one is under way or there is nobody left. */
static void
relay_try(struct relay *relay)
{
	struct pool *pool = relay_pool(relay);
	struct relay_start *start = relay->start;
	enum pool_verdict verdict;
	struct server *server;

	do {
		if (relay->attempts > pool->conf->retries ||
		    (relay->attempts > 0 && !relay_may_retry(start->reason))) {
			relay_give_up(relay, POOL_NONE);
			return;
		}
		verdict = pool_pick(pool, relay->session->entry, &start->tried,
		    pool->conf->queue > 0, &server);
		if (verdict == POOL_FULL) {
			relay_queue(relay);
			return;
		}
		if (verdict != POOL_PICKED) {
			relay_give_up(relay, verdict);
			return;
		}
		relay->picked = server;
		relay->choice = pool->choice;
		relay_leave_queue(relay);
	} while (!relay_attempt(relay));
}

static void
relay_room(struct pool_waiter *waiter)
{
	struct relay_start *start =
	    container_of(waiter, struct relay_start, waiter);

	relay_try(start->relay);
}

void
relay_start(struct relay *relay)
{
	relay->start = mem_zalloc(sizeof(*relay->start));
	if (relay->start == NULL) {
		session_abort(relay->session, REASON_NO_MEMORY, ENOMEM);
		return;
	}
	relay->start->relay = relay;
	relay->start->waiter.call = relay_room;
	list_init(&relay->start->waiter.link);
	stream_pause(&relay->session->client);
	relay->session->phase = SESSION_CONNECTING;
	relay_try(relay);
}

void
relay_start_deadline(struct relay *relay)
{
	if (relay->session->phase == SESSION_QUEUED)
		session_abort(relay->session, REASON_QUEUE_TIMEOUT, 0);
	else
		relay_connect_failed(relay, ETIMEDOUT);
}

void
relay_connect_failed(struct relay *relay, int error)
{
	session_set_deadline(relay->session, 0, REASON_NONE);
	relay_attempt_over(relay, error, NULL);
	relay_try(relay);
}

void
relay_connected(struct stream *stream)
{
	struct relay *relay = container_of(stream, struct relay, server);
	struct session *session = relay->session;

	if (connect_is_self(stream->io.fd, &relay->addr)) {
		relay_connect_failed(relay, ELOOP);
		return;
	}
	if (relay_same_address(relay))
		pool_connected(relay->picked);
	relay->connect_ms = (uint32_t)(loop_now(relay_services(relay)->loop) -
	    session->started_ms);
	relay_start_over(relay);
	relay->joined = true;
	relay_joined(relay);
}

void
relay_start_over(struct relay *relay)
{
	if (relay->start == NULL)
		return;
	if (!list_empty(&relay->start->waiter.link))
		pool_unwait(relay_pool(relay), &relay->start->waiter,
		    relay->session->entry);
	mem_free(relay->start);
	relay->start = NULL;
}
