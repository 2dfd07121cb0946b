/*
 * Two rings of packed records: see recent.h.
 */
#include "monitor/recent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/report_common.h"

struct ring_row {
	uint16_t len;
	unsigned char data[LOG_RECORD_MAX];
};

struct ring {
	struct ring_row rows[RECENT_ROWS];
	size_t noted; /* ever */
};

struct recent {
	struct ring records;
	struct ring closes;
};

struct recent *
recent_open(void)
{
	return mem_zalloc(sizeof(struct recent));
}

void
recent_close(struct recent *recent)
{
	mem_free(recent);
}

static void
ring_note(struct ring *ring, const unsigned char *data, size_t len)
{
	struct ring_row *row = &ring->rows[ring->noted % RECENT_ROWS];

	if (len > sizeof(row->data))
		return;
	memcpy(row->data, data, len);
	row->len = (uint16_t)len;
	ring->noted++;
}

/* Whether it tells of an end that nobody wished for. */
static bool
is_bad_end(const struct log_view *view)
{
	struct log_field field;

	if (strcmp(view->message, "session ended") != 0 &&
	    strcmp(view->message, "client refused") != 0)
		return false;
	return log_view_find(view, "reason", &field) &&
	    !reason_is_benign(
		reason_find((const char *)field.value, field.len));
}

void
recent_note(struct recent *recent, const unsigned char *data, size_t len,
    const struct log_view *view)
{
	if (view->level <= LOG_LEVEL_WARNING)
		ring_note(&recent->records, data, len);
	else if (is_bad_end(view))
		ring_note(&recent->closes, data, len);
}

/* ---- the report ---- */

static void
recent_set_field(
    struct report *report, json_t *fields, const struct log_field *field)
{
	/* NUL would end it. */
	char *text = mem_strndup((const char *)field->value, field->len);

	report->failed |= text == NULL;
	if (text != NULL)
		report_set_text(report, fields, field->key, text);
	mem_free(text);
}

static json_t *
recent_make_row(struct report *report, const struct ring_row *row)
{
	json_t *object = report_object(report), *fields = report_object(report);
	struct log_field field;
	struct log_view view;
	size_t at = 0;

	/* It was whole when it was noted. */
	if (log_view_next(row->data, row->len, &view) == 0) {
		json_decref(fields);
		return object;
	}
	report_set_uint(report, object, "time_us", (uint64_t)view.time_us);
	report_set_text(report, object, "level", log_level_name(view.level));
	report_set_text(report, object, "process", view.process);
	report_set(report, object, "slot",
	    view.slot >= 0 ? json_integer(view.slot) : json_null());
	report_set_text(report, object, "message", view.message);
	while (log_view_field(&view, &at, &field))
		recent_set_field(report, fields, &field);
	report_set(report, object, "fields", fields);
	return object;
}

static json_t *
recent_make_rows(struct report *report, const struct ring *ring)
{
	json_t *rows = report_array(report);
	size_t i, n = ring->noted < RECENT_ROWS ? ring->noted : RECENT_ROWS;

	for (i = 1; i <= n; i++)
		report_push(report, rows,
		    recent_make_row(
			report, &ring->rows[(ring->noted - i) % RECENT_ROWS]));
	return rows;
}

json_t *
recent_report(const struct recent *recent)
{
	struct report report = { 0 };
	json_t *object = report_object(&report);

	report_set(&report, object, "records",
	    recent_make_rows(&report, &recent->records));
	report_set(&report, object, "closes",
	    recent_make_rows(&report, &recent->closes));
	return report_finish(&report, object);
}
