/*
 * The metrics of pools and of the places of their servers.
 */
#include "monitor/metrics_common.h"
#include "monitor/report_common.h"

void
metrics_pools(const struct metrics *metrics)
{
	const struct report_source *source = metrics->source;
	const struct conf_pool *pool;
	size_t i;

	metrics_family(metrics, "muxd_pool_queue", "gauge",
	    "Clients that wait for a server.");
	for (i = 0; i < source->conf->npools; i++) {
		strbuf_puts(metrics->out, "muxd_pool_queue{");
		metrics_label(metrics, "pool", source->conf->pools[i].name);
		strbuf_puts(metrics->out, "}");
		metrics_value(metrics,
		    tally_read(
			&source->state->pools[source->pools[i]].queue.tally));
	}
	metrics_family(metrics, "muxd_pool_queue_limit", "gauge",
	    "How many clients may wait.");
	for (i = 0; i < source->conf->npools; i++) {
		pool = &source->conf->pools[i];
		strbuf_puts(metrics->out, "muxd_pool_queue_limit{");
		metrics_label(metrics, "pool", pool->name);
		strbuf_puts(metrics->out, "}");
		metrics_value(metrics, pool->queue);
	}
}

/* One line of a family, for one place. */
typedef uint64_t metrics_place_value(const struct metrics *metrics,
    const struct report_server *found, unsigned place);

static uint64_t
metrics_place_up(const struct metrics *metrics,
    const struct report_server *found, unsigned place)
{
	(void)found;
	return state_server_usable(
	    &metrics->source->state->servers[place], metrics->now_ms);
}

static uint64_t
metrics_place_connections(const struct metrics *metrics,
    const struct report_server *found, unsigned place)
{
	(void)found;
	return tally_read(
	    &metrics->source->state->servers[place].connections.tally);
}

static uint64_t
metrics_place_limit(const struct metrics *metrics,
    const struct report_server *found, unsigned place)
{
	return state_server_max(&metrics->source->state->servers[place],
	    found->server->max_connections);
}

static uint64_t
metrics_place_weight(const struct metrics *metrics,
    const struct report_server *found, unsigned place)
{
	const struct state_server *server =
	    &metrics->source->state->servers[place];
	struct addr addr;
	uint32_t weight;

	(void)found;
	return state_server_get(server, &addr, &weight)
	    ? state_server_weight(server, weight)
	    : 0;
}

/* Of the places that a name might have, only those that it has, or that have
 * something to tell. */
static bool
metrics_place_exists(const struct state *state,
    const struct report_server *found, unsigned place)
{
	struct addr addr;
	uint32_t weight;

	return found->server->nplaces == 1 ||
	    state_server_get(&state->servers[place], &addr, &weight) ||
	    state_server_sum(state, place, SERVER_COUNTER_CONNECTS) > 0;
}

static void
metrics_place(const struct metrics *metrics, const char *name,
    const struct report_server *found, unsigned place, uint64_t value)
{
	strbuf_printf(metrics->out, "%s{", name);
	metrics_label(metrics, "pool", found->pool->name);
	strbuf_puts(metrics->out, ",");
	metrics_label(metrics, "server", found->server->name);
	strbuf_printf(metrics->out, ",place=\"%u\"}", place - found->first);
	metrics_value(metrics, value);
}

/* All places of all servers: value's, or if it is NULL the counter. */
static void
metrics_places(const struct metrics *metrics, const char *name,
    metrics_place_value *value, int counter)
{
	const struct report_source *source = metrics->source;
	struct report_server found = { 0 };
	size_t at = 0;
	unsigned place;

	while (report_next_server(source, &at, &found)) {
		for (place = found.first;
		     place < found.first + found.server->nplaces; place++) {
			if (!metrics_place_exists(source->state, &found, place))
				continue;
			metrics_place(metrics, name, &found, place,
			    value != NULL
				? value(metrics, &found, place)
				: state_server_sum(source->state, place,
				      (enum server_counter)counter));
		}
	}
}

static const struct {
	const char *name;
	const char *help;
	metrics_place_value *value;
} server_gauges[] = {
	{ "muxd_server_up", "1 while new sessions can be sent there.",
	    metrics_place_up },
	{ "muxd_server_connections", "Sessions that the server has.",
	    metrics_place_connections },
	{ "muxd_server_connections_limit", "max_connections; 0: no limit.",
	    metrics_place_limit },
	{ "muxd_server_weight", "The weight it has now.",
	    metrics_place_weight },
};

static const struct counter_family server_counters[] = {
	{ "muxd_server_sessions_total", "Sessions that ended up there.",
	    SERVER_COUNTER_SESSIONS },
	{ "muxd_server_connects_total", "Attempts to connect.",
	    SERVER_COUNTER_CONNECTS },
	{ "muxd_server_connect_failures_total", "Attempts to connect in vain.",
	    SERVER_COUNTER_FAILED },
	{ "muxd_server_ejections_total", "How often it was ejected.",
	    SERVER_COUNTER_EJECTED },
	{ "muxd_server_sent_bytes_total", "Bytes to the server.",
	    SERVER_COUNTER_BYTES_TO },
	{ "muxd_server_received_bytes_total", "Bytes from the server.",
	    SERVER_COUNTER_BYTES_FROM },
	{ "muxd_server_sent_datagrams_total", "Datagrams to the server.",
	    SERVER_COUNTER_DATAGRAMS_TO },
	{ "muxd_server_received_datagrams_total", "Datagrams from the server.",
	    SERVER_COUNTER_DATAGRAMS_FROM },
	{ "muxd_server_errors_total", "ICMP errors of datagrams.",
	    SERVER_COUNTER_ERRORS },
};

void
metrics_servers(const struct metrics *metrics)
{
	size_t i;

	for (i = 0; i < COUNT(server_gauges); i++) {
		metrics_family(metrics, server_gauges[i].name, "gauge",
		    server_gauges[i].help);
		metrics_places(
		    metrics, server_gauges[i].name, server_gauges[i].value, 0);
	}
	for (i = 0; i < COUNT(server_counters); i++) {
		metrics_family(metrics, server_counters[i].name, "counter",
		    server_counters[i].help);
		metrics_places(metrics, server_counters[i].name, NULL,
		    server_counters[i].counter);
	}
}
