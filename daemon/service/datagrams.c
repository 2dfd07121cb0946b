/*
 * Datagrams of the services: see datagrams.h for what is never answered.
 */
#include "service/datagrams.h"

#include <string.h>

#include "service/admission.h"
#include "service/handler.h"
#include "state/sources.h"

#define PORT_PRIVILEGED 1024 /* IPPORT_RESERVED: ports below are servers' */

static struct door *
door_of_dgram(struct dgram *dgram)
{
	return container_of(dgram, struct gate, dgram)->door;
}

/* What a server sends may be asked from a server's port: of DNS from 53. */
static bool
datagram_is_guarded(
    const struct service *service, const struct dgram_message *message)
{
	bool relayed = service->handler->datagrams != NULL;

	return (message->peer.port < PORT_PRIVILEGED &&
		   (!relayed || message->peer.port == 0)) ||
	    message->many || addr_is_multicast(&message->peer) ||
	    services_udp_port(service->set, message->peer.port);
}

static bool
datagram_is_limited(const struct door *door, const struct addr *peer)
{
	const struct service *service = door->service;
	struct services *set = service->set;
	struct rate rate = service->conf->limit.source_datagram_rate;

	if (rate.count == 0)
		return false;
	return sources_rate(set->state, &set->ledger.author, service->slot + 1,
		   peer, SOURCE_DATAGRAMS, rate,
		   loop_now(set->loop)) != SOURCE_TAKEN;
}

/* What keeps a datagram from the handler, or COUNTER_EVENTS. */
static enum counter
datagram_verdict(const struct door *door, const struct dgram_message *message)
{
	if (message->truncated)
		return COUNTER_DATAGRAMS_TRUNCATED;
	if (datagram_is_guarded(door->service, message))
		return COUNTER_DATAGRAMS_GUARDED;
	/* Who is relayed is asked once, when the session begins. */
	if (door->service->handler->datagrams == NULL &&
	    admission_check(door->service, &message->peer, NULL) != REASON_NONE)
		return COUNTER_DATAGRAMS_DENIED;
	if (datagram_is_limited(door, &message->peer))
		return COUNTER_DATAGRAMS_LIMITED;
	return COUNTER_EVENTS;
}

static void
datagram_answer(struct service *service, struct dgram_message *message)
{
	service->handler->datagram(service, message);
	/* Whatever a handler does, muxd amplifies nothing. */
	if (message->reply_len > message->len) {
		message->reply_len = 0;
		counter_add(
		    &service->counters->events[COUNTER_DATAGRAMS_GUARDED], 1);
	}
}

static void
datagrams_received(
    struct dgram *dgram, struct dgram_message *messages, size_t n)
{
	struct door *door = door_of_dgram(dgram);
	struct service *service = door->service;
	_Atomic uint64_t *events = service->counters->events;
	enum counter verdict;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		bytes += messages[i].len;
		if (messages[i].len == 0)
			counter_add(&events[COUNTER_DATAGRAMS_EMPTY], 1);
		verdict = datagram_verdict(door, &messages[i]);
		messages[i].dropped = verdict != COUNTER_EVENTS;
		if (messages[i].dropped)
			counter_add(&events[verdict], 1);
		else if (service->handler->datagram != NULL)
			datagram_answer(service, &messages[i]);
	}
	counter_add(&events[COUNTER_DATAGRAMS_IN], n);
	counter_add(&events[COUNTER_BYTES_IN], bytes);
	if (service->handler->datagrams != NULL)
		service->handler->datagrams(door, messages, n);
}

static void
datagrams_sent(struct dgram *dgram, size_t n, size_t bytes, size_t unsent)
{
	struct service *service = door_of_dgram(dgram)->service;
	_Atomic uint64_t *events = service->counters->events;

	counter_add(&events[COUNTER_DATAGRAMS_OUT], n);
	counter_add(&events[COUNTER_BYTES_OUT], bytes);
	if (unsent > 0)
		counter_add(&events[COUNTER_DATAGRAMS_UNSENT], unsent);
}

static void
datagrams_failed(struct dgram *dgram, int error)
{
	struct door *door = door_of_dgram(dgram);
	struct services *set = door->service->set;
	struct log_record record;
	uint64_t left_out;

	if (!log_limit_pass(&door->errors, loop_now(set->loop), &left_out))
		return;
	log_record_begin(&record, LOG_LEVEL_WARNING, "a UDP socket failed");
	log_record_str(&record, "service", door->service->conf->name);
	log_record_str(&record, "listener", door->name);
	log_record_str(&record, "error", strerror(error));
	if (left_out > 0)
		log_record_uint(&record, "left_out", left_out);
	log_emit(set->log, &record);
}

const struct dgram_ops datagrams_ops = {
	.datagrams = datagrams_received,
	.sent = datagrams_sent,
	.failed = datagrams_failed,
};
