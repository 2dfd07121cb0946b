/*
 * The last records, and the last minutes.
 */
#include "monitor/recent.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/history.h"
#include "report_fixture.h"

static void
note(struct recent *recent, struct log_record *record)
{
	struct log_view view;

	log_record_stamp(record, "worker", 3, 42);
	assert_int_equal(
	    log_view_next(record->data, record->len, &view), record->len);
	recent_note(recent, record->data, record->len, &view);
}

static void
note_close(struct recent *recent, const char *reason, const char *client)
{
	struct log_record record;

	log_record_begin(&record, LOG_LEVEL_INFO, "session ended");
	log_record_str(&record, "client", client);
	log_record_str(&record, "reason", reason);
	note(recent, &record);
}

static void
warnings_and_unwanted_ends_are_kept(void **state)
{
	struct recent *recent = recent_open();
	struct log_record record;
	json_t *report;

	(void)state;
	assert_non_null(recent);
	log_record_begin(&record, LOG_LEVEL_NOTICE, "ready");
	note(recent, &record);
	log_record_begin(&record, LOG_LEVEL_WARNING, "odd");
	log_record_str(&record, "what", "caf\xc3\xa9 \xff\n<b>");
	log_record_uint(&record, "n", 7);
	note(recent, &record);
	note_close(recent, "client_closed", "a");
	note_close(recent, "client_reset", "b");
	report = recent_report(recent);
	assert_int_equal(json_array_size(report_at(report, "records")), 1);
	assert_string_equal(report_str(report, "records.0.message"), "odd");
	assert_string_equal(report_str(report, "records.0.level"), "warning");
	assert_string_equal(report_str(report, "records.0.process"), "worker");
	assert_int_equal(report_int(report, "records.0.slot"), 3);
	assert_string_equal(report_str(report, "records.0.fields.n"), "7");
	assert_string_equal(
	    report_str(report, "records.0.fields.what"), "caf?? ?\n<b>");
	assert_int_equal(json_array_size(report_at(report, "closes")), 1);
	assert_string_equal(report_str(report, "closes.0.fields.client"), "b");
	json_decref(report);
	recent_close(recent);
}

static void
the_newest_come_first_and_the_oldest_go(void **state)
{
	struct recent *recent = recent_open();
	char client[32];
	json_t *report;
	unsigned i;

	(void)state;
	assert_non_null(recent);
	for (i = 0; i < RECENT_ROWS + 5; i++) {
		(void)snprintf(client, sizeof(client), "%u", i);
		note_close(recent, "no_server", client);
	}
	report = recent_report(recent);
	assert_int_equal(
	    json_array_size(report_at(report, "closes")), RECENT_ROWS);
	assert_string_equal(report_str(report, "closes.0.fields.client"), "54");
	assert_string_equal(report_str(report, "closes.49.fields.client"), "5");
	json_decref(report);
	recent_close(recent);
}

/* ---- history ---- */

static void
rates_are_those_between_two_samples(void **state)
{
	static struct history history;
	struct report_fixture f;
	json_t *report;
	unsigned i;

	(void)state;
	report_fixture_open(&f);
	history_take(&history, &f.source, 1000);
	report = history_report(&history, 1000);
	assert_int_equal(json_array_size(report_at(report, "sessions")), 0);
	json_decref(report);
	report_fixture_count(&f, 0, 0, COUNTER_ACCEPTED, 30);
	report_fixture_count(&f, 1, 1, COUNTER_BYTES_OUT, 5000);
	report_fixture_ended(&f, 1, 1, REASON_DENIED, 4);
	report_fixture_ended(&f, 1, 1, REASON_CLIENT_CLOSED, 9);
	history_take(&history, &f.source, 3000);
	report = history_report(&history, 3500);
	assert_int_equal(json_array_size(report_at(report, "sessions")), 1);
	assert_int_equal(report_int(report, "ages_ms.0"), 500);
	assert_true(report_real(report, "accepted_per_s.0") == 15);
	assert_true(report_real(report, "refused_per_s.0") == 2);
	assert_true(report_real(report, "bytes_in_per_s.0") == 0);
	assert_true(report_real(report, "bytes_out_per_s.0") == 2500);
	json_decref(report);
	for (i = 0; i < 2 * HISTORY_SAMPLES; i++)
		history_take(&history, &f.source, 5000 + 2000 * i);
	report = history_report(&history, 5000 + 2000 * i);
	assert_int_equal(json_array_size(report_at(report, "sessions")),
	    HISTORY_SAMPLES - 1);
	assert_true(report_real(report, "accepted_per_s.0") == 0);
	json_decref(report);
	report_fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warnings_and_unwanted_ends_are_kept),
		cmocka_unit_test(the_newest_come_first_and_the_oldest_go),
		cmocka_unit_test(rates_are_those_between_two_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
