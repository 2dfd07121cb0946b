/*
 * Explanations: see explain.h.
 */
#include "monitor/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/words.h"

/* ---- the configuration ---- */

const struct conf_service *
explain_service(const struct conf *conf, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < conf->nservices; i++)
		if (strlen(conf->services[i].name) == len &&
		    memcmp(conf->services[i].name, name, len) == 0)
			return &conf->services[i];
	return NULL;
}

static void
explain_set_place(
    struct report *report, json_t *object, const char *file, int line)
{
	if (file == NULL)
		return;
	report_set_text(report, object, "file", file);
	report_set_uint(report, object, "line", (uint64_t)line);
}

/* Put the option into an object: its name, value, file and line. */
static void
explain_set_option(struct report *report, json_t *object, const void *base,
    const char *section, const char *option)
{
	struct strbuf value = { 0 };
	char name[64];
	const char *file;
	int line;

	(void)snprintf(name, sizeof(name), "%s.%s", section, option);
	report_set_text(report, object, "option", name);
	if (conf_tell(report->source->conf, base, section, option,
		CONF_ELEMENTS, &value, &file, &line)) {
		report_set_text(report, object, "value", value.text);
		explain_set_place(report, object, file, line);
	}
	report->failed |= value.failed;
	strbuf_free(&value);
}

struct option_name {
	const char *section;
	const char *option;
};

void
explain_set_limit(struct report *report, json_t *object,
    enum memo_limit_kind kind, const struct conf_service *service)
{
	static const struct option_name names[MEMO_LIMITS] = {
		[MEMO_LIMIT_PER_SOURCE] = { "limits", "per_source" },
		[MEMO_LIMIT_SERVICE_PER_SOURCE] = { "service.limit",
		    "per_source" },
		[MEMO_LIMIT_SOURCE_RATE] = { "service.limit", "source_rate" },
		[MEMO_LIMIT_SERVICE] = { "service.limit", "connections" },
		[MEMO_LIMIT_DAEMON] = { "limits", "connections" },
		[MEMO_LIMIT_RATE] = { "service.limit", "rate" },
	};
	const char *section = names[kind].section;
	bool own = section != NULL && strcmp(section, "limits") != 0;

	/* The service is gone with a reload. */
	if (section == NULL || (own && service == NULL))
		return;
	explain_set_option(
	    report, object, own ? service : NULL, section, names[kind].option);
}

const char *
explain_max(const struct memo_limit *limit, char *buf, size_t size)
{
	struct rate rate = { .count = (uint32_t)limit->max,
		.period_ms = limit->period_ms };

	if (limit->period_ms != 0)
		return units_format_rate(rate, buf, size);
	(void)snprintf(buf, size, "%" PRIu64, limit->max);
	return buf;
}

static bool
same_prefix(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && a->bits == b->bits &&
	    memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

json_t *
explain_rule(struct report *report, const struct memo_rule *rule,
    const struct conf_service *service)
{
	static const char *const names[MEMO_RULES] = {
		[MEMO_RULE_DENY] = "deny",
		[MEMO_RULE_NOT_ALLOW] = "allow",
		[MEMO_RULE_BAN] = "ban",
	};
	json_t *object = report_object(report);
	struct strbuf value = { 0 };
	char text[PREFIX_STRLEN];
	const char *file = NULL;
	size_t i = CONF_ELEMENTS;
	int line = 0;

	report_set_text(report, object, "rule", names[rule->kind]);
	if (rule->kind != MEMO_RULE_NOT_ALLOW)
		report_set_text(report, object, "prefix",
		    prefix_format(&rule->prefix, text, sizeof(text)));
	if (rule->kind == MEMO_RULE_BAN || service == NULL)
		return object;
	if (rule->kind == MEMO_RULE_DENY) {
		for (i = 0; i < service->ndeny; i++)
			if (same_prefix(&service->deny[i], &rule->prefix))
				break;
		/* A reload has taken it away. */
		if (i == service->ndeny)
			return object;
	}
	if (conf_tell(report->source->conf, service, "service",
		names[rule->kind], i, &value, &file, &line))
		explain_set_place(report, object, file, line);
	strbuf_free(&value);
	return object;
}

/* The option behind the end, as it is in force now. */
static json_t *
explain_setting(struct report *report, enum reason reason,
    const struct conf_service *service)
{
	const struct conf_pool *pool = service->pool;
	const void *base = pool;
	struct option_name name = { "pool", NULL };
	json_t *object;

	switch (reason) {
	case REASON_IDLE_TIMEOUT:
		name.option = "idle_timeout";
		if (pool == NULL || pool->idle_timeout == 0)
			name.section = "service";
		break;
	case REASON_LIFETIME:
		name.option = "lifetime";
		if (pool == NULL || pool->lifetime == 0)
			name.section = "service";
		break;
	case REASON_FIRST_BYTE_TIMEOUT:
		name = (struct option_name){ "service", "first_byte_timeout" };
		break;
	case REASON_HALF_CLOSE_TIMEOUT:
		name.option = "half_close_timeout";
		break;
	case REASON_CONNECT_TIMEOUT:
		name.option = "connect_timeout";
		break;
	case REASON_QUEUE_FULL:
		name.option = "queue";
		break;
	case REASON_QUEUE_TIMEOUT:
		name.option = "queue_timeout";
		break;
	case REASON_REQUEST_TIMEOUT:
		name = (struct option_name){ "service.http", "head_timeout" };
		break;
	case REASON_PROXY_TIMEOUT:
		name = (struct option_name){ "service", "proxy_timeout" };
		break;
	case REASON_PROXY_MISSING:
	case REASON_PROXY_UNTRUSTED:
		name = (struct option_name){ "service", "accept_proxy" };
		break;
	case REASON_DRAIN_DEADLINE:
		name = (struct option_name){ "defaults", "drain_timeout" };
		break;
	default:
		return NULL;
	}
	if (strncmp(name.section, "service", 7) == 0)
		base = service;
	else if (strcmp(name.section, "defaults") == 0)
		base = NULL;
	else if (pool == NULL)
		return NULL;
	object = report_object(report);
	explain_set_option(report, object, base, name.section, name.option);
	return object;
}

/* ---- the choice of a server ---- */

/* How many there were to choose from. */
static void
explain_add_field(struct strbuf *out, const struct memo_choice *choice)
{
	const char *kind = choice->backup ? "backup " : "";

	if (choice->usable == MEMO_UNKNOWN) {
		strbuf_printf(
		    out, "of %u %sservers", (unsigned)choice->members, kind);
		return;
	}
	strbuf_printf(out, "of %u usable %sserver%s", (unsigned)choice->usable,
	    kind, choice->usable == 1 ? "" : "s");
	if (choice->usable < choice->members)
		strbuf_printf(out, " (%u are not)",
		    (unsigned)choice->members - choice->usable);
	if (choice->room < choice->usable)
		strbuf_printf(
		    out, ", %u of which had room", (unsigned)choice->room);
}

static void
explain_add_way(struct strbuf *out, const struct memo_choice *choice)
{
	switch (choice->balance - 1) {
	case BALANCE_ROUND_ROBIN:
		strbuf_printf(out, "turn %u, one ", (unsigned)choice->turn);
		break;
	case BALANCE_LEAST_CONNECTIONS:
		strbuf_printf(out, "the fewest sessions for its weight, %u, ",
		    (unsigned)(choice->sessions > 0 ? choice->sessions - 1
						    : 0));
		break;
	case BALANCE_RANDOM:
		strbuf_printf(out, "the better of two that were drawn ");
		break;
	case BALANCE_HASH:
	default:
		strbuf_printf(out, "by the client's address, one ");
		break;
	}
}

json_t *
explain_choice(struct report *report, const struct memo_choice *choice)
{
	unsigned balance = choice->balance - 1U;
	json_t *object = report_object(report);
	struct strbuf text = { 0 };

	report_set_text(report, object, "balance",
	    balance <= BALANCE_HASH ? conf_word_balance(balance) : "unknown");
	if (balance == BALANCE_ROUND_ROBIN)
		report_set_uint(report, object, "turn", choice->turn);
	report_set_uint(report, object, "members", choice->members);
	if (choice->usable != MEMO_UNKNOWN) {
		report_set_uint(report, object, "usable", choice->usable);
		report_set_uint(report, object, "room", choice->room);
	}
	report_set_uint(report, object, "sessions", choice->sessions);
	report_set_bool(report, object, "backup", choice->backup != 0);
	explain_add_way(&text, choice);
	explain_add_field(&text, choice);
	if (choice->backup)
		strbuf_puts(&text, ", since no primary one was usable");
	report->failed |= text.failed;
	report_set_text(report, object, "text", text.text);
	strbuf_free(&text);
	return object;
}

/* ---- a record ---- */

static void
explain_set_field(
    struct report *report, json_t *object, const struct log_field *field)
{
	/* NUL would end it. */
	char *text = mem_strndup((const char *)field->value, field->len);

	report->failed |= text == NULL;
	if (text == NULL)
		return;
	if (field->number)
		report_set(report, object, field->key,
		    json_integer((json_int_t)strtoll(text, NULL, 10)));
	else
		report_set_text(report, object, field->key, text);
	mem_free(text);
}

static json_t *
explain_tcp(struct report *report, const struct tcp_stats *stats)
{
	json_t *object = report_object(report);

	report_set_uint(report, object, "rtt_us", stats->rtt_us);
	report_set_uint(
	    report, object, "rtt_variation_us", stats->rtt_variation_us);
	report_set_uint(report, object, "rtt_min_us", stats->rtt_min_us);
	report_set_uint(report, object, "retransmits", stats->retransmits);
	report_set_uint(report, object, "unacked", stats->unacked);
	report_set_uint(report, object, "lost", stats->lost);
	report_set_uint(report, object, "cwnd", stats->cwnd);
	report_set_uint(report, object, "mss", stats->mss);
	report_set_uint(report, object, "unsent_bytes", stats->unsent);
	report_set_uint(report, object, "received_ago_ms", stats->received_ms);
	return object;
}

static void
explain_set_limit_of(struct report *report, json_t *row,
    const struct memo_limit *limit, const struct conf_service *service)
{
	json_t *object = report_object(report);
	char text[UNITS_STRLEN];

	report_set_text(
	    report, object, "max", explain_max(limit, text, sizeof(text)));
	explain_set_limit(
	    report, object, (enum memo_limit_kind)limit->kind, service);
	report_set(report, row, "limit", object);
}

static void
explain_set_memo(struct report *report, json_t *row, const struct memo *memo,
    const struct conf_service *service)
{
	json_t *object;

	report_set_uint(
	    report, row, "errno", memo->error > 0 ? (uint64_t)memo->error : 0);
	object = report_object(report);
	report_set_uint(report, object, "limit_ms", memo->waited_limit_ms);
	report_set_uint(report, object, "server_ms", memo->waited_server_ms);
	report_set(report, row, "waited", object);
	if (memo->choice.balance != 0)
		report_set(report, row, "choice",
		    explain_choice(report, &memo->choice));
	if (memo->limit.kind != MEMO_LIMIT_NONE)
		explain_set_limit_of(report, row, &memo->limit, service);
	if (memo->rule.kind != MEMO_RULE_NONE)
		report_set(report, row, "rule",
		    explain_rule(report, &memo->rule, service));
	if (!memo->client_told && !memo->server_told)
		return;
	object = report_object(report);
	if (memo->client_told)
		report_set(report, object, "client",
		    explain_tcp(report, &memo->client));
	if (memo->server_told)
		report_set(report, object, "server",
		    explain_tcp(report, &memo->server));
	report_set(report, row, "tcp", object);
}

static const struct conf_service *
explain_service_of(
    const struct report_source *source, const struct log_view *view)
{
	struct log_field field;

	if (!log_view_find(view, "service", &field))
		return NULL;
	return explain_service(
	    source->conf, (const char *)field.value, field.len);
}

static void
explain_set_reason(struct report *report, json_t *row,
    const struct log_view *view, const struct conf_service *service)
{
	struct log_field field;
	enum reason reason = REASON_NONE;
	json_t *setting;

	if (log_view_find(view, "reason", &field))
		reason = reason_find((const char *)field.value, field.len);
	if (reason == REASON_NONE)
		return;
	report_set_text(report, row, "reason_text", reason_info(reason)->text);
	if (service == NULL)
		return;
	setting = explain_setting(report, reason, service);
	if (setting != NULL)
		report_set(report, row, "setting", setting);
}

json_t *
explain_record(const struct report_source *source, const struct log_view *view)
{
	const struct conf_service *service = explain_service_of(source, view);
	struct report report = { .source = source };
	json_t *row = report_object(&report);
	bool session = strcmp(view->message, "session ended") == 0;
	struct log_field field;
	const char *failures;
	struct memo memo;
	size_t at = 0, len;

	report_set_text(&report, row, "kind", session ? "session" : "refusal");
	report_set_uint(&report, row, "end_us", (uint64_t)view->time_us);
	if (view->slot >= 0)
		report_set_uint(&report, row, "worker", (uint64_t)view->slot);
	while (log_view_field(view, &at, &field))
		explain_set_field(&report, row, &field);
	explain_set_reason(&report, row, view, service);
	if (memo_read(view, &memo, &failures, &len)) {
		explain_set_memo(&report, row, &memo, service);
		field = (struct log_field){ .key = "failures",
			.value = (const unsigned char *)failures,
			.len = len };
		if (len > 0)
			explain_set_field(&report, row, &field);
	}
	return report_finish(&report, row);
}
