/*
 * The flows of a worker: see flows.h.
 */
#include "service/flows.h"

#include <string.h>

#include "base/mem.h"
#include "service/generation.h"

/* Ended in one turn, so that others get theirs. */
#define EXPIRY_BUDGET 256

/* In so many steps all flows are looked at for being old. */
#define PROGRESS_STEPS 64

static void flows_expire(struct timer *timer);
static void flows_progress(struct timer *timer);

static void
flows_turn_end(struct loop_hook *hook)
{
	dgram_relay_flush(container_of(hook, struct flows, turn_end)->relay);
}

static struct flows *
flows_open(struct services *set)
{
	struct flows *flows = mem_zalloc(sizeof(*flows));

	if (flows == NULL)
		return NULL;
	flows->set = set;
	flows->relay = dgram_relay_new();
	if (flows->relay == NULL)
		goto fail;
	if (flow_table_open(&flows->table, set->state->shape.sessions) == -1)
		goto fail_relay;
	timer_init(&flows->expiry, flows_expire);
	timer_init(&flows->progress, flows_progress);
	loop_add_hook(set->loop, &flows->turn_end, flows_turn_end);
	return flows;
fail_relay:
	dgram_relay_free(flows->relay);
fail:
	mem_free(flows);
	return NULL;
}

void
flows_close(struct flows *flows)
{
	if (flows == NULL)
		return;
	loop_remove_hook(&flows->turn_end);
	loop_timer_cancel(flows->set->loop, &flows->expiry);
	loop_timer_cancel(flows->set->loop, &flows->progress);
	flow_table_close(&flows->table);
	dgram_relay_free(flows->relay);
	mem_free(flows);
}

static bool
service_has_datagrams(const struct conf_service *conf)
{
	size_t i;

	for (i = 0; i < conf->nlisten; i++)
		if (conf->listen[i].transport == TRANSPORT_UDP)
			return true;
	return false;
}

int
flows_setup(struct service *service)
{
	struct services *set = service->set;
	unsigned rank;

	if (!service_has_datagrams(service->conf))
		return 0;
	if (set->flows == NULL)
		set->flows = flows_open(set);
	if (set->flows == NULL)
		return -1;
	service->flows = mem_zalloc(sizeof(*service->flows));
	if (service->flows == NULL)
		return -1;
	for (rank = 0; rank < FLOW_RANKS; rank++)
		list_init(&service->flows->ranks[rank]);
	return 0;
}

void
flows_teardown(struct service *service)
{
	mem_free(service->flows);
	service->flows = NULL;
}

/* One after the other all services that may have flows, of all generations;
 * before is NULL for the first one, and the result behind the last. */
static struct service *
flows_next(const struct flows *flows, const struct service *before)
{
	const struct list *head = &flows->set->generations, *node;
	struct generation *generation;
	size_t i = 0;

	node = head->next;
	if (before != NULL) {
		node = &before->generation->link;
		i = (size_t)(before - before->generation->items) + 1;
	}
	for (; node != head; node = node->next, i = 0) {
		generation = container_of(node, struct generation, link);
		for (; i < generation->nitems; i++)
			if (generation->items[i].flows != NULL)
				return &generation->items[i];
	}
	return NULL;
}

/* ---- the order of their last activity ---- */

static struct list *
flow_list(const struct flow *flow)
{
	return &flow_door(flow)->service->flows->ranks[flow->rank];
}

/* The one that is idle for the longest time. */
static struct flow *
queue_head(const struct flow_queue *queue, unsigned rank)
{
	const struct list *list = &queue->ranks[rank];

	return list_empty(list) ? NULL
				: container_of(list->next, struct flow, link);
}

static uint64_t
flow_due(const struct flow *flow)
{
	const struct service *service = flow_door(flow)->service;
	uint64_t idle = service->pool->conf->udp.idle_timeout;

	if (service->set->leaving && idle > FLOW_LEAVING_MS)
		idle = FLOW_LEAVING_MS;
	return flow->active_ms + idle;
}

/* Have the timer look again no later than then. */
static void
flows_arm(struct flows *flows, uint64_t due)
{
	uint64_t now = loop_now(flows->set->loop);

	if (timer_is_set(&flows->expiry) && flows->expiry.due_ms <= due)
		return;
	loop_timer_set(
	    flows->set->loop, &flows->expiry, due > now ? due - now : 0);
}

/* While there are flows. */
static void
flows_arm_progress(struct flows *flows)
{
	uint64_t interval = flows->set->conf->log.progress;

	if (interval != 0 && !timer_is_set(&flows->progress))
		loop_timer_set(flows->set->loop, &flows->progress,
		    interval / PROGRESS_STEPS);
}

void
flows_add(struct flows *flows, struct flow *flow)
{
	flow_table_insert(&flows->table, &flow->node);
	list_append(flow_list(flow), &flow->link);
	flows->n++;
	flows_arm(flows, flow_due(flow));
	flows_arm_progress(flows);
}

void
flows_touch(struct flows *flows, struct flow *flow)
{
	uint64_t now = loop_now(flows->set->loop);

	/* Among those of the same millisecond any order will do. */
	if (flow->active_ms == now)
		return;
	flow->active_ms = now;
	list_remove(&flow->link);
	list_append(flow_list(flow), &flow->link);
}

void
flows_promote(struct flow *flow, enum flow_rank rank)
{
	list_remove(&flow->link);
	flow->rank = rank & 3;
	list_append(flow_list(flow), &flow->link);
}

void
flows_remove(struct flows *flows, struct flow *flow)
{
	flow_table_remove(&flows->table, &flow->node);
	list_remove(&flow->link);
	flows->n--;
}

/* End those of a list whose time is over, up to the budget; false when that
 * is used up. */
static bool
flows_expire_list(
    struct flows *flows, struct flow_queue *queue, unsigned rank, unsigned *n)
{
	uint64_t now = loop_now(flows->set->loop);
	struct flow *flow;

	while (
	    (flow = queue_head(queue, rank)) != NULL && flow_due(flow) <= now) {
		if ((*n)++ == EXPIRY_BUDGET)
			return false;
		flow_end(flow, REASON_IDLE_TIMEOUT, flow->error);
	}
	if (flow != NULL)
		flows_arm(flows, flow_due(flow));
	return true;
}

static void
flows_expire(struct timer *timer)
{
	struct flows *flows = container_of(timer, struct flows, expiry);
	struct service *service = NULL;
	unsigned rank, n = 0;

	while ((service = flows_next(flows, service)) != NULL) {
		for (rank = 0; rank < FLOW_RANKS; rank++) {
			if (flows_expire_list(flows, service->flows, rank, &n))
				continue;
			flows_arm(flows, 0);
			return;
		}
	}
}

/* ---- records of those that take long ---- */

static void
flow_look_at_age(const struct flow *flow)
{
	uint64_t interval = flow_door(flow)->service->timeouts.progress;

	if (interval != 0 && flow_now(flow) - flow->started_ms >= interval)
		flow_tell_progress(flow);
}

/* A part of the table at a time: each flow has its turn once in the interval,
 * and need not remember when. */
static void
flows_progress(struct timer *timer)
{
	struct flows *flows = container_of(timer, struct flows, progress);
	const struct flow_table *table = &flows->table;
	size_t n = ((size_t)table->mask + 1) / PROGRESS_STEPS;
	size_t from = flows->step++ % PROGRESS_STEPS * n, i;
	const struct flow_node *node;

	if (flows->n == 0)
		return;
	for (i = from; i < from + n; i++)
		for (node = table->buckets[i]; node != NULL; node = node->next)
			flow_look_at_age(
			    container_of(node, const struct flow, node));
	flows_arm_progress(flows);
}

void
flows_hurry(struct flows *flows)
{
	if (flows != NULL)
		flows_arm(flows, 0);
}

/* ---- what comes in ---- */

/* How many of n messages in a row are of the same client as the first. */
static size_t
messages_in_row(const struct dgram_message *messages, size_t n)
{
	size_t i;

	for (i = 1; i < n && !messages[i].dropped; i++)
		if (memcmp(&messages[i].peer, &messages[0].peer,
			sizeof(messages[0].peer)) != 0 ||
		    memcmp(&messages[i].local, &messages[0].local,
			sizeof(messages[0].local)) != 0)
			break;
	return i;
}

/* The flow of the client that has sent a row of n datagrams, maybe a new one;
 * NULL: they must be dropped. */
static struct flow *
flows_find(struct flows *flows, struct door *door,
    const struct dgram_message *message, size_t n)
{
	const struct flow_key key = {
		.gate = door->gate->id,
		.peer = message->peer,
		.local = message->local,
	};
	uint32_t hash = flow_table_hash(&flows->table, &key);
	struct flow_node *node = flow_table_find(&flows->table, &key, hash);

	if (node == NULL)
		return flow_begin(door, &key, hash, n);
	return container_of(node, struct flow, node);
}

void
flows_datagrams(
    struct door *door, const struct dgram_message *messages, size_t n)
{
	struct flows *flows = door->service->set->flows;
	struct flow *flow;
	size_t i, row;

	for (i = 0; i < n; i += row) {
		row = 1;
		if (messages[i].dropped)
			continue;
		row = messages_in_row(messages + i, n - i);
		flow = flows_find(flows, door, &messages[i], row);
		if (flow != NULL)
			flow_forward(flow, messages + i, row);
	}
}

/* ---- who must go ---- */

/* Of the services in question, the flow that is idle for the longest time. */
static struct flow *
flows_oldest(
    const struct flows *flows, const struct service *service, unsigned rank)
{
	struct flow *oldest = NULL, *flow;
	struct service *one = NULL;

	while ((one = flows_next(flows, one)) != NULL) {
		/* It is the same one before and after a reload. */
		if (service != NULL && service->slot != one->slot)
			continue;
		flow = queue_head(one->flows, rank);
		if (flow != NULL &&
		    (oldest == NULL || flow->active_ms < oldest->active_ms))
			oldest = flow;
	}
	return oldest;
}

bool
flows_evict(struct flows *flows, const struct service *service)
{
	static const uint64_t moments[] = {
		[FLOW_UNANSWERED] = FLOW_MOMENT_UNANSWERED_MS,
		[FLOW_ANSWERED] = FLOW_MOMENT_ANSWERED_MS,
	};
	uint64_t now = loop_now(flows->set->loop);
	struct flow *flow;
	unsigned rank;

	for (rank = 0; rank < FLOW_RANKS; rank++) {
		flow = flows_oldest(flows, service, rank);
		if (flow == NULL)
			continue;
		if (now - flow->active_ms < moments[rank])
			return false;
		flow_end(flow, REASON_EVICTED, 0);
		return true;
	}
	return false;
}

void
flows_flush(struct flows *flows)
{
	if (flows != NULL)
		dgram_relay_flush(flows->relay);
}

uint64_t
flows_end_all(struct flows *flows, enum reason reason)
{
	struct service *service = NULL;
	uint64_t n = 0;
	struct flow *flow;
	unsigned rank;

	if (flows == NULL)
		return 0;
	while ((service = flows_next(flows, service)) != NULL) {
		for (rank = 0; rank < FLOW_RANKS; rank++) {
			while (
			    (flow = queue_head(service->flows, rank)) != NULL) {
				flow_end(flow, reason, 0);
				n++;
			}
		}
	}
	return n;
}

/* End those of a list for which is() holds. */
static void
flows_end_list(struct list *list,
    bool (*is)(const struct flow *flow, const void *arg), const void *arg,
    enum reason reason)
{
	struct list *node, *next;
	struct flow *flow;

	for (node = list->next; node != list; node = next) {
		next = node->next;
		flow = container_of(node, struct flow, link);
		if (is(flow, arg))
			flow_end(flow, reason, 0);
	}
}

static void
flows_end_where(struct flows *flows,
    bool (*is)(const struct flow *flow, const void *arg), const void *arg,
    enum reason reason)
{
	struct service *service = NULL;
	unsigned rank;

	if (flows == NULL)
		return;
	while ((service = flows_next(flows, service)) != NULL)
		for (rank = 0; rank < FLOW_RANKS; rank++)
			flows_end_list(
			    &service->flows->ranks[rank], is, arg, reason);
}

static bool
flow_is_of_gate(const struct flow *flow, const void *arg)
{
	const struct gate *gate = arg;

	return flow->node.key.gate == gate->id;
}

void
flows_end_gate(struct flows *flows, const struct gate *gate, enum reason reason)
{
	flows_end_where(flows, flow_is_of_gate, gate, reason);
}

static bool
flow_is_condemned(const struct flow *flow, const void *arg)
{
	const struct flows *flows = arg;

	return ledger_is_condemned(&flows->set->ledger, flow->entry);
}

void
flows_end_condemned(struct flows *flows)
{
	flows_end_where(flows, flow_is_condemned, flows, REASON_ADMIN);
}
