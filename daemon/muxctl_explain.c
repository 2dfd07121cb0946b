/*
 * Explanations: see muxctl_explain.h.
 */
#include "muxctl_explain.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "muxctl_table.h"

#define LABEL "  %-9s "

static double
number(const json_t *row, const char *path)
{
	return json_number_value(json_at(row, path));
}

static const char *
text(const json_t *row, const char *path)
{
	const char *found = json_string_value(json_at(row, path));

	return found != NULL ? found : "";
}

/* Of ms, to the point where it matters. */
static const char *
exact_ms(double ms, char *buf)
{
	if (ms >= 60000)
		return format_ms(ms, buf);
	if (ms >= 1000)
		(void)snprintf(buf, TABLE_CELL_MAX, "%.3fs", ms / 1000);
	else
		(void)snprintf(buf, TABLE_CELL_MAX, "%.4gms", ms);
	return buf;
}

/* Local time, as people say it. */
static const char *
wall_time(double us, char *buf)
{
	time_t when = (time_t)(us / 1000000);
	char date[32] = "";
	struct tm tm;

	if (localtime_r(&when, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		date[0] = '\0';
	(void)snprintf(buf, TABLE_CELL_MAX, "%s.%03d", date,
	    (int)((us / 1000000 - (double)when) * 1000));
	return buf;
}

/* " (muxd.conf:12)". */
static void
print_place(const json_t *object)
{
	if (*text(object, "file") != '\0')
		printf(
		    " (%s:%.0f)", text(object, "file"), number(object, "line"));
}

/* "limit.rate = 5/s (muxd.conf:12)" */
static void
print_option(const json_t *object)
{
	if (*text(object, "option") == '\0') {
		printf("of a service that is gone");
		return;
	}
	printf("%s = %s", text(object, "option"), text(object, "value"));
	print_place(object);
	if (*text(object, "file") == '\0')
		printf(" (the default)");
}

/* ---- a session that has ended, or a client that was turned away ---- */

static void
print_end(const json_t *row)
{
	const char *detail = text(row, "detail");

	printf(LABEL "%s, by %s: %s%s%s\n",
	    strcmp(text(row, "kind"), "session") == 0 ? "ended" : "refused",
	    text(row, "reason"), text(row, "by"), text(row, "reason_text"),
	    *detail != '\0' ? ": " : "", detail);
	if (number(row, "errno") != 0)
		printf(LABEL "%.0f, %s\n", "errno", number(row, "errno"),
		    text(row, "error"));
	if (json_at(row, "setting") != NULL) {
		printf(LABEL, "set by");
		print_option(json_at(row, "setting"));
		putchar('\n');
	}
	if (number(row, "left_out") > 0)
		printf(LABEL "%.0f others, before it and without a record in"
			     " the log\n",
		    "with", number(row, "left_out"));
}

/* A limit of then, and what it is now. */
static void
print_limit(const json_t *limit)
{
	const char *max = text(limit, "max"), *now = text(limit, "value");
	char quoted[TABLE_CELL_MAX];

	if (limit == NULL)
		return;
	(void)snprintf(quoted, sizeof(quoted), "\"%s\"", max);
	printf(LABEL "%s, ", "limit", max);
	if (strcmp(now, max) != 0 && strcmp(now, quoted) != 0 &&
	    *text(limit, "file") != '\0')
		printf("now ");
	print_option(limit);
	putchar('\n');
}

static void
print_rule(const json_t *rule)
{
	const char *kind = text(rule, "rule");

	if (rule == NULL)
		return;
	printf(LABEL, "rule");
	if (strcmp(kind, "allow") == 0)
		printf("nothing in allow fits");
	else
		printf("%s %s", kind, text(rule, "prefix"));
	print_place(rule);
	putchar('\n');
}

static void
print_server(const json_t *row)
{
	const char *address = text(row, "server_address");
	char buf[TABLE_CELL_MAX];

	if (*text(row, "server") == '\0')
		return;
	printf(LABEL "%s", "server", text(row, "server"));
	if (*address != '\0')
		printf(" (%s)", address);
	if (json_at(row, "choice") != NULL)
		printf(": %s, %s", text(row, "choice.balance"),
		    text(row, "choice.text"));
	putchar('\n');
	if (json_at(row, "attempts") == NULL)
		return;
	printf(LABEL "%.0f", "attempts", number(row, "attempts"));
	if (number(row, "connect_ms") > 0)
		printf(", connected after %s",
		    exact_ms(number(row, "connect_ms"), buf));
	if (*text(row, "failures") != '\0')
		printf("; failed: %s", text(row, "failures"));
	putchar('\n');
}

static void
print_times(const json_t *row)
{
	double limit = number(row, "waited.limit_ms");
	double server = number(row, "waited.server_ms");
	char buf[TABLE_CELL_MAX];

	if (json_at(row, "duration_ms") != NULL) {
		printf(LABEL "%s", "lasted",
		    exact_ms(number(row, "duration_ms"), buf));
		if (*text(row, "phase") != '\0')
			printf(", ended in phase %s", text(row, "phase"));
		putchar('\n');
	}
	if (limit > 0)
		printf(
		    LABEL "%s for a limit\n", "waited", exact_ms(limit, buf));
	if (server > 0)
		printf(
		    LABEL "%s for a server\n", "waited", exact_ms(server, buf));
}

static void
print_bytes(const json_t *row)
{
	char in[TABLE_CELL_MAX], out[TABLE_CELL_MAX];

	if (json_at(row, "bytes_in") == NULL)
		return;
	printf(LABEL "%s from the client, %s to it", "bytes",
	    format_bytes(number(row, "bytes_in"), in),
	    format_bytes(number(row, "bytes_out"), out));
	if (json_at(row, "datagrams_in") != NULL)
		printf("; datagrams %.0f and %.0f", number(row, "datagrams_in"),
		    number(row, "datagrams_out"));
	putchar('\n');
}

static void
print_tcp(const json_t *row, const char *side)
{
	const json_t *tcp = json_at(json_at(row, "tcp"), side);
	char rtt[TABLE_CELL_MAX], var[TABLE_CELL_MAX], ago[TABLE_CELL_MAX];

	if (tcp == NULL)
		return;
	printf(LABEL "%s: rtt %s +- %s, %.0f retransmits, %.0f unacked, "
		     "%.0f lost, %.0f bytes unsent, last heard of %s before\n",
	    "tcp", side, exact_ms(number(tcp, "rtt_us") / 1000, rtt),
	    exact_ms(number(tcp, "rtt_variation_us") / 1000, var),
	    number(tcp, "retransmits"), number(tcp, "unacked"),
	    number(tcp, "lost"), number(tcp, "unsent_bytes"),
	    exact_ms(number(tcp, "received_ago_ms"), ago));
}

static void
print_head(const json_t *row, double us, const char *kind)
{
	const char *listener = text(row, "listener"), *peer = text(row, "peer");
	char buf[TABLE_CELL_MAX];

	printf("%s  %s", wall_time(us, buf), kind);
	if (*text(row, "session") != '\0')
		printf(" %s", text(row, "session"));
	printf("  %s", text(row, "client"));
	if (*peer != '\0')
		printf(" (told by %s)", peer);
	printf(" to %s", text(row, "service"));
	if (*listener != '\0')
		printf(", %s", listener);
	if (json_at(row, "worker") != NULL)
		printf(", worker %.0f", number(row, "worker"));
	putchar('\n');
}

static void
print_past(const json_t *row)
{
	bool session = strcmp(text(row, "kind"), "session") == 0;

	print_head(row, number(row, session ? "start_us" : "end_us"),
	    session ? "session" : "refused");
	print_end(row);
	print_limit(json_at(row, "limit"));
	print_rule(json_at(row, "rule"));
	print_server(row);
	print_times(row);
	print_bytes(row);
	print_tcp(row, "client");
	print_tcp(row, "server");
}

static void
print_live(const json_t *row)
{
	print_head(row, number(row, "start_us"), "session");
	printf(LABEL "now, in phase %s\n", "lives", text(row, "phase"));
	if (*text(row, "server") != '\0')
		printf(LABEL "%s\n", "server", text(row, "server"));
	print_bytes(row);
}

void
explain_print(const json_t *sessions, const json_t *last)
{
	json_t *row;
	size_t i, past = 0;

	json_array_foreach((json_t *)(uintptr_t)sessions, i, row)
	{
		if (i > 0)
			putchar('\n');
		if (strcmp(text(row, "kind"), "live") == 0) {
			print_live(row);
		} else {
			print_past(row);
			past++;
		}
	}
	if (last == NULL)
		return;
	if (i > 0)
		putchar('\n');
	if (!json_is_true(json_at(last, "remembers")))
		printf("sessions that have ended are not remembered:"
		       " log.remember is off\n");
	else if (past == 0)
		printf("nothing of this client is among the %.0f sessions and"
		       " refusals that are remembered\n",
		    number(last, "kept"));
	else
		printf("%.0f of %.0f that are remembered of it\n", (double)past,
		    number(last, "found"));
}

/* ---- what would be ---- */

static void
print_try_limits(const json_t *answer)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(answer, "limits"), i, row)
	{
		printf(LABEL "%.0f of %s%s, ", "limit", number(row, "held"),
		    text(row, "max"),
		    json_is_true(json_at(row, "full")) ? ", full" : "");
		print_option(row);
		putchar('\n');
	}
}

static void
print_try_server(const json_t *row)
{
	printf("  %c %s (%s): %s, weight %.0f, %.0f sessions",
	    json_is_true(json_at(row, "picked")) ? '*' : ' ', text(row, "name"),
	    text(row, "address"), text(row, "status"), number(row, "weight"),
	    number(row, "sessions"));
	if (number(row, "max") > 0)
		printf(" of %.0f%s", number(row, "max"),
		    number(row, "sessions") >= number(row, "max") ? ", full"
								  : "");
	if (json_is_true(json_at(row, "backup")))
		printf(", backup");
	print_place(row);
	putchar('\n');
}

static void
print_try_pool(const json_t *pool)
{
	json_t *row;
	size_t i;

	if (pool == NULL)
		return;
	printf(LABEL "%s", "pool", text(pool, "name"));
	if (json_at(pool, "choice") != NULL)
		printf(": %s, %s", text(pool, "choice.balance"),
		    text(pool, "choice.text"));
	printf("; %.0f of %.0f wait\n", number(pool, "waiting"),
	    number(pool, "queue"));
	json_array_foreach(json_object_get(pool, "servers"), i, row)
	    print_try_server(row);
}

void
explain_print_try(const json_t *answer)
{
	json_t *note;
	size_t i;

	printf("%s to %s: %s, %s\n", text(answer, "client"),
	    text(answer, "service"), text(answer, "verdict"),
	    text(answer, "text"));
	print_rule(json_at(answer, "rule"));
	print_try_limits(answer);
	print_try_pool(json_at(answer, "pool"));
	json_array_foreach(json_object_get(answer, "notes"), i, note)
	    printf(LABEL "%s\n", "note", json_string_value(note));
}
