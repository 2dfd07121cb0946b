/*
 * What is logged of names; see name_log.h.
 */
#include "monitor/name_log.h"

#include <string.h>

#include "monitor/names.h"

/* Bytes of a list of addresses: two must fit into a record. */
#define LIST_MAX 700

static void
record_begin(struct log_record *record, const struct name *name,
    enum log_level level, const char *message)
{
	log_record_begin(record, level, message);
	log_record_str(record, "pool", name->pool->name);
	log_record_str(record, "server", name->server->name);
	log_record_str(record, "name", name->server->target.host);
}

/* A long list is cut behind a whole address. */
static void
record_list(
    struct log_record *record, const char *key, const struct strbuf *list)
{
	size_t len = list->len;

	if (len == 0 || list->failed)
		return;
	if (len <= LIST_MAX) {
		log_record_bytes(record, key, list->text, len);
		return;
	}
	len = LIST_MAX;
	while (len > 0 && list->text[len] != ',')
		len--;
	log_record_fmt(record, key, "%.*s, …", (int)len, list->text);
}

void
name_log_failure(struct name *name, struct log *log, uint64_t now_ms)
{
	struct log_record record;

	if (name->failures > 1 && now_ms - name->logged_ms < NAMES_LOG_MS)
		return;
	name->logged_ms = now_ms;
	record_begin(
	    &record, name, LOG_LEVEL_WARNING, "name of a server not resolved");
	log_record_str(&record, "error", name->error);
	log_record_uint(&record, "addresses", places_in_use(&name->places));
	if (name->failures > 1)
		log_record_uint(&record, "failures", name->failures);
	log_emit(log, &record);
}

void
name_log_change(const struct name *name, struct log *log,
    const struct places_change *change)
{
	struct log_record record;

	if (change->added.len > 0 || change->removed.len > 0) {
		record_begin(&record, name, LOG_LEVEL_NOTICE,
		    "addresses of a server changed");
		record_list(&record, "added", &change->added);
		record_list(&record, "removed", &change->removed);
		log_record_uint(
		    &record, "addresses", places_in_use(&name->places));
		log_emit(log, &record);
	} else if (name->failures > 0) {
		record_begin(&record, name, LOG_LEVEL_NOTICE,
		    "name of a server resolved again");
		log_record_uint(
		    &record, "addresses", places_in_use(&name->places));
		log_emit(log, &record);
	}
	if (change->looping.len > 0) {
		record_begin(&record, name, LOG_LEVEL_ERROR,
		    "server refused: its address leads back to this pool");
		record_list(&record, "address", &change->looping);
		log_emit(log, &record);
	}
}

void
name_log_surplus(struct name *name, struct log *log, size_t surplus)
{
	struct log_record record;

	if (surplus == name->surplus)
		return;
	name->surplus = surplus;
	if (surplus == 0)
		return;
	record_begin(&record, name, LOG_LEVEL_WARNING,
	    "name of a server has too many addresses");
	log_record_uint(&record, "used", name->places.n);
	log_record_uint(&record, "unused", surplus);
	log_emit(log, &record);
}
