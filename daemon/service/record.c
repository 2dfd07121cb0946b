/*
 * Access records.  The names of the fields are the ones that the manual
 * documents: keep both in step.
 */
#include "service/record.h"

#include <string.h>

static void
record_reason(struct log_record *record, enum reason reason, int error)
{
	const struct reason_info *info = reason_info(reason);

	log_record_str(record, "reason", info->name);
	log_record_str(record, "by", reason_who_name(info->who));
	if (error != 0)
		log_record_str(record, "error", strerror(error));
}

static void
record_client(struct log_record *record, const struct addr *client,
    const struct addr *peer)
{
	log_record_addr(record, "client", client);
	if (peer != NULL && addr_compare(client, peer) != 0)
		log_record_addr(record, "peer", peer);
}

static void
record_server(struct log_record *record, const struct record_end *end)
{
	log_record_str(record, "server", end->server);
	if (end->server_addr.family == ADDR_INET4 ||
	    end->server_addr.family == ADDR_INET6)
		log_record_addr(record, "server_address", &end->server_addr);
	log_record_uint(record, "attempts", end->attempts);
	log_record_uint(record, "connect_ms", end->connect_ms);
}

/* All but how it ended. */
static void
record_about(struct log_record *record, const struct ledger_entry *entry,
    const struct record_end *end)
{
	log_record_fmt(record, "session", "%016llx",
	    (unsigned long long)atomic_load_explicit(
		&entry->id, memory_order_relaxed));
	log_record_str(record, "service", end->service);
	if (end->listener != NULL)
		log_record_str(record, "listener", end->listener);
	record_client(record, &entry->client, end->peer);
	if (end->server != NULL)
		record_server(record, end);
	log_record_int(record, "start_us", entry->start_us);
	log_record_uint(record, "duration_ms", end->duration_ms);
	log_record_uint(record, "bytes_in", counter_read(&entry->bytes_in));
	log_record_uint(record, "bytes_out", counter_read(&entry->bytes_out));
	if (end->datagrams) {
		log_record_uint(record, "datagrams_in", end->datagrams_in);
		log_record_uint(record, "datagrams_out", end->datagrams_out);
	}
	if (end->phase != NULL)
		log_record_str(record, "phase", end->phase);
}

/* Whether the log shows it; false and nothing to do if nobody wants it. */
static bool
record_choose(const struct log *log, const struct conf_log *conf,
    struct log_record *record)
{
	record->unlogged = !conf->access || !log_wants(log, LOG_LEVEL_INFO);
	return !record->unlogged || conf->remember;
}

/* ---- what explains it ---- */

static void
record_memo(struct log_record *record, struct memo *memo, const char *failures)
{
	unsigned char data[sizeof(*memo) + RECORD_FAILURES_MAX];
	size_t len = strlen(failures);

	memo->size = sizeof(*memo);
	memcpy(data, memo, sizeof(*memo));
	memcpy(data + sizeof(*memo), failures, len);
	log_record_memo(record, data, sizeof(*memo) + len);
}

static void
record_explain_session(struct log_record *record, const struct conf_log *conf,
    const struct record_end *end)
{
	struct memo memo = {
		.error = end->error,
		.waited_limit_ms = end->waited_ms,
		.waited_server_ms = end->queued_ms,
		.choice = end->choice,
		.client_told = end->client_told,
		.server_told = end->server_told,
		.client = end->client,
		.server = end->server_stats,
	};

	if (conf->remember)
		record_memo(record, &memo, end->failures);
}

static void
record_explain_refusal(struct log_record *record, const struct conf_log *conf,
    const struct record_refusal *refusal)
{
	struct memo memo = {
		.waited_limit_ms = refusal->waited_ms,
		.limit = refusal->limit,
		.rule = refusal->rule,
	};

	if (conf->remember)
		record_memo(record, &memo, "");
}

/* ---- the records ---- */

void
record_session(struct log *log, const struct conf_log *conf,
    const struct ledger_entry *entry, const struct record_end *end)
{
	struct log_record record;

	log_record_begin(&record, LOG_LEVEL_INFO, "session ended");
	if (!record_choose(log, conf, &record))
		return;
	record_about(&record, entry, end);
	record_reason(&record, end->reason, end->error);
	record_explain_session(&record, conf, end);
	log_emit(log, &record);
}

void
record_progress(struct log *log, const struct ledger_entry *entry,
    const struct record_end *end)
{
	struct log_record record;

	if (!log_wants(log, LOG_LEVEL_INFO))
		return;
	log_record_begin(&record, LOG_LEVEL_INFO, "session goes on");
	record_about(&record, entry, end);
	log_emit(log, &record);
}

static void
record_refused(struct log *log, const struct conf_log *conf,
    const struct door *door, const struct record_refusal *refusal)
{
	struct log_record record;

	log_record_begin(&record, LOG_LEVEL_INFO, "client refused");
	if (!record_choose(log, conf, &record))
		return;
	record.unlogged |= refusal->unlogged;
	log_record_str(&record, "service", door->service->conf->name);
	log_record_str(&record, "listener", door->name);
	record_client(&record, refusal->client, refusal->peer);
	record_reason(&record, refusal->reason, 0);
	if (refusal->detail != NULL)
		log_record_str(&record, "detail", refusal->detail);
	if (refusal->left_out > 0)
		log_record_uint(&record, "left_out", refusal->left_out);
	record_explain_refusal(&record, conf, refusal);
	log_emit(log, &record);
}

/*
 * The log gets one a second.  Others are remembered, up to so many: a flood
 * must not cost the worker more than turning it away does.
 */
#define REMEMBERED_EACH_SECOND 50

static bool
record_remembers_one_more(struct door *door, uint64_t now)
{
	if (now >= door->remembered_until_ms) {
		door->remembered_until_ms = now + 1000;
		door->remembered = 0;
	}
	return door->remembered++ < REMEMBERED_EACH_SECOND;
}

void
record_refused_limited(struct door *door, const struct record_refusal *refusal)
{
	struct services *set = door->service->set;
	const struct conf_log *conf = &set->conf->log;
	struct record_refusal told = *refusal;
	uint64_t now = loop_now(set->loop);

	if (!record_is_wanted(conf))
		return;
	told.unlogged = !conf->access ||
	    !log_limit_pass(&door->refusals, now, &told.left_out);
	if (told.unlogged &&
	    (!conf->remember || !record_remembers_one_more(door, now)))
		return;
	record_refused(set->log, conf, door, &told);
}
