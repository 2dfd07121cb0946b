/*
 * What is answered to which path: no socket, no HTTP library.
 */
#ifndef MUXD_MONITOR_STATUS_ANSWER_H
#define MUXD_MONITOR_STATUS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "monitor/history.h"
#include "monitor/recent.h"
#include "monitor/report.h"

struct status_request {
	const char *path; /* "/api/status", unescaped */
	/* The value of a parameter behind the "?", unescaped; NULL if there
	 * is none. */
	const char *(*parameter)(void *arg, const char *name);
	void *arg;
	const struct report_source *source;
	const struct recent *recent;
	const struct history *history;
	uint64_t now_ms;
	int64_t now_us;
};

#define STATUS_NONCE_SIZE 33

struct status_answer {
	unsigned code; /* HTTP status */
	const char *type;
	char *body; /* to be released with free(3); NULL without memory */
	size_t len;
	char nonce[STATUS_NONCE_SIZE]; /* of the page's own script and style;
					  "" for everything else */
};

/* From what tokens are taken before a path is answered, and how many: 0 for
 * what a balancer asks, which anybody may at any time. */
enum { STATUS_BUDGET_PAGE, STATUS_BUDGET_METRICS, STATUS_BUDGETS };

struct status_cost {
	unsigned budget;
	unsigned tokens;
};

struct status_cost status_answer_cost(const char *path);

/* Make the answer; code 500 without memory, with body NULL. */
void status_answer(
    const struct status_request *request, struct status_answer *answer);

/* An answer in plain text: text and a line feed. */
void status_answer_text(
    struct status_answer *answer, unsigned code, const char *text);

#endif
