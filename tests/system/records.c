/*
 * See records.h.
 */
#include "records.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "procfs.h"

void
muxd_show_log(const struct muxd *muxd)
{
	const char *line;
	size_t i, n = capture_lines(muxd->capture);

	print_error("the log of muxd:\n");
	for (i = n > 200 ? n - 200 : 0;
	     (line = capture_line(muxd->capture, i)) != NULL; i++)
		print_error("  %s\n", line);
}

const char *
muxd_wait_tokens(struct muxd *muxd, size_t n, const char *const *tokens)
{
	const char *line = capture_wait(
	    muxd->capture, muxd->mark, n, tokens, test_deadline_ms());
	size_t i;

	if (line != NULL)
		return line;
	print_error("missing from the log (%zu of %zu are there):",
	    capture_count(muxd->capture, muxd->mark, tokens), n);
	for (i = 0; tokens[i] != NULL; i++)
		print_error(" %s", tokens[i]);
	print_error("\n");
	muxd_show_log(muxd);
	fail();
	return NULL;
}

size_t
muxd_count_tokens(struct muxd *muxd, const char *const *tokens)
{
	return capture_count(muxd->capture, muxd->mark, tokens);
}

const char *
muxd_log_line(struct muxd *muxd, size_t nth, const char *const *tokens)
{
	return capture_wait(muxd->capture, muxd->mark, nth + 1, tokens, 0);
}

void
muxd_mark_log(struct muxd *muxd)
{
	muxd->mark = capture_lines(muxd->capture);
}

bool
log_has(const char *line, const char *token)
{
	return capture_line_has(line, token);
}

const char *
log_field(const char *line, const char *key)
{
	char *token = test_format("%s=*", key), *value, *end;
	const char *at;

	if (!log_has(line, token))
		test_fail("no field %s in: %s", key, line);
	token[strlen(token) - 1] = '\0';
	for (at = line; strncmp(at, token, strlen(token)) != 0 ||
	     (at != line && at[-1] != ' ');)
		at++;
	value = test_format("%s", at + strlen(token));
	if (*value == '"') {
		value++;
		for (end = value; *end != '"' && *end != '\0'; end++)
			if (*end == '\\' && end[1] != '\0')
				end++;
	} else
		end = value + strcspn(value, " ");
	*end = '\0';
	return value;
}

int64_t
log_number(const char *line, const char *key)
{
	const char *text = log_field(line, key);
	char *end;
	int64_t value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		test_fail("field %s is no number in: %s", key, line);
	return value;
}

const char *
muxd_address(struct muxd *muxd, const char *service, size_t nth)
{
	const char *tokens[] = { "msg=listening",
		test_format("service=%s", service), NULL };
	const char *line =
	    capture_wait(muxd->capture, 0, nth + 1, tokens, test_deadline_ms());

	if (line == NULL)
		test_fail("service %s has no address %zu", service, nth);
	return log_field(line, "address");
}

static void
started_tokens(unsigned slot, const char *tokens[3])
{
	tokens[0] = "msg=\"worker started\"";
	tokens[1] = test_format("slot=%u", slot);
	tokens[2] = NULL;
}

size_t
muxd_worker_starts(struct muxd *muxd, unsigned slot)
{
	const char *tokens[3];

	started_tokens(slot, tokens);
	return capture_count(muxd->capture, 0, tokens);
}

pid_t
muxd_worker(struct muxd *muxd, unsigned slot)
{
	const char *tokens[3], *line;
	size_t n = muxd_worker_starts(muxd, slot);

	started_tokens(slot, tokens);
	line = capture_wait(
	    muxd->capture, 0, n == 0 ? 1 : n, tokens, test_deadline_ms());
	if (line == NULL)
		test_fail("worker %u has not started", slot);
	return (pid_t)log_number(line, "child");
}

/* The child of the master that is no worker; 0 if there is none now. */
static pid_t
find_monitor(struct muxd *muxd)
{
	static const char *const tokens[] = { "msg=\"worker started\"", NULL };
	pid_t children[64];
	size_t i, j, n = procfs_children(muxd->pid, children, 64);
	const char *line;

	for (i = 0; i < n && i < 64; i++) {
		for (j = 0; (line = capture_wait(
				 muxd->capture, 0, j + 1, tokens, 0)) != NULL;
		     j++)
			if (log_number(line, "child") == children[i])
				break;
		if (line == NULL && procfs_alive(children[i]))
			return children[i];
	}
	return 0;
}

pid_t
muxd_monitor(struct muxd *muxd)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();
	pid_t pid;

	while ((pid = find_monitor(muxd)) == 0) {
		if (test_now_ms() > deadline)
			test_fail("there is no monitor");
		poll(NULL, 0, 1);
	}
	return pid;
}

const char *
muxd_output(struct muxd *muxd)
{
	const char *line;
	size_t i, len = 0;
	char *text;

	for (i = 0; (line = capture_line(muxd->capture, i)) != NULL; i++)
		len += strlen(line) + 1;
	text = test_alloc(len + 1);
	len = 0;
	for (i = 0; (line = capture_line(muxd->capture, i)) != NULL; i++) {
		memcpy(text + len, line, strlen(line));
		len += strlen(line);
		text[len++] = '\n';
	}
	return text;
}
