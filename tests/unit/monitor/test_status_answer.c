/*
 * What is answered to which path.
 */
#include "monitor/status_answer.h"

#include <stdlib.h>
#include <string.h>

#include "report_fixture.h"

static struct history history;

struct answer_test {
	struct report_fixture f;
	struct recent *recent;
	const char *name; /* the one parameter of the request, or NULL */
	const char *value;
	struct status_answer answer;
};

static int
setup(void **state)
{
	static struct answer_test t;

	memset(&t, 0, sizeof(t));
	report_fixture_open(&t.f);
	t.recent = recent_open();
	assert_non_null(t.recent);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct answer_test *t = *state;

	free(t->answer.body);
	recent_close(t->recent);
	report_fixture_close(&t->f);
	return 0;
}

static const char *
parameter(void *arg, const char *name)
{
	const struct answer_test *t = arg;

	return t->name != NULL && strcmp(t->name, name) == 0 ? t->value : NULL;
}

static void
ask(struct answer_test *t, const char *path)
{
	const struct status_request request = {
		.path = path,
		.parameter = parameter,
		.arg = t,
		.source = &t->f.source,
		.recent = t->recent,
		.history = &history,
		.now_ms = REPORT_NOW_MS,
		.now_us = 1700000000000000,
	};

	free(t->answer.body);
	status_answer(&request, &t->answer);
	assert_non_null(t->answer.body);
}

static json_t *
ask_json(struct answer_test *t, const char *path)
{
	json_t *value;

	ask(t, path);
	assert_int_equal(t->answer.code, 200);
	assert_string_equal(t->answer.type, "application/json");
	value = json_loadb(t->answer.body, t->answer.len, 0, NULL);
	assert_non_null(value);
	return value;
}

static void
every_report_has_its_path(void **state)
{
	static const char *const parts[] = { "status", "services", "pools",
		"workers", "limits", "errors", "history" };
	static const char *const others[] = { "/api/sessions", "/api/sources",
		"/api/closes" };
	struct answer_test *t = *state;
	json_t *all = ask_json(t, "/api/overview"), *one;
	char path[32];
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		(void)snprintf(path, sizeof(path), "/api/%s", parts[i]);
		one = ask_json(t, path);
		assert_true(json_equal(one, report_at(all, parts[i])));
		json_decref(one);
	}
	json_decref(all);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		json_decref(ask_json(t, others[i]));
}

static void
parameters_reach_the_report(void **state)
{
	struct answer_test *t = *state;
	json_t *one;

	(void)report_fixture_session(&t->f, 0, 0, "192.0.2.1:5");
	(void)report_fixture_session(&t->f, 1, 1, "192.0.2.2:5");
	t->name = "service";
	t->value = "www";
	one = ask_json(t, "/api/sessions");
	assert_int_equal(json_array_size(report_at(one, "sessions")), 1);
	assert_string_equal(
	    report_str(one, "sessions.0.client"), "192.0.2.2:5");
	json_decref(one);
	t->name = "worker";
	t->value = "0";
	one = ask_json(t, "/api/sessions");
	assert_int_equal(json_array_size(report_at(one, "sessions")), 1);
	assert_string_equal(report_str(one, "sessions.0.service"), "echo");
	json_decref(one);
	t->name = "client";
	t->value = "192.0.2.0/24";
	one = ask_json(t, "/api/sessions");
	assert_int_equal(json_array_size(report_at(one, "sessions")), 2);
	json_decref(one);
	t->name = "max";
	t->value = "1";
	one = ask_json(t, "/api/sessions");
	assert_int_equal(json_array_size(report_at(one, "sessions")), 1);
	json_decref(one);
	t->name = "by_worker";
	one = ask_json(t, "/api/services");
	assert_int_equal(json_array_size(report_at(one, "0.workers")), 2);
	json_decref(one);
}

static void
senseless_parameters_are_refused(void **state)
{
	static const char *const bad[][3] = {
		{ "/api/sessions", "max", "x" },
		{ "/api/sessions", "max", "1001" },
		{ "/api/sessions", "max", "-1" },
		{ "/api/sessions", "from", "99999999999999999999" },
		{ "/api/sessions", "worker", "256" },
		{ "/api/sessions", "client", "localhost" },
		{ "/api/sessions", "client", "10.0.0.1/8" },
		{ "/api/sources", "max", "" },
	};
	struct answer_test *t = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		t->name = bad[i][1];
		t->value = bad[i][2];
		ask(t, bad[i][0]);
		if (t->answer.code != 400)
			fail_msg("%s %s", t->name, t->value);
	}
}

static void
health_is_a_status_and_a_text(void **state)
{
	struct answer_test *t = *state;
	unsigned i;

	ask(t, "/healthz");
	assert_int_equal(t->answer.code, 200);
	assert_string_equal(t->answer.body, "ok\n");
	for (i = 0; i < REPORT_WORKERS; i++)
		atomic_store(&t->f.state->workers[i].phase, WORKER_NONE);
	ask(t, "/healthz");
	assert_int_equal(t->answer.code, 503);
	assert_string_equal(t->answer.body, "no worker serves\n");
}

static void
page_has_a_nonce_of_its_own(void **state)
{
	struct answer_test *t = *state;
	char nonce[STATUS_NONCE_SIZE], expected[64];

	ask(t, "/");
	assert_int_equal(t->answer.code, 200);
	assert_string_equal(t->answer.type, "text/html; charset=utf-8");
	assert_int_equal(strlen(t->answer.nonce), STATUS_NONCE_SIZE - 1);
	assert_null(strstr(t->answer.body, "@NONCE@"));
	(void)snprintf(expected, sizeof(expected), "<script nonce=\"%s\">",
	    t->answer.nonce);
	assert_non_null(strstr(t->answer.body, expected));
	assert_int_equal(strlen(t->answer.body), t->answer.len);
	/* No part of it comes from elsewhere. */
	assert_null(strstr(t->answer.body, "src="));
	assert_null(strstr(t->answer.body, "innerHTML"));
	memcpy(nonce, t->answer.nonce, sizeof(nonce));
	ask(t, "/");
	assert_string_not_equal(t->answer.nonce, nonce);
}

static void
other_paths_do_not_exist(void **state)
{
	static const char *const paths[] = { "", "//", "/api", "/api/",
		"/api/status/", "/Metrics", "/../etc/passwd", "/metrics?" };
	struct answer_test *t = *state;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		ask(t, paths[i]);
		assert_int_equal(t->answer.code, 404);
		assert_string_equal(t->answer.nonce, "");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A balancer is always answered; what takes long is to be had less often, and
 * nothing that the page asks for costs Prometheus anything. */
static void
paths_have_their_cost(void **state)
{
	struct status_cost one = status_answer_cost("/api/status");

	(void)state;
	assert_int_equal(status_answer_cost("/healthz").tokens, 0);
	assert_int_equal(one.tokens, 1);
	assert_int_equal(one.budget, STATUS_BUDGET_PAGE);
	assert_int_equal(
	    status_answer_cost("/metrics").budget, STATUS_BUDGET_METRICS);
	assert_int_equal(
	    status_answer_cost("/api/sessions").budget, STATUS_BUDGET_PAGE);
	assert_true(status_answer_cost("/api/sessions").tokens >= 10);
	assert_true(status_answer_cost("/api/sources").tokens >= 10);
	assert_int_equal(status_answer_cost("/nothing").tokens, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_report_has_its_path),
		TEST(parameters_reach_the_report),
		TEST(senseless_parameters_are_refused),
		TEST(health_is_a_status_and_a_text),
		TEST(page_has_a_nonce_of_its_own),
		TEST(other_paths_do_not_exist),
		TEST(paths_have_their_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
