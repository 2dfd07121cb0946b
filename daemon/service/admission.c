/*
 * Admission: see admission.h for the rules, and quota.h for the limits.
 */
#include "service/admission.h"

#include <string.h>

#include "base/clock.h"
#include "base/compat.h"
#include "net/socket.h"
#include "service/arrival.h"
#include "service/gate.h"
#include "service/quota.h"
#include "service/session.h"
#include "state/bans.h"

/* Clients turned away in one turn when the first of a queue is overdue. */
#define SHED_BUDGET 64

/* A client that asks to come in. */
struct applicant {
	int fd;
	uint64_t since_ms; /* when it came */
	struct quota_request request;
	struct memo_rule rule; /* that keeps it out */
};

static struct door *
door_of_listener(struct listener *listener)
{
	return container_of(listener, struct gate, listener)->door;
}

static bool
door_waits(const struct door *door)
{
	return door->service->conf->limit.when_full == WHEN_FULL_WAIT;
}

/* The rule of the lists that keeps the address out; MEMO_RULE_NONE. */
static struct memo_rule
admission_rule(const struct conf_service *conf, const struct addr *addr)
{
	struct memo_rule rule = { .kind = MEMO_RULE_NONE };
	size_t i;

	for (i = 0; i < conf->ndeny; i++) {
		if (!prefix_match(&conf->deny[i], addr))
			continue;
		rule.kind = MEMO_RULE_DENY;
		rule.prefix = conf->deny[i];
		return rule;
	}
	if (conf->nallow == 0 || addr->family == ADDR_NONE ||
	    addr->family == ADDR_UNIX)
		return rule;
	for (i = 0; i < conf->nallow; i++)
		if (prefix_match(&conf->allow[i], addr))
			return rule;
	rule.kind = MEMO_RULE_NOT_ALLOW;
	return rule;
}

enum reason
admission_judge(const struct state *state, const struct conf_service *conf,
    const struct addr *addr, uint64_t now_ms, struct memo_rule *rule)
{
	struct memo_rule found = { .kind = MEMO_RULE_BAN };
	enum reason reason = REASON_BANNED;

	if (state_node_order(state) == NODE_REFUSING) {
		found.kind = MEMO_RULE_NONE;
		reason = REASON_DRAINING;
	} else if (!bans_match(state, addr, now_ms, &found.prefix)) {
		found = admission_rule(conf, addr);
		reason =
		    found.kind == MEMO_RULE_NONE ? REASON_NONE : REASON_DENIED;
	}
	if (rule != NULL)
		*rule = found;
	return reason;
}

enum reason
admission_check(const struct service *service, const struct addr *addr,
    struct memo_rule *rule)
{
	const struct services *set = service->set;

	return admission_judge(
	    set->state, service->conf, addr, loop_now(set->loop), rule);
}

bool
admission_must_tell(const struct conf_service *conf, const struct addr *peer)
{
	size_t i;

	for (i = 0; i < conf->naccept_proxy; i++)
		if (prefix_match(&conf->accept_proxy[i], peer))
			return true;
	return false;
}

static uint32_t
applicant_waited_ms(const struct door *door, const struct applicant *who)
{
	return (uint32_t)(loop_now(door->service->set->loop) - who->since_ms);
}

/* Let a client in that has its entry. */
static enum reason
admission_enter(
    struct door *door, struct applicant *who, struct ledger_entry *entry)
{
	bool tells =
	    admission_must_tell(door->service->conf, &who->request.peer);
	enum reason reason;
	int result;

	reason = tells
	    ? quota_take_total(door->service, entry, who->request.wait)
	    : quota_take(door->service, entry, &who->request);
	if (reason != REASON_NONE)
		return reason;
	result = tells ? arrival_begin(door, who->fd, &who->request.peer, entry)
		       : session_begin(door, who->fd, entry, NULL,
			     applicant_waited_ms(door, who));
	return result == -1 ? REASON_NO_MEMORY : REASON_NONE;
}

/* Let the client in, or say why not; then nothing is held for it. */
static enum reason
admission_try(struct door *door, struct applicant *who)
{
	struct services *set = door->service->set;
	struct ledger_entry *entry;
	enum reason reason;

	who->request.retry_ms = 0;
	entry = ledger_begin(&set->ledger, door->service->slot,
	    &who->request.peer, clock_wall_us());
	if (entry == NULL) {
		services_ledger_full(set);
		return REASON_WORKER_FULL;
	}
	reason = admission_enter(door, who, entry);
	if (reason != REASON_NONE)
		ledger_end(&set->ledger, entry);
	return reason;
}

void
admission_refuse(
    struct door *door, int fd, const struct record_refusal *refusal)
{
	socket_reset(fd);
	counter_add(&door->service->counters->ended[refusal->reason], 1);
	record_refused_limited(door, refusal);
}

/* The same for one that has told nothing of itself. */
static void
admission_refuse_applicant(
    struct door *door, const struct applicant *who, enum reason reason)
{
	const struct record_refusal refusal = {
		.client = &who->request.peer,
		.reason = reason,
		.waited_ms = applicant_waited_ms(door, who),
		.limit = who->request.limit,
		.rule = who->rule,
	};

	admission_refuse(door, who->fd, &refusal);
}

bool
admission_waits(const struct conf_service *conf, enum reason reason)
{
	return conf->limit.when_full == WHEN_FULL_WAIT &&
	    (reason == REASON_SERVICE_FULL || reason == REASON_DAEMON_FULL ||
		reason == REASON_SERVICE_RATE);
}

bool
admission_may_wait(const struct door *door, enum reason reason)
{
	return reason == REASON_WORKER_FULL ||
	    admission_waits(door->service->conf, reason);
}

/* Set the timer for whatever comes first: the waiter's retry or its end. */
static void
admission_arm(struct door *door)
{
	const struct door_waiter *waiter = &door->waiter;
	struct loop *loop = door->service->set->loop;
	uint64_t due = waiter->deadline_ms, now = loop_now(loop);

	if (waiter->retry_ms != 0 && waiter->retry_ms < due)
		due = waiter->retry_ms;
	loop_timer_set(loop, &door->timer, due > now ? due - now : 0);
}

/*
 * Make the client the door's waiter.  behind: it stood behind a waiter whose
 * time is over; where the system does not tell how long a client has been
 * there (UNIX sockets), its time is over too.  False when that is so.
 */
static bool
admission_park(struct door *door, const struct applicant *who,
    enum reason reason, bool behind)
{
	struct door_waiter *waiter = &door->waiter;
	uint64_t timeout = door->service->conf->limit.wait_timeout;
	uint64_t now = loop_now(door->service->set->loop);
	int64_t age = compat_tcp_silence_ms(who->fd);
	uint64_t waited = age >= 0 ? (uint64_t)age : behind ? timeout : 0;

	if (waited >= timeout)
		return false;
	waiter->fd = who->fd;
	waiter->peer = who->request.peer;
	waiter->rate_paid = who->request.rate_paid;
	waiter->reason = reason;
	waiter->limit = who->request.limit;
	waiter->since_ms = now - waited;
	waiter->deadline_ms = now + timeout - waited;
	waiter->retry_ms =
	    who->request.retry_ms != 0 ? now + who->request.retry_ms : 0;
	counter_add(&door->service->counters->events[COUNTER_WAITED], 1);
	gates_pause(door);
	admission_arm(door);
	return true;
}

/* At a door that no later turn asks again, nobody can wait: its address is
 * gone with a reload.  Where the queue is emptied, several may ask at once. */
static bool
admission_can_park(const struct door *door)
{
	const struct services *set = door->service->set;

	return !set->draining && door->waiter.fd == -1 &&
	    door->service->generation == set->current;
}

/* Ask for a client at the door.  paid: it has paid its source's rate.  False
 * when it has become the waiter. */
static bool
admission_ask(
    struct door *door, int fd, const struct addr *peer, bool paid, bool behind)
{
	struct applicant who = {
		.fd = fd,
		.since_ms = loop_now(door->service->set->loop),
		.request = {
			.peer = *peer,
			.wait = door_waits(door),
			.rate_paid = paid,
		},
	};
	enum reason reason = REASON_NONE;

	/* Those that wait were here before. */
	arrival_retry(door);
	if (!admission_must_tell(door->service->conf, peer))
		reason = admission_check(door->service, peer, &who.rule);
	if (reason == REASON_NONE)
		reason = admission_try(door, &who);
	if (reason == REASON_NONE)
		return true;
	if (admission_can_park(door) && admission_may_wait(door, reason) &&
	    admission_park(door, &who, reason, behind))
		return false;
	admission_refuse_applicant(door, &who, reason);
	return true;
}

/* The same for one that has just come. */
static bool
admission_admit(struct door *door, int fd, const struct addr *peer, bool behind)
{
	counter_add(&door->service->counters->events[COUNTER_ACCEPTED], 1);
	return admission_ask(door, fd, peer, false, behind);
}

/* The waiter is gone: take those behind it whose time is over too, until one
 * waits or the queue is empty. */
static void
admission_next(struct door *door, bool behind)
{
	struct addr peer;
	unsigned n;
	int fd;

	/* That of a worker that is retired is others' affair. */
	for (n = 0; n < SHED_BUDGET && door->gate != NULL; n++) {
		fd = listener_accept_one(&door->gate->listener, &peer);
		if (fd == -1)
			break;
		if (!admission_admit(door, fd, &peer, behind))
			return;
	}
	gates_resume(door);
}

static void
admission_retry_waiter(struct door *door)
{
	struct door_waiter *waiter = &door->waiter;
	uint64_t now = loop_now(door->service->set->loop);
	struct applicant who = {
		.fd = waiter->fd,
		.since_ms = waiter->since_ms,
		.request = {
			.peer = waiter->peer,
			.wait = door_waits(door),
			.rate_paid = waiter->rate_paid,
		},
	};
	enum reason reason;

	if (waiter->fd == -1)
		return;
	reason = admission_try(door, &who);
	if (reason == REASON_NONE) {
		waiter->fd = -1;
		loop_timer_cancel(door->service->set->loop, &door->timer);
		gates_resume(door);
		return;
	}
	waiter->rate_paid = who.request.rate_paid;
	waiter->reason = reason;
	waiter->limit = who.request.limit;
	waiter->retry_ms =
	    who.request.retry_ms != 0 ? now + who.request.retry_ms : 0;
	if (admission_may_wait(door, reason) && now < waiter->deadline_ms) {
		admission_arm(door);
		return;
	}
	waiter->fd = -1;
	loop_timer_cancel(door->service->set->loop, &door->timer);
	admission_refuse_applicant(door, &who, reason);
	admission_next(door, true);
}

void
admission_retry(struct door *door)
{
	arrival_retry(door);
	admission_retry_waiter(door);
}

static void
admission_timer(struct timer *timer)
{
	struct door *door = container_of(timer, struct door, timer);

	admission_retry(door);
	services_waiter_gone(door->service->set);
}

void
admission_init(struct door *door)
{
	door->waiter.fd = -1;
	list_init(&door->arrivals);
	timer_init(&door->timer, admission_timer);
}

void
admission_move(struct door *from, struct door *to)
{
	struct door_waiter *waiter = &from->waiter;
	int fd = waiter->fd;

	if (fd == -1)
		return;
	loop_timer_cancel(from->service->set->loop, &from->timer);
	waiter->fd = -1;
	if (admission_ask(to, fd, &waiter->peer, waiter->rate_paid, false))
		gates_resume(to);
}

void
admission_close(struct door *door)
{
	struct door_waiter *waiter = &door->waiter;
	const struct applicant who = {
		.fd = waiter->fd,
		.since_ms = waiter->since_ms,
		.request = { .peer = waiter->peer, .limit = waiter->limit },
	};

	arrival_shed(door);
	loop_timer_cancel(door->service->set->loop, &door->timer);
	if (waiter->fd == -1)
		return;
	admission_refuse_applicant(door, &who, waiter->reason);
	waiter->fd = -1;
}

static void
admission_accepted(struct listener *listener, int fd, const struct addr *peer)
{
	(void)admission_admit(door_of_listener(listener), fd, peer, false);
}

static void
admission_failed(struct listener *listener, int error, bool starved)
{
	struct door *door = door_of_listener(listener);
	struct services *set = door->service->set;
	struct log_record record;
	uint64_t left_out;

	if (starved)
		services_congested(set, true);
	if (!log_limit_pass(&door->errors, loop_now(set->loop), &left_out))
		return;
	log_record_begin(&record, LOG_LEVEL_WARNING,
	    starved ? "accepting is suspended: the system is short of"
		      " descriptors or memory"
		    : "cannot accept a connection");
	log_record_str(&record, "service", door->service->conf->name);
	log_record_str(&record, "listener", door->name);
	log_record_str(&record, "error", strerror(error));
	if (left_out > 0)
		log_record_uint(&record, "left_out", left_out);
	log_emit(set->log, &record);
}

static void
admission_recovered(struct listener *listener)
{
	struct door *door = door_of_listener(listener);
	struct log_record record;

	services_congested(door->service->set, false);
	log_record_begin(&record, LOG_LEVEL_NOTICE, "accepting goes on");
	log_record_str(&record, "service", door->service->conf->name);
	log_record_str(&record, "listener", door->name);
	log_emit(door->service->set->log, &record);
}

const struct listener_ops admission_listener_ops = {
	.accepted = admission_accepted,
	.failed = admission_failed,
	.recovered = admission_recovered,
};
