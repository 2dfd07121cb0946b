/*
 * The life of requests: when one may begin, and what is counted in the end.
 */
#include <stdio.h>
#include <string.h>

#include "load_run_common.h"

/* Failures that are told one by one; the rest is in the counts. */
enum { COMPLAINTS = 5 };

/* ---- beginning -----------------------------------------------------------*/

/* When request k of the open loop is due.  A double has 53 bits: enough for
 * nanoseconds of a hundred days. */
static uint64_t
due_ns(const struct load_run *run, uint64_t k)
{
	return run->schedule_ns + (uint64_t)((double)k * run->interval_ns);
}

static bool
is_open_loop(const struct load_run *run)
{
	return run->options->rate.count != 0;
}

/* Whether requests of the closed loop may begin. */
static bool
may_begin(const struct load_run *run)
{
	return run->phase == LOAD_WARMUP || run->phase == LOAD_MEASURE;
}

/* A connection for one request: any of them may take the next one. */
static bool
take_shared(struct load_run *run, uint64_t now_ns, uint64_t *start_ns)
{
	if (is_open_loop(run)) {
		if (run->waiting == 0)
			return false;
		run->waiting--;
		*start_ns = due_ns(run, run->taken++);
	} else {
		if (!may_begin(run))
			return false;
		if (run->phase == LOAD_MEASURE && run->options->requests != 0) {
			if (run->left == 0)
				return false;
			run->left--;
		}
		*start_ns = now_ns;
	}
	run->outstanding++;
	return true;
}

static bool
take_from_lane(struct load_conn *conn, uint64_t *start_ns)
{
	struct load_run *run = conn->run;

	if (conn->due == 0)
		return false;
	conn->due--;
	run->waiting--;
	*start_ns = due_ns(run, conn->taken++ * run->nlanes + conn->lane);
	return true;
}

static bool
take_own(struct load_conn *conn, uint64_t now_ns, uint64_t *start_ns)
{
	struct load_run *run = conn->run;

	if (!conn->active || !may_begin(run))
		return false;
	if (run->phase == LOAD_MEASURE && run->options->requests != 0) {
		if (conn->quota == 0)
			return false;
		conn->quota--;
		run->left--;
	}
	*start_ns = now_ns;
	return true;
}

bool
load_take(struct load_conn *conn, uint64_t now_ns, uint64_t *start_ns)
{
	struct load_run *run = conn->run;

	if (conn->state == LOAD_CONNECTED) {
		conn->state = LOAD_GREETING;
		*start_ns = now_ns;
	} else if (conn->state != LOAD_UP || run->options->one_shot) {
		return false;
	} else if (is_open_loop(run)) {
		if (!take_from_lane(conn, start_ns))
			return false;
	} else if (!take_own(conn, now_ns, start_ns)) {
		return false;
	}
	run->outstanding++;
	return true;
}

void
load_open(struct load_conn *conn, uint64_t now_ns)
{
	struct load_run *run = conn->run;

	if (run->phase == LOAD_DONE)
		return;
	if (!run->options->one_shot || conn->waits)
		run->driver->open(conn, now_ns);
	else if (take_shared(run, now_ns, &conn->start_ns))
		run->driver->open(conn, now_ns);
	else if (is_open_loop(run))
		list_append(&run->spare, &conn->link);
}

void
load_pump_all(struct load_run *run, uint64_t now_ns)
{
	struct load_conn *conn;
	unsigned i;

	for (i = 0; i < run->options->connections; i++) {
		conn = run->driver->conn(run, i);
		if (conn->state == LOAD_UP)
			run->driver->pump(conn, now_ns);
		else if (run->options->one_shot && conn->state == LOAD_DOWN &&
		    list_empty(&conn->link))
			load_open(conn, now_ns);
	}
}

/* One more request is due. */
static void
release_one(struct load_run *run, uint64_t now_ns)
{
	struct load_conn *conn;
	struct list *node;

	run->waiting++;
	if (run->options->one_shot) {
		if ((node = list_shift(&run->spare)) != NULL)
			load_open(
			    container_of(node, struct load_conn, link), now_ns);
	} else {
		conn = run->lanes[run->released % run->nlanes];
		conn->due++;
		if (conn->state == LOAD_UP)
			run->driver->pump(conn, now_ns);
	}
	run->released++;
}

void
load_release_due(struct load_run *run, uint64_t now_ns)
{
	uint64_t at_ns;

	while (run->released < run->limit) {
		at_ns = due_ns(run, run->released);
		if (at_ns >= run->end_ns)
			return;
		if (at_ns > now_ns) {
			load_alarm_set(&run->alarm, at_ns);
			return;
		}
		release_one(run, now_ns);
	}
}

bool
load_all_released(const struct load_run *run)
{
	return !is_open_loop(run) || run->released >= run->limit ||
	    due_ns(run, run->released) >= run->end_ns;
}

uint64_t
load_first_due(const struct load_run *run, uint64_t now_ns)
{
	uint64_t at_ns = now_ns;

	if (is_open_loop(run))
		at_ns = due_ns(run, run->released);
	return at_ns < now_ns ? at_ns : now_ns;
}

void
load_make_lanes(struct load_run *run)
{
	unsigned i, active = run->options->active;
	struct load_conn *conn;

	for (i = 0; i < run->options->connections; i++) {
		conn = run->driver->conn(run, i);
		if (conn->state == LOAD_DEAD || run->nlanes == active)
			continue;
		conn->active = true;
		conn->lane = run->nlanes;
		run->lanes[run->nlanes++] = conn;
	}
}

void
load_deal_requests(struct load_run *run)
{
	uint64_t total = run->options->requests;
	unsigned i;

	if (is_open_loop(run)) {
		run->limit = run->released + total;
		return;
	}
	run->left = total;
	for (i = 0; i < run->nlanes; i++)
		run->lanes[i]->quota =
		    total / run->nlanes + (i < total % run->nlanes);
}

/* ---- ending --------------------------------------------------------------*/

/* Whether a request counts: what began in time, where that says what is due;
 * else what was answered in time. */
static bool
is_measured(const struct load_run *run, uint64_t start_ns, uint64_t now_ns)
{
	if (is_open_loop(run) || run->options->requests != 0)
		return start_ns >= run->begin_ns && start_ns < run->end_ns;
	return run->phase == LOAD_MEASURE && now_ns <= run->end_ns;
}

static void
settle(struct load_conn *conn)
{
	if (!conn->settled && !conn->run->options->one_shot)
		conn->run->settled++;
	conn->settled = true;
}

static void
greeted(struct load_conn *conn)
{
	conn->state = LOAD_UP;
	settle(conn);
}

void
load_connected(struct load_conn *conn, uint64_t now_ns)
{
	struct load_run *run = conn->run;

	conn->state = run->phase == LOAD_OPENING && !conn->settled
	    ? LOAD_CONNECTED
	    : LOAD_UP;
	run->driver->pump(conn, now_ns);
}

void
load_answered(struct load_conn *conn, uint64_t start_ns, uint64_t now_ns)
{
	struct load_run *run = conn->run;

	run->outstanding--;
	run->answer_ns = now_ns;
	run->counts.answers++;
	if (conn->state == LOAD_GREETING) {
		greeted(conn);
		return;
	}
	if (is_measured(run, start_ns, now_ns)) {
		run->counts.requests++;
		load_histogram_add(
		    &run->latency, now_ns > start_ns ? now_ns - start_ns : 0);
	}
}

void
load_lost(struct load_conn *conn, uint64_t start_ns)
{
	struct load_run *run = conn->run;

	run->outstanding--;
	if (conn->state == LOAD_GREETING)
		greeted(conn);
	else if (start_ns >= run->begin_ns && start_ns < run->end_ns)
		run->counts.lost++;
}

void
load_error(struct load_conn *conn, const char *what, int error)
{
	conn->run->counts.errors++;
	load_complain(conn, what, error);
}

void
load_mismatch(struct load_conn *conn, const char *what)
{
	conn->run->counts.mismatches++;
	load_complain(conn, what, 0);
}

void
load_broken(
    struct load_conn *conn, unsigned requests, const char *what, int error)
{
	struct load_run *run = conn->run;

	run->outstanding -= requests;
	run->counts.errors += requests != 0 ? requests : 1;
	if (conn->state == LOAD_CONNECTING)
		run->counts.connect_errors++;
	if (what != NULL)
		load_complain(conn, what, error);
	conn->waits = false;
	list_remove(&conn->link);
	if (run->phase == LOAD_OPENING) {
		settle(conn);
		conn->state = LOAD_DEAD;
		run->dead++;
		return;
	}
	conn->state = LOAD_DOWN;
	load_retry_later(conn);
}

void
load_wait(struct load_conn *conn)
{
	conn->waits = true;
	load_retry_later(conn);
}

void
load_reopen(struct load_conn *conn)
{
	struct load_run *run = conn->run;

	/* Not before the end of the turn: see stream_close(). */
	conn->state = LOAD_DOWN;
	list_append(&run->again, &conn->link);
}

const struct endpoint *
load_next_endpoint(struct load_conn *conn, struct addr *source)
{
	struct load_run *run = conn->run;
	const struct load_options *options = run->options;
	uint64_t turn = run->turn++;

	conn->endpoint = (uint32_t)(turn % options->nendpoints);
	memset(source, 0, sizeof(*source));
	if (options->nsources != 0)
		*source = options->sources[turn / options->nendpoints %
		    options->nsources];
	return &options->endpoints[conn->endpoint];
}

void
load_complain(struct load_conn *conn, const char *what, int error)
{
	struct load_run *run = conn->run;
	char address[ENDPOINT_STRLEN];

	if (run->options->quiet || run->complaints > COMPLAINTS)
		return;
	if (run->complaints++ == COMPLAINTS) {
		fputs("muxload: more of these are counted only\n", stderr);
		return;
	}
	fprintf(stderr, "muxload: %s#%u: %s%s%s\n",
	    endpoint_format(&run->options->endpoints[conn->endpoint], address,
		sizeof(address)),
	    conn->index + 1, what, error != 0 ? ": " : "",
	    error != 0 ? strerror(error) : "");
}
