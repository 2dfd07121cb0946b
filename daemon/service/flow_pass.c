/*
 * What passes through a flow, either way.
 *
 * Nothing here takes a clock, sets a timer, or allocates.
 */
#include <errno.h>

#include "net/proxy.h"
#include "service/flow.h"
#include "service/flows.h"

/* Batches of answers that one flow may have in a turn. */
#define TURN_BATCHES 2

/* The PROXY header of version 2 with IPv6 addresses and nothing else. */
#define HEAD_MAX 52

static struct flows *
flow_flows(const struct flow *flow)
{
	return flow_door(flow)->service->set->flows;
}

/* Whether the error of a system call is the server's, or one on the way to
 * it, and no lack of this host. */
static bool
is_servers_error(int error)
{
	return dgram_error_is_pending(error) && error != EMSGSIZE;
}

/* The PROXY header that each datagram begins with; its length, 0: none. */
static size_t
flow_head(const struct flow *flow, unsigned char head[HEAD_MAX])
{
	struct proxy_out out = {
		.src = flow->node.key.peer,
		.dst = flow->node.key.local,
		.dgram = true,
	};

	if (flow_pool(flow)->conf->proxy_protocol == PROXY_NONE)
		return 0;
	return proxy_write_v2(head, HEAD_MAX, &out);
}

static void
flow_count_in(struct flow *flow, const struct dgram_message *messages, size_t n,
    const struct dgram_sent *sent)
{
	const struct service *service = flow_door(flow)->service;
	_Atomic uint64_t *server = flow->server->counters->events;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < n; i++)
		bytes += messages[i].len;
	counter_add(&flow->entry->bytes_in, bytes);
	flow->in += sent->n;
	counter_add(&server[SERVER_COUNTER_DATAGRAMS_TO], sent->n);
	counter_add(&server[SERVER_COUNTER_BYTES_TO], sent->bytes);
	if (sent->left > 0)
		counter_add(
		    &service->counters->events[COUNTER_DATAGRAMS_UNSENT],
		    sent->left);
}

void
flow_forward(struct flow *flow, const struct dgram_message *messages, size_t n)
{
	struct flows *flows = flow_flows(flow);
	unsigned char head[HEAD_MAX];
	struct dgram_sent sent = { 0 };

	dgram_relay_forward(flows->relay, flow->io.fd, messages, n, head,
	    flow_head(flow, head), &sent);
	flow_count_in(flow, messages, n, &sent);
	flows_touch(flows, flow);
	if (is_servers_error(sent.error))
		flow_failed(flow, sent.error);
	else if (!flow->reached && flow->error == 0 && flow_was_patient(flow))
		flow_reached(flow);
}

static void
flow_count_out(struct flow *flow, const struct dgram_came *came)
{
	const struct service *service = flow_door(flow)->service;
	_Atomic uint64_t *server = flow->server->counters->events;

	flow->out += came->n;
	counter_add(&flow->entry->bytes_out, came->bytes);
	counter_add(&server[SERVER_COUNTER_DATAGRAMS_FROM], came->n);
	counter_add(&server[SERVER_COUNTER_BYTES_FROM], came->bytes);
	if (came->truncated > 0)
		counter_add(
		    &service->counters->events[COUNTER_DATAGRAMS_TRUNCATED],
		    came->truncated);
}

/* The server has answered, which may have been all. */
static void
flow_answered(struct flow *flow, const struct dgram_came *came)
{
	uint64_t responses = flow_pool(flow)->conf->udp.responses;

	flow_count_out(flow, came);
	flows_touch(flow_flows(flow), flow);
	if (!flow->reached || flow->error != 0)
		flow_reached(flow);
	if (flow->rank == FLOW_UNANSWERED) {
		flow->connect_ms =
		    (uint32_t)(flow_now(flow) - flow->started_ms);
		flows_promote(flow, FLOW_ANSWERED);
	}
	if (responses != 0 && flow->out / responses >= flow->in)
		flow_end(flow, REASON_RESPONDED, 0);
}

/* Receiving has failed.  Whether to go on with it. */
static bool
flow_not_received(struct flow *flow, int error)
{
	const struct server *server = flow->server;

	if (error == EINTR)
		return true;
	if (is_servers_error(error)) {
		flow_failed(flow, error);
		/* The socket to another server has yet to become ready. */
		return !flow->over && flow->server == server;
	}
	io_drained(&flow->io, IO_READ);
	return false;
}

void
flow_call(struct io *io)
{
	struct flow *flow = container_of(io, struct flow, io);
	const struct dgram_path path = {
		.through = &flow_door(flow)->gate->dgram,
		.peer = &flow->node.key.peer,
		.local = &flow->node.key.local,
	};
	struct dgram_relay *relay = flow_flows(flow)->relay;
	struct dgram_came came;
	unsigned batches;

	for (batches = 0; batches < TURN_BATCHES; batches++) {
		if (dgram_relay_back(relay, flow->io.fd, &path, &came) == -1) {
			if (!flow_not_received(flow, errno))
				return;
			continue;
		}
		flow_answered(flow, &came);
		if (flow->over)
			return;
		if (came.drained) {
			io_drained(io, IO_READ);
			return;
		}
	}
}
