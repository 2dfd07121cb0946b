/*
 * The metrics: one family after the other, since the format wants all lines of
 * a family together.
 */
#include "monitor/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "monitor/metrics_common.h"
#include "monitor/report_common.h"
#include "net/bufpool.h"

/* ---- the format ---- */

/* How many bytes of UTF-8 begin here; 0: none. */
static size_t
metrics_utf8(const unsigned char *s)
{
	size_t len, i;

	if (*s < 0x80)
		return 1;
	if (*s >= 0xc2 && *s <= 0xdf)
		len = 2;
	else if (*s >= 0xe0 && *s <= 0xef)
		len = 3;
	else if (*s >= 0xf0 && *s <= 0xf4)
		len = 4;
	else
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond U+10FFFF. */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

void
metrics_escape(struct strbuf *out, const char *value)
{
	size_t len;

	for (; *value != '\0'; value += len > 0 ? len : 1) {
		len = metrics_utf8((const unsigned char *)value);
		if (len == 0)
			strbuf_puts(out, "?");
		else if (*value == '\\')
			strbuf_puts(out, "\\\\");
		else if (*value == '"')
			strbuf_puts(out, "\\\"");
		else if (*value == '\n')
			strbuf_puts(out, "\\n");
		else
			strbuf_append(out, value, len);
	}
}

void
metrics_family(const struct metrics *metrics, const char *name,
    const char *type, const char *help)
{
	strbuf_printf(metrics->out, "# HELP %s %s\n# TYPE %s %s\n", name, help,
	    name, type);
}

void
metrics_label(
    const struct metrics *metrics, const char *name, const char *value)
{
	strbuf_printf(metrics->out, "%s=\"", name);
	metrics_escape(metrics->out, value);
	strbuf_puts(metrics->out, "\"");
}

void
metrics_value(const struct metrics *metrics, uint64_t value)
{
	strbuf_printf(metrics->out, " %" PRIu64 "\n", value);
}

/* Milliseconds, in seconds. */
void
metrics_seconds(const struct metrics *metrics, uint64_t ms)
{
	strbuf_printf(
	    metrics->out, " %" PRIu64 ".%03" PRIu64 "\n", ms / 1000, ms % 1000);
}

static void
metrics_single(const struct metrics *metrics, const char *name,
    const char *type, const char *help, uint64_t value)
{
	metrics_family(metrics, name, type, help);
	strbuf_puts(metrics->out, name);
	metrics_value(metrics, value);
}

/* ---- the daemon ---- */

static void
metrics_daemon(const struct metrics *metrics, int64_t now_us)
{
	const struct report_source *source = metrics->source;
	const struct state *state = source->state;
	json_t *problems = report_problems(source, metrics->now_ms);
	uint64_t uptime = metrics->now_ms > source->started_ms
	    ? metrics->now_ms - source->started_ms
	    : 0;

	metrics_family(
	    metrics, "muxd_build_info", "gauge", "1, and the version of muxd.");
	strbuf_puts(metrics->out, "muxd_build_info{");
	metrics_label(metrics, "version", source->version);
	strbuf_puts(metrics->out, "} 1\n");
	metrics_family(metrics, "muxd_start_time_seconds", "gauge",
	    "When muxd started, in seconds since the epoch.");
	strbuf_puts(metrics->out, "muxd_start_time_seconds");
	metrics_seconds(metrics, (uint64_t)now_us / 1000 - uptime);
	metrics_single(metrics, "muxd_healthy", "gauge",
	    "1 while new clients are welcome, as /healthz says.",
	    problems != NULL && json_array_size(problems) == 0);
	json_decref(problems);
	metrics_single(metrics, "muxd_drained", "gauge",
	    "1 if muxd is drained by order, 2 if it refuses clients, too.",
	    state_node_order(state));
	metrics_single(metrics, "muxd_live_sessions", "gauge",
	    "Sessions and clients that are about to become one.",
	    report_live(source));
	metrics_single(metrics, "muxd_connections", "gauge",
	    "Connections that count to limits.connections.",
	    tally_read(&state->total->tally));
	metrics_single(metrics, "muxd_connections_limit", "gauge",
	    "The most connections that the daemon takes.",
	    source->connections_max);
	metrics_single(metrics, "muxd_queue_memory_bytes", "gauge",
	    "Memory that the workers hold for bytes that wait.",
	    (uint64_t)tally_read(&state->memory->tally) * CHUNK_SIZE);
	metrics_single(metrics, "muxd_queue_memory_limit_bytes", "gauge",
	    "limits.memory.", source->conf->memory);
	metrics_single(metrics, "muxd_log_lost_total", "counter",
	    "Log records that the target of the log did not take.",
	    atomic_load(&state->monitor->log_lost));
}

/* ---- services ---- */

static const struct counter_family service_counters[] = {
	{ "muxd_accepted_total",
	    "Connections taken from the kernel, and new flows of datagrams.",
	    COUNTER_ACCEPTED },
	{ "muxd_sessions_total", "Clients that were let in.",
	    COUNTER_SESSIONS },
	{ "muxd_waited_total", "Clients that waited at a full limit.",
	    COUNTER_WAITED },
	{ "muxd_received_bytes_total", "Bytes from clients.",
	    COUNTER_BYTES_IN },
	{ "muxd_sent_bytes_total", "Bytes to clients.", COUNTER_BYTES_OUT },
	{ "muxd_received_datagrams_total", "Datagrams from clients.",
	    COUNTER_DATAGRAMS_IN },
	{ "muxd_sent_datagrams_total", "Datagrams to clients.",
	    COUNTER_DATAGRAMS_OUT },
	{ "muxd_requests_total", "Requests of protocols that have them.",
	    COUNTER_REQUESTS },
};

/* By the label "cause". */
static const struct counter_family dropped_datagrams[] = {
	{ "truncated", NULL, COUNTER_DATAGRAMS_TRUNCATED },
	{ "guarded", NULL, COUNTER_DATAGRAMS_GUARDED },
	{ "denied", NULL, COUNTER_DATAGRAMS_DENIED },
	{ "limited", NULL, COUNTER_DATAGRAMS_LIMITED },
	{ "empty", NULL, COUNTER_DATAGRAMS_EMPTY },
	{ "unsent", NULL, COUNTER_DATAGRAMS_UNSENT },
};

/* name{service="…", without the brace behind it. */
static void
metrics_service(const struct metrics *metrics, const char *name, size_t i)
{
	strbuf_printf(metrics->out, "%s{", name);
	metrics_label(
	    metrics, "service", metrics->source->conf->services[i].name);
}

static void
metrics_service_counters(const struct metrics *metrics)
{
	const struct report_source *source = metrics->source;
	const struct counter_family *family;
	size_t i, j;

	for (j = 0; j < COUNT(service_counters); j++) {
		family = &service_counters[j];
		metrics_family(metrics, family->name, "counter", family->help);
		for (i = 0; i < source->conf->nservices; i++) {
			metrics_service(metrics, family->name, i);
			strbuf_puts(metrics->out, "}");
			metrics_value(metrics,
			    state_sum_events(source->state, source->services[i],
				(enum counter)family->counter));
		}
	}
}

static void
metrics_dropped(const struct metrics *metrics)
{
	static const char name[] = "muxd_dropped_datagrams_total";
	const struct report_source *source = metrics->source;
	size_t i, j;

	metrics_family(
	    metrics, name, "counter", "Datagrams that came to nothing.");
	for (i = 0; i < source->conf->nservices; i++) {
		for (j = 0; j < COUNT(dropped_datagrams); j++) {
			metrics_service(metrics, name, i);
			strbuf_printf(metrics->out, ",cause=\"%s\"}",
			    dropped_datagrams[j].name);
			metrics_value(metrics,
			    state_sum_events(source->state, source->services[i],
				(enum counter)dropped_datagrams[j].counter));
		}
	}
}

/* Those that occurred, since there are so many that never do. */
static void
metrics_closes(const struct metrics *metrics)
{
	static const char name[] = "muxd_closes_total";
	const struct report_source *source = metrics->source;
	const struct reason_info *info;
	uint64_t n;
	size_t i;
	int j;

	metrics_family(metrics, name, "counter",
	    "Sessions that ended and clients that were refused, by reason.");
	for (i = 0; i < source->conf->nservices; i++) {
		for (j = REASON_NONE + 1; j < REASON_COUNT; j++) {
			info = reason_info((enum reason)j);
			n = state_sum_ended(
			    source->state, source->services[i], info->code);
			if (n == 0)
				continue;
			metrics_service(metrics, name, i);
			strbuf_printf(metrics->out, ",reason=\"%s\",by=\"%s\"}",
			    info->name, reason_who_name(info->who));
			metrics_value(metrics, n);
		}
	}
}

static void
metrics_service_limits(const struct metrics *metrics)
{
	const struct report_source *source = metrics->source;
	const struct conf_service *services = source->conf->services;
	const struct state_service *shared;
	size_t i, n = source->conf->nservices;

	metrics_family(metrics, "muxd_service_connections", "gauge",
	    "Connections that the service holds.");
	for (i = 0; i < n; i++) {
		shared = &source->state->services[source->services[i]];
		metrics_service(metrics, "muxd_service_connections", i);
		strbuf_puts(metrics->out, "}");
		metrics_value(metrics, tally_read(&shared->connections.tally));
	}
	metrics_family(metrics, "muxd_service_connections_limit", "gauge",
	    "limit.connections of the service, if it has one.");
	for (i = 0; i < n; i++) {
		if (services[i].limit.connections == 0)
			continue;
		metrics_service(metrics, "muxd_service_connections_limit", i);
		strbuf_puts(metrics->out, "}");
		metrics_value(metrics, services[i].limit.connections);
	}
	metrics_family(metrics, "muxd_service_rate_used_ratio", "gauge",
	    "What part of limit.rate is used up; 1: nothing is left.");
	for (i = 0; i < n; i++) {
		if (services[i].limit.rate.count == 0)
			continue;
		shared = &source->state->services[source->services[i]];
		metrics_service(metrics, "muxd_service_rate_used_ratio", i);
		strbuf_printf(metrics->out, "} %.3f\n",
		    report_rate_load(&shared->rate, services[i].limit.rate,
			metrics->now_ms));
	}
}

void
metrics_write(struct strbuf *out, const struct report_source *source,
    uint64_t now_ms, int64_t now_us)
{
	const struct metrics metrics = {
		.out = out, .source = source, .now_ms = now_ms
	};

	metrics_daemon(&metrics, now_us);
	metrics_service_counters(&metrics);
	metrics_dropped(&metrics);
	metrics_closes(&metrics);
	metrics_service_limits(&metrics);
	metrics_pools(&metrics);
	metrics_servers(&metrics);
	metrics_workers(&metrics);
}
