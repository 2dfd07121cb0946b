/*
 * The command to explain what has become of a client: live sessions out of the
 * ledger, and what the monitor remembers.
 *
 * The monitor is asked once, and then looked at from time to time.  Of one that
 * is stopped nothing is heard; it is not asked again until it has answered or
 * is replaced.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "monitor/explain.h"
#include "proc/control_commands.h"
#include "proc/question.h"

#define EXPLAIN_MS      2000 /* as long may the monitor take */
#define EXPLAIN_LOOK_MS 5

#define LIVE_MAX        20 /* live sessions told of */
#define LAST_DEFAULT    5  /* of the others */

/* ---- the question ---- */

/* Be done with the one under way. */
static void
explain_close(struct control_question *asked)
{
	question_close(asked->question);
	*asked = (struct control_question){ 0 };
}

/* Whether another one can be asked now. */
static bool
explain_may_ask(struct control *control)
{
	struct control_question *asked = &control->question;
	struct question_answer answer;

	if (asked->question != NULL && asked->owner == NULL &&
	    (asked->monitor != control->sup->monitor.pid ||
		question_is_answered(asked->question, &answer)))
		explain_close(asked);
	return asked->question == NULL;
}

/* -1 with errno. */
static int
explain_ask(struct control_client *client)
{
	struct control *control = client->control;
	const struct request *request = &client->job.request;
	struct control_question *asked = &control->question;
	uint64_t last = LAST_DEFAULT;
	int fd, error = 0;

	if ((request->options & OPTION_LAST) != 0)
		last = request->number;
	if (last > QUESTION_RECORDS_MAX)
		last = QUESTION_RECORDS_MAX;
	errno = ESRCH;
	if (!supervisor_monitor_alive(control->sup))
		return -1;
	asked->question = question_make(&request->prefix, (unsigned)last, &fd);
	if (asked->question == NULL)
		return -1;
	if (channel_send_fds(control->sup->monitor.channel, MESSAGE_QUESTION, 0,
		&fd, 1) == -1)
		error = errno;
	(void)close(fd);
	asked->owner = client;
	asked->monitor = control->sup->monitor.pid;
	if (error == 0)
		return 0;
	explain_close(asked);
	errno = error;
	return -1;
}

/* ---- the answer ---- */

static void
explain_tell(
    struct control_client *client, const struct question_answer *answer)
{
	struct report_source source = control_source(client);
	unsigned char *records = mem_zalloc(answer->len + 1);
	struct log_view view;
	size_t at = 0, n;

	if (records == NULL) {
		control_client_succeed(client, NULL);
		return;
	}
	/* What is taken apart must not change meanwhile. */
	memcpy(records, answer->records, answer->len);
	while (at < answer->len &&
	    (n = log_view_next(records + at, answer->len - at, &view)) > 0) {
		control_client_send(client, explain_record(&source, &view));
		at += n;
	}
	mem_free(records);
	control_client_succeed(client,
	    json_pack("{s:b,s:I,s:I}", "remembers", answer->remembers, "found",
		(json_int_t)answer->found, "kept", (json_int_t)answer->kept));
}

static void
explain_fail(struct control_client *client)
{
	control_client_fail(client,
	    "the monitor does not answer, which remembers past sessions");
}

static void
explain_go_on(struct control_client *client)
{
	struct control *control = client->control;
	struct control_question *asked = &control->question;
	uint64_t now = loop_now(control->sup->loop);
	struct question_answer answer;

	if (asked->owner != client && explain_may_ask(control) &&
	    explain_ask(client) == -1) {
		explain_fail(client);
		return;
	}
	if (asked->owner == client &&
	    question_is_answered(asked->question, &answer)) {
		explain_tell(client, &answer);
		explain_close(asked);
		return;
	}
	if (now >= client->job.deadline_ms ||
	    (asked->owner == client &&
		asked->monitor != control->sup->monitor.pid)) {
		if (asked->owner == client)
			asked->owner = NULL;
		explain_fail(client);
		return;
	}
	control_client_work(client, explain_go_on, EXPLAIN_LOOK_MS);
}

/* Those that go on now. */
static void
explain_live(struct control_client *client)
{
	struct report_source source = control_source(client);
	const struct report_filter filter = {
		.client = client->job.request.prefix,
		.max = LIVE_MAX,
	};
	json_t *report = report_sessions(&source, &filter), *row;
	size_t i;

	json_array_foreach(json_object_get(report, "sessions"), i, row)
	{
		control_set_session(row);
		(void)json_object_set_new(row, "kind", json_string("live"));
		control_client_send(client, json_incref(row));
	}
	json_decref(report);
}

void
control_explain(struct control_client *client)
{
	client->job.deadline_ms =
	    loop_now(client->control->sup->loop) + EXPLAIN_MS;
	explain_live(client);
	explain_go_on(client);
}
