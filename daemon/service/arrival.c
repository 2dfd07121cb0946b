/*
 * Arrivals: see arrival.h.
 *
 * A header is looked at where it lies in the kernel (MSG_PEEK), so that its
 * end is known before anything is taken.  Only one that comes in pieces costs
 * a buffer: what has come of it is taken out, or a level-triggered backend
 * would report it for ever.
 */
#include "service/arrival.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "net/connect.h"
#include "net/proxy.h"
#include "net/socket.h"
#include "service/admission.h"
#include "service/generation.h"
#include "service/proxied.h"
#include "service/quota.h"
#include "service/record.h"
#include "service/session.h"

struct arrival {
	struct io io;
	struct timer timer;
	struct list link; /* among the worker's, or those that wait at a door */
	struct retired retired;
	struct door *door;
	struct ledger_entry *entry;
	struct addr peer;
	struct quota_request request;
	unsigned char *header;   /* PROXY_HEADER_MAX bytes; NULL: none kept */
	size_t len;              /* of what is kept */
	struct proxied *proxied; /* NULL: the header has not come */
	uint64_t deadline_ms;    /* of waiting */
	uint64_t since_ms;       /* it waits; 0: it does not */
	struct memo_rule rule;   /* that keeps it out */
	enum reason reason;      /* it waits for */
	bool over;
};

static struct services *
arrival_services(const struct arrival *arrival)
{
	return arrival->door->service->set;
}

static void
arrival_free(struct retired *retired)
{
	mem_free(container_of(retired, struct arrival, retired));
}

/* It is a session now, or turned away. */
static void
arrival_over(struct arrival *arrival)
{
	struct services *set = arrival_services(arrival);

	arrival->over = true;
	list_remove(&arrival->link);
	loop_timer_cancel(set->loop, &arrival->timer);
	io_remove(&arrival->io);
	mem_free(arrival->header);
	loop_retire(set->loop, &arrival->retired, arrival_free);
	generation_give(arrival->door->service->generation);
}

static uint32_t
arrival_waited_ms(const struct arrival *arrival)
{
	uint64_t now = loop_now(arrival_services(arrival)->loop);

	return arrival->since_ms != 0 ? (uint32_t)(now - arrival->since_ms) : 0;
}

/* Turn it away; detail is a static text about its header, or NULL. */
static void
arrival_refuse(struct arrival *arrival, enum reason reason, const char *detail)
{
	struct services *set = arrival_services(arrival);
	const struct record_refusal refusal = {
		.client = &arrival->entry->client,
		.peer = &arrival->peer,
		.reason = reason,
		.detail = detail,
		.waited_ms = arrival_waited_ms(arrival),
		.limit = arrival->request.limit,
		.rule = arrival->rule,
	};

	arrival_over(arrival);
	admission_refuse(arrival->door, arrival->io.fd, &refusal);
	ledger_end(&set->ledger, arrival->entry);
	mem_free(arrival->proxied);
	services_session_ended(set);
}

static void
arrival_lost(struct arrival *arrival, int error)
{
	arrival_refuse(arrival,
	    error == ECONNRESET || error == EPIPE ? REASON_CLIENT_RESET
						  : REASON_CLIENT_LOST,
	    NULL);
}

/* ---- asking, and waiting for a limit ---- */

/* Everything is granted. */
static void
arrival_enter(struct arrival *arrival)
{
	struct services *set = arrival_services(arrival);

	io_remove(&arrival->io);
	list_remove(&arrival->link);
	if (session_begin(arrival->door, arrival->io.fd, arrival->entry,
		arrival->proxied, arrival_waited_ms(arrival)) == -1) {
		arrival_refuse(arrival, REASON_NO_MEMORY, NULL);
		return;
	}
	arrival_over(arrival);
	services_arrived(set);
}

/* Ask to come in.  False if it has to wait. */
static bool
arrival_ask(struct arrival *arrival)
{
	struct services *set = arrival_services(arrival);
	const struct service *service = arrival->door->service;
	enum reason reason =
	    admission_check(service, &arrival->request.peer, &arrival->rule);

	if (reason == REASON_NONE)
		reason = quota_take(service, arrival->entry, &arrival->request);
	if (reason == REASON_NONE) {
		arrival_enter(arrival);
		return true;
	}
	/* Who waits for a token keeps no place from others. */
	ledger_give_service(&set->ledger, arrival->entry);
	if (!set->draining && admission_may_wait(arrival->door, reason)) {
		arrival->reason = reason;
		return false;
	}
	arrival_refuse(arrival, reason, NULL);
	return true;
}

/* Set the timer for its time's end, or when there may be a token for it. */
static void
arrival_arm(struct arrival *arrival, uint64_t retry_ms)
{
	struct loop *loop = arrival_services(arrival)->loop;
	uint64_t now = loop_now(loop);
	uint64_t left =
	    arrival->deadline_ms > now ? arrival->deadline_ms - now : 0;

	loop_timer_set(loop, &arrival->timer,
	    retry_ms != 0 && retry_ms < left ? retry_ms : left);
}

void
arrival_retry(struct door *door)
{
	struct arrival *arrival;

	while (!list_empty(&door->arrivals)) {
		arrival =
		    container_of(door->arrivals.next, struct arrival, link);
		if (!arrival_ask(arrival)) {
			/* What it waits for the others wait for, too. */
			arrival_arm(arrival, arrival->request.retry_ms);
			return;
		}
	}
}

/* Nothing is granted: wait behind those that wait. */
static void
arrival_wait(struct arrival *arrival)
{
	struct door *door = arrival->door;
	struct loop *loop = arrival_services(arrival)->loop;

	list_remove(&arrival->link);
	list_append(&door->arrivals, &arrival->link);
	arrival->since_ms = loop_now(loop);
	arrival->deadline_ms =
	    arrival->since_ms + door->service->conf->limit.wait_timeout;
	counter_add(&door->service->counters->events[COUNTER_WAITED], 1);
	/* What it sends is the session's to read. */
	io_want(&arrival->io, 0);
	arrival_arm(arrival,
	    door->arrivals.next == &arrival->link ? arrival->request.retry_ms
						  : 0);
}

static void
arrival_timer(struct timer *timer)
{
	struct arrival *arrival = container_of(timer, struct arrival, timer);
	struct door *door = arrival->door;

	if (arrival->proxied == NULL) {
		arrival_refuse(arrival, REASON_PROXY_TIMEOUT, NULL);
		return;
	}
	arrival_retry(door);
	if (arrival->over)
		return;
	if (arrival->deadline_ms > loop_now(arrival_services(arrival)->loop)) {
		if (!timer_is_set(&arrival->timer))
			arrival_arm(arrival, 0);
		return;
	}
	arrival_refuse(arrival, arrival->reason, NULL);
	arrival_retry(door);
}

/* ---- reading the header ---- */

static struct proxied *
proxied_new(const struct arrival *arrival, const struct proxy_header *header,
    const unsigned char *data)
{
	struct proxied *proxied =
	    mem_zalloc(sizeof(*proxied) + header->tlvs_len);

	if (proxied == NULL)
		return NULL;
	proxied->peer = arrival->peer;
	proxied->dst = header->dst;
	if (header->local)
		(void)socket_local(arrival->io.fd, &proxied->dst);
	proxied->tlvs_len = header->tlvs_len;
	if (header->tlvs_len > 0)
		memcpy(proxied->tlvs, data + header->tlvs, header->tlvs_len);
	return proxied;
}

/* The header is there, and read. */
static void
arrival_told(struct arrival *arrival, const struct proxy_header *header,
    const unsigned char *data)
{
	struct services *set = arrival_services(arrival);

	arrival->proxied = proxied_new(arrival, header, data);
	if (arrival->proxied == NULL) {
		arrival_refuse(arrival, REASON_NO_MEMORY, NULL);
		return;
	}
	loop_timer_cancel(set->loop, &arrival->timer);
	mem_free(arrival->header);
	arrival->header = NULL;
	if (!header->local)
		ledger_set_client(arrival->entry, &header->src);
	arrival->request.peer = arrival->entry->client;
	/* Those that wait were here before. */
	arrival_retry(arrival->door);
	if (!arrival_ask(arrival))
		arrival_wait(arrival);
}

/* Take n bytes out of the kernel that were looked at; false if it was turned
 * away for not giving them. */
static bool
arrival_take(struct arrival *arrival, unsigned char *data, size_t n)
{
	ssize_t got;

	while (n > 0) {
		got = recv(arrival->io.fd, data, n, 0);
		if (got <= 0) {
			arrival_lost(arrival, got == 0 ? ECONNRESET : errno);
			return false;
		}
		data += got;
		n -= (size_t)got;
	}
	return true;
}

/* n bytes more of the header have come, and it is not complete. */
static void
arrival_keep(struct arrival *arrival, unsigned char *data, size_t n)
{
	const struct io *io = &arrival->io;

	if (arrival->header == NULL)
		arrival->header = mem_zalloc(PROXY_HEADER_MAX);
	if (arrival->header == NULL) {
		arrival_refuse(arrival, REASON_NO_MEMORY, NULL);
		return;
	}
	if (!arrival_take(arrival, data, n))
		return;
	memcpy(arrival->header + arrival->len, data, n);
	arrival->len += n;
	if (!io->eof && !io->hangup)
		io_drained(&arrival->io, IO_READ);
}

/* What has come: n bytes more than were kept, behind these in data. */
static void
arrival_parse(struct arrival *arrival, unsigned char *data, size_t n)
{
	struct proxy_header header;
	size_t size;

	switch (proxy_parse(data, arrival->len + n, &header, &size)) {
	case PROXY_INCOMPLETE:
		arrival_keep(arrival, data + arrival->len, n);
		break;
	case PROXY_COMPLETE:
		if (arrival_take(
			arrival, data + arrival->len, size - arrival->len))
			arrival_told(arrival, &header, data);
		break;
	case PROXY_INVALID:
		arrival_refuse(arrival, REASON_PROXY_MISSING, header.why);
		break;
	case PROXY_ABSENT:
		arrival_refuse(arrival, REASON_PROXY_MISSING, NULL);
		break;
	}
}

static void
arrival_read(struct arrival *arrival)
{
	unsigned char *data = arrival_services(arrival)->net.scratch;
	ssize_t n;

	if (arrival->len > 0)
		memcpy(data, arrival->header, arrival->len);
	n = recv(arrival->io.fd, data + arrival->len,
	    PROXY_HEADER_MAX - arrival->len, MSG_PEEK);
	if (n > 0)
		arrival_parse(arrival, data, (size_t)n);
	else if (n == 0)
		arrival_refuse(arrival, REASON_CLIENT_CLOSED, NULL);
	else if (errno == EAGAIN)
		io_drained(&arrival->io, IO_READ);
	else if (errno != EINTR)
		arrival_lost(arrival, errno);
}

static void
arrival_call(struct io *io)
{
	struct arrival *arrival = container_of(io, struct arrival, io);
	struct door *door = arrival->door;
	int error;

	if (arrival->proxied == NULL) {
		arrival_read(arrival);
		return;
	}
	/* It waits, and nothing is read: only a reset can be told. */
	error = connect_error(io->fd);
	if (error == 0)
		return;
	arrival_lost(arrival, error);
	arrival_retry(door);
}

int
arrival_begin(struct door *door, int fd, const struct addr *peer,
    struct ledger_entry *entry)
{
	const struct service *service = door->service;
	struct services *set = service->set;
	struct arrival *arrival = mem_zalloc(sizeof(*arrival));

	if (arrival == NULL)
		return -1;
	io_init(&arrival->io, fd, arrival_call, 0);
	timer_init(&arrival->timer, arrival_timer);
	arrival->door = door;
	arrival->entry = entry;
	arrival->peer = *peer;
	arrival->request.wait =
	    service->conf->limit.when_full == WHEN_FULL_WAIT;
	generation_hold(service->generation);
	list_append(&set->arrivals, &arrival->link);
	loop_timer_set(
	    set->loop, &arrival->timer, service->conf->proxy_timeout);
	/* Mostly the header comes with the connection, and the client comes
	 * in: then the loop need not know. */
	arrival_read(arrival);
	if (!arrival->over &&
	    io_add(set->loop, &arrival->io,
		arrival->proxied == NULL ? IO_READ : 0) == -1)
		arrival_refuse(arrival, REASON_NO_MEMORY, NULL);
	return 0;
}

/* ---- the end of the door, and of all ---- */

void
arrival_shed(struct door *door)
{
	struct arrival *arrival;

	while (!list_empty(&door->arrivals)) {
		arrival =
		    container_of(door->arrivals.next, struct arrival, link);
		arrival_refuse(arrival, arrival->reason, NULL);
	}
}

static void
arrival_end_condemned_of(struct services *set, struct list *list)
{
	struct list *node, *next;
	struct arrival *arrival;

	for (node = list->next; node != list; node = next) {
		next = node->next;
		arrival = container_of(node, struct arrival, link);
		if (ledger_is_condemned(&set->ledger, arrival->entry))
			arrival_refuse(arrival, REASON_ADMIN, NULL);
	}
}

void
arrival_end_condemned(struct services *set)
{
	struct generation *generation;
	struct list *node;
	size_t i;

	arrival_end_condemned_of(set, &set->arrivals);
	for (node = set->generations.next; node != &set->generations;
	     node = node->next) {
		generation = container_of(node, struct generation, link);
		for (i = 0; i < generation->ndoors; i++)
			arrival_end_condemned_of(
			    set, &generation->doors[i].arrivals);
	}
}

unsigned
arrival_end_all(struct services *set, enum reason reason)
{
	struct arrival *arrival;
	unsigned n = 0;

	while (!list_empty(&set->arrivals)) {
		arrival =
		    container_of(set->arrivals.next, struct arrival, link);
		arrival_refuse(arrival, reason, NULL);
		n++;
	}
	return n;
}
