/*
 * The server of a flow: found, and another one found while it has not
 * answered.
 */
#include <errno.h>
#include <unistd.h>

#include "net/connect.h"
#include "service/flow.h"
#include "service/relay_failure.h"

/* An ICMP error that takes longer than this is none. */
#define PATIENCE_MS 1000

/* A socket to the server, in the loop.  0, or an errno value. */
static int
flow_open(struct flow *flow, const struct addr *addr,
    const struct server *server, const char **option)
{
	struct loop *loop = flow_door(flow)->service->set->loop;
	int fd, error;

	if (connect_datagram(addr, &server->pool->connect, &fd, option) ==
	    CONNECT_FAILED)
		/* Of udp(7), EAGAIN says that all local ports are taken. */
		return errno == EAGAIN ? EADDRNOTAVAIL : errno;
	if (connect_is_self(fd, addr)) {
		(void)close(fd);
		return ELOOP;
	}
	io_close(&flow->io);
	io_init(&flow->io, fd, flow_call, 0);
	if (io_add(loop, &flow->io, IO_READ) == -1) {
		error = errno;
		io_close(&flow->io);
		return error;
	}
	return 0;
}

enum reason
flow_connect(struct flow *flow)
{
	struct pool *pool = flow_pool(flow);
	struct ledger *ledger = &flow_door(flow)->service->set->ledger;
	enum reason reason = REASON_NO_SERVER;
	enum pool_verdict verdict;
	struct server *server;
	struct addr addr;
	const char *option;

	while (flow->attempts <= pool->conf->retries) {
		verdict =
		    pool_pick(pool, flow->entry, &flow->tried, false, &server);
		if (verdict == POOL_FULL)
			return REASON_QUEUE_FULL;
		if (verdict == POOL_LOOP && flow->attempts == 0)
			return REASON_SERVER_LOOP;
		if (verdict != POOL_PICKED)
			return reason;
		flow->attempts++;
		option = NULL;
		addr = server->addr;
		flow->error = flow_open(flow, &addr, server, &option);
		if (flow->error == 0) {
			flow->server = server;
			flow->choice = pool->choice;
			flow->addr = addr;
			flow->picked_ms =
			    (uint32_t)(flow_now(flow) - flow->started_ms);
			return REASON_NONE;
		}
		pool_connect_failed(server, flow->error);
		ledger_give_server(ledger, flow->entry);
		pool_tried_add(&flow->tried, server);
		relay_log_failure(flow_door(flow), server, &addr, flow->error,
		    option, flow->attempts);
		reason = relay_reason_of_connect(flow->error);
		if (!relay_may_retry(reason))
			return reason;
	}
	return reason;
}

/* Whether the place still has the address of the flow's socket: what became
 * of that says nothing of another one. */
static bool
flow_same_address(const struct flow *flow)
{
	return addr_compare(&flow->addr, &flow->server->addr) == 0;
}

void
flow_reached(struct flow *flow)
{
	bool again = flow->reached;

	flow->reached = true;
	flow->error = 0;
	if (!flow_same_address(flow))
		return;
	if (again)
		pool_working(flow->server);
	else
		pool_connected(flow->server);
}

bool
flow_was_patient(const struct flow *flow)
{
	return flow_now(flow) - flow->started_ms - flow->picked_ms >=
	    PATIENCE_MS;
}

/*
 * The server has failed before it has answered: try another one.  If there is
 * none, the flow stays with the one it has; false if it cannot.
 */
static bool
flow_switch(struct flow *flow)
{
	struct server *server = flow->server;
	struct ledger *ledger = &flow_door(flow)->service->set->ledger;
	int error = flow->error;

	ledger_give_server(ledger, flow->entry);
	pool_tried_add(&flow->tried, server);
	if (flow_connect(flow) == REASON_NONE) {
		flow->reached = false;
		return true;
	}
	flow->error = error;
	return flow->io.fd != -1 &&
	    ledger_take_server(
		ledger, flow->entry, server->place, server_max(server), false);
}

void
flow_failed(struct flow *flow, int error)
{
	const struct server *server = flow->server;
	bool first = flow->error == 0, same = flow_same_address(flow);

	counter_add(&server->counters->events[SERVER_COUNTER_ERRORS], 1);
	flow->error = error;
	if (same && first && !flow->reached)
		pool_connect_failed(flow->server, error);
	else if (same)
		pool_failing(flow->server, error);
	if (flow->rank == FLOW_UNANSWERED &&
	    flow->attempts <= flow_pool(flow)->conf->retries &&
	    !flow_switch(flow)) {
		flow_end(flow, relay_reason_of_connect(error), error);
		return;
	}
	if (flow->server == server &&
	    (!same || !state_server_healthy(server->shared, flow_now(flow))))
		flow_end(flow,
		    flow->reached ? REASON_SERVER_LOST
				  : relay_reason_of_connect(error),
		    error);
}
