/*
 * The metrics of a state in which known things have happened.
 */
#include "monitor/metrics.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report_fixture.h"

struct metrics_test {
	struct report_fixture f;
	struct strbuf text;
};

static int
setup(void **state)
{
	static struct metrics_test t;

	memset(&t, 0, sizeof(t));
	report_fixture_open(&t.f);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct metrics_test *t = *state;

	strbuf_free(&t->text);
	report_fixture_close(&t->f);
	return 0;
}

static void
write_all(struct metrics_test *t)
{
	strbuf_free(&t->text);
	memset(&t->text, 0, sizeof(t->text));
	metrics_write(&t->text, &t->f.source, REPORT_NOW_MS, 1700000000000000);
	assert_false(t->text.failed);
}

/* Whether there is exactly this line. */
static bool
has(const struct metrics_test *t, const char *line)
{
	const char *found = t->text.text;
	size_t len = strlen(line);

	while ((found = strstr(found, line)) != NULL) {
		if ((found == t->text.text || found[-1] == '\n') &&
		    found[len] == '\n')
			return true;
		found++;
	}
	return false;
}

static void
what_happened_is_in_the_lines(void **state)
{
	struct metrics_test *t = *state;

	report_fixture_count(&t->f, 0, 0, COUNTER_SESSIONS, 3);
	report_fixture_count(&t->f, 1, 0, COUNTER_SESSIONS, 4);
	report_fixture_count(&t->f, 1, 1, COUNTER_DATAGRAMS_DENIED, 2);
	report_fixture_ended(&t->f, 0, 1, REASON_CONNECT_REFUSED, 5);
	counter_add(&state_server_counters(t->f.state, 0, t->f.places[1])
			 ->events[SERVER_COUNTER_FAILED],
	    6);
	atomic_store(&t->f.state->servers[t->f.places[0]].checked, SERVER_DOWN);
	atomic_store(
	    &t->f.state->workers[1].heartbeat_ms, REPORT_NOW_MS - 12034);
	write_all(t);
	assert_true(has(t, "muxd_build_info{version=\"1.2.3\"} 1"));
	assert_true(has(t, "muxd_start_time_seconds 1699999995.000"));
	assert_true(has(t, "muxd_healthy 1"));
	assert_true(has(t, "muxd_drained 0"));
	assert_true(has(t, "muxd_connections_limit 1000"));
	assert_true(has(t, "muxd_sessions_total{service=\"echo\"} 7"));
	assert_true(has(t, "muxd_sessions_total{service=\"www\"} 0"));
	assert_true(has(t,
	    "muxd_dropped_datagrams_total{service=\"www\",cause=\"denied\"} "
	    "2"));
	assert_true(has(t,
	    "muxd_closes_total{service=\"www\",reason=\"connect_refused\","
	    "by=\"server\"} 5"));
	assert_true(
	    has(t, "muxd_service_connections_limit{service=\"echo\"} 10"));
	assert_false(
	    has(t, "muxd_service_connections_limit{service=\"www\"} 0"));
	assert_true(
	    has(t, "muxd_server_up{pool=\"web\",server=\"a\",place=\"0\"} 0"));
	assert_true(
	    has(t, "muxd_server_up{pool=\"web\",server=\"b\",place=\"0\"} 1"));
	assert_true(has(t,
	    "muxd_server_connect_failures_total{pool=\"web\",server=\"b\","
	    "place=\"0\"} 6"));
	assert_true(has(t, "muxd_worker_up{worker=\"0\"} 1"));
	assert_true(has(t, "muxd_worker_up{worker=\"1\"} 0"));
	assert_true(
	    has(t, "muxd_worker_heartbeat_age_seconds{worker=\"1\"} 12.034"));
}

static void
places_of_a_name_are_told_once_they_exist(void **state)
{
	struct metrics_test *t = *state;
	struct addr addr;
	const char *why;

	write_all(t);
	assert_null(strstr(t->text.text, "server=\"c\""));
	assert_int_equal(addr_parse("198.51.100.7:80", &addr, &why), 0);
	state_server_set(&t->f.state->servers[t->f.places[2] + 1], &addr, 3);
	write_all(t);
	assert_true(
	    has(t, "muxd_server_up{pool=\"web\",server=\"c\",place=\"1\"} 1"));
	assert_true(has(
	    t, "muxd_server_weight{pool=\"web\",server=\"c\",place=\"1\"} 3"));
	assert_null(strstr(t->text.text, "server=\"c\",place=\"0\""));
}

/* Prometheus would take a count that falls for a restart. */
static void
worker_keeps_the_counts_of_services_that_are_gone(void **state)
{
	struct metrics_test *t = *state;
	struct state_service *service = &t->f.state->services[t->f.services[1]];

	report_fixture_count(&t->f, 1, 0, COUNTER_ACCEPTED, 3);
	report_fixture_count(&t->f, 1, 1, COUNTER_ACCEPTED, 4);
	write_all(t);
	assert_true(has(t, "muxd_worker_accepted_total{worker=\"1\"} 7"));
	service->used = 1;
	state_forget(t->f.state, 1, 1);
	assert_string_equal(service->name, "");
	write_all(t);
	assert_true(has(t, "muxd_worker_accepted_total{worker=\"1\"} 7"));
}

static size_t
name_length(const char *s)
{
	size_t len = 0;

	while (isalnum((unsigned char)s[len]) || s[len] == '_')
		len++;
	return len;
}

/* A sample: name{label="value",…} number.  Returns its end. */
static const char *
parse_sample(const char *line)
{
	const char *s = line + name_length(line);
	char *end;

	assert_true(s > line && !isdigit((unsigned char)*line));
	if (*s == '{') {
		do {
			s++;
			assert_true(name_length(s) > 0);
			s += name_length(s);
			assert_memory_equal(s, "=\"", 2);
			for (s += 2; *s != '"'; s++) {
				assert_true(*s != '\n' && *s != '\0');
				if (*s == '\\')
					s++;
			}
			s++;
		} while (*s == ',');
		assert_int_equal(*s++, '}');
	}
	assert_int_equal(*s++, ' ');
	(void)strtod(s, &end);
	assert_true(end > s);
	return end;
}

/* Every family has its two lines first, and all of its samples behind them,
 * each of them once. */
static void
every_line_has_the_form(void **state)
{
	struct metrics_test *t = *state;
	char family[128] = "", type[16];
	const char *line, *end;
	size_t samples = 0;

	write_all(t);
	for (line = t->text.text; *line != '\0'; line = end + 1) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			end = strchr(line, '\n');
			assert_int_equal(
			    sscanf(line, "# HELP %127s", family), 1);
			line = end + 1;
			assert_int_equal(
			    sscanf(line, "# TYPE %127s %15s", family, type), 2);
			assert_true(strcmp(type, "gauge") == 0 ||
			    strcmp(type, "counter") == 0);
			assert_int_equal(strcmp(type, "counter") == 0,
			    strlen(family) > 6 &&
				strcmp(family + strlen(family) - 6, "_total") ==
				    0);
			end = strchr(line, '\n');
			continue;
		}
		assert_int_equal(name_length(line), strlen(family));
		assert_memory_equal(line, family, strlen(family));
		end = parse_sample(line);
		assert_int_equal(*end, '\n');
		samples++;
	}
	assert_true(samples > 60);
}

/* The manual has each family by its name. */
static void
families_are_documented(void **state)
{
	const char *srcdir = getenv("MUXD_SRCDIR"), *line, *end;
	struct metrics_test *t = *state;
	static char manual[200000];
	char path[1000], name[128];
	FILE *file;

	(void)snprintf(
	    path, sizeof(path), "%s/man/muxd.8", srcdir != NULL ? srcdir : ".");
	file = fopen(path, "r");
	assert_non_null(file);
	manual[fread(manual, 1, sizeof(manual) - 1, file)] = '\0';
	(void)fclose(file);
	write_all(t);
	for (line = strstr(t->text.text, "# TYPE "); line != NULL;
	     line = strstr(line + 1, "# TYPE ")) {
		assert_int_equal(sscanf(line, "# TYPE %127s", name), 1);
		end = manual;
		do {
			end = strstr(end + 1, name);
		} while (end != NULL && end[strlen(name)] != ' ' &&
		    end[strlen(name)] != '\n');
		if (end == NULL)
			fail_msg("muxd(8) lacks %s", name);
	}
}

static void
expect_escaped(const char *value, const char *expected)
{
	struct strbuf out = { 0 };

	metrics_escape(&out, value);
	assert_string_equal(out.text, expected);
	strbuf_free(&out);
}

static void
label_values_are_escaped(void **state)
{
	(void)state;
	expect_escaped("plain", "plain");
	expect_escaped("a\"b\\c\nd", "a\\\"b\\\\c\\nd");
	expect_escaped("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	expect_escaped("a\xff\xc3", "a??");
	expect_escaped("\xc0\xaf\xed\xa0\x80", "?????");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_happened_is_in_the_lines),
		TEST(places_of_a_name_are_told_once_they_exist),
		TEST(worker_keeps_the_counts_of_services_that_are_gone),
		TEST(every_line_has_the_form),
		TEST(families_are_documented),
		cmocka_unit_test(label_values_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
