/*
 * What muxd has answered, in words: see muxctl_answers.h.
 */
#include "muxctl_answers.h"

#include <inttypes.h>
#include <string.h>

#include "muxctl_explain.h"
#include "muxctl_table.h"

static void
print_problem(const json_t *list, const char *kind)
{
	json_t *text;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, text)
	    printf("%-14s %s\n", kind, json_string_value(text));
}

static const char *
load_text(const json_t *load, bool bytes, char *buf)
{
	char held[TABLE_CELL_MAX], max[TABLE_CELL_MAX];
	double is = json_number_value(json_at(load, "held"));
	double most = json_number_value(json_at(load, "max"));
	const char *(*format)(double, char *) =
	    bytes ? format_bytes : format_count;

	if (most > 0)
		(void)snprintf(buf, TABLE_CELL_MAX, "%.60s of %.60s (%.0f%%)",
		    format(is, held), format(most, max), 100 * is / most);
	else
		(void)snprintf(buf, TABLE_CELL_MAX, "%s", format(is, held));
	return buf;
}

static void
print_status(const json_t *answer)
{
	const json_t *status = json_object_get(answer, "status");
	char buf[TABLE_CELL_MAX];

	printf("%-14s %s, process %" JSON_INTEGER_FORMAT ", up %s\n", "muxd",
	    json_string_value(json_at(status, "version")),
	    json_integer_value(json_at(status, "pid")),
	    format_ms(json_number_value(json_at(status, "uptime_ms")), buf));
	printf("%-14s %s\n", "state",
	    json_is_true(json_at(status, "healthy")) ? "healthy"
						     : "not healthy");
	print_problem(json_at(status, "problems"), "problem");
	print_problem(json_at(status, "warnings"), "warning");
	printf("%-14s %s\n", "configuration",
	    json_string_value(json_at(status, "configuration")));
	printf("%-14s %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	       " well\n",
	    "workers", json_integer_value(json_at(status, "workers.well")),
	    json_integer_value(json_at(status, "workers.configured")));
	printf("%-14s %" JSON_INTEGER_FORMAT "\n", "services",
	    json_integer_value(json_at(status, "services")));
	printf("%-14s %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	       " usable\n",
	    "servers", json_integer_value(json_at(status, "servers.usable")),
	    json_integer_value(json_at(status, "servers.configured")));
	printf("%-14s %" JSON_INTEGER_FORMAT "\n", "sessions",
	    json_integer_value(json_at(status, "sessions")));
	printf("%-14s %s\n", "connections",
	    load_text(json_at(status, "connections"), false, buf));
	printf("%-14s %s\n", "memory",
	    load_text(json_at(status, "memory"), true, buf));
}

/* What is wrong with a configuration, or is warned of. */
void
answers_print_messages(FILE *out, const json_t *messages)
{
	const char *file;
	json_int_t line;
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)messages, i, one)
	{
		line = json_integer_value(json_at(one, "line"));
		file = json_string_value(json_at(one, "file"));
		if (file != NULL)
			fprintf(out, "%s", file);
		if (line > 0)
			fprintf(out, ":%" JSON_INTEGER_FORMAT, line);
		fprintf(out, "%s%s%s\n", file != NULL ? ": " : "",
		    json_is_true(json_at(one, "warning")) ? "warning: " : "",
		    json_string_value(json_at(one, "text")));
	}
}

static void
print_addresses(const char *what, const json_t *addresses)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)addresses, i, one)
	    printf("%s %s\n", what, json_string_value(one));
}

/* What a reload would do. */
static void
print_diff(const json_t *answer)
{
	const json_t *changes = json_at(answer, "changes");
	const char *option, *before, *after;
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)changes, i, row)
	{
		option = json_string_value(json_at(row, "option"));
		before = json_string_value(json_at(row, "before"));
		after = json_string_value(json_at(row, "after"));
		if (before != NULL && after != NULL)
			printf("~ %s: %s -> %s\n", option, before, after);
		else
			printf("%c %s%s%s\n",
			    strcmp(json_string_value(json_at(row, "change")),
				"added") == 0
				? '+'
				: '-',
			    option, before != NULL || after != NULL ? ": " : "",
			    before != NULL      ? before
				: after != NULL ? after
						: "");
	}
	print_addresses("opens", json_at(answer, "opens"));
	print_addresses("closes", json_at(answer, "closes"));
	answers_print_messages(stdout, json_at(answer, "messages"));
	if (json_array_size(changes) == 0)
		printf("a reload would change nothing\n");
}

static void
print_node(const char *order)
{
	if (strcmp(order, "enabled") == 0)
		printf("muxd is enabled: new clients are welcome\n");
	else if (strcmp(order, "draining") == 0)
		printf(
		    "muxd is drained: /healthz answers 503, and who comes all"
		    " the same is served\n");
	else
		printf("muxd is drained: /healthz answers 503, and new clients"
		       " are refused\n");
}

/* A sentence about what an order has done. */
static void
print_order(enum command_id id, const json_t *answer)
{
	const char *server = json_string_value(json_at(answer, "server"));
	const char *prefix = json_string_value(json_at(answer, "prefix"));
	json_int_t n;

	switch (id) {
	case COMMAND_DRAIN:
	case COMMAND_DISABLE:
	case COMMAND_ENABLE:
		if (server == NULL) {
			print_node(json_string_value(json_at(answer, "node")));
			break;
		}
		printf("%s is %s\n", server,
		    json_string_value(json_at(answer, "admin")));
		break;
	case COMMAND_SET_WEIGHT:
		printf("%s has weight %" JSON_INTEGER_FORMAT "\n", server,
		    json_integer_value(json_at(answer, "weight")));
		break;
	case COMMAND_SET_MAX_CONNECTIONS:
		n = json_integer_value(json_at(answer, "max_connections"));
		if (n > 0)
			printf("%s may have %" JSON_INTEGER_FORMAT
			       " sessions\n",
			    server, n);
		else
			printf("%s may have any number of sessions\n", server);
		break;
	case COMMAND_KILL:
		n = json_integer_value(json_at(answer, "sessions"));
		printf("%" JSON_INTEGER_FORMAT " session%s told to end\n", n,
		    n == 1 ? " is" : "s are");
		break;
	case COMMAND_BAN:
		printf("%s is banned\n", prefix);
		break;
	case COMMAND_UNBAN:
		printf("%s is no longer banned\n", prefix);
		break;
	case COMMAND_RELOAD:
		answers_print_messages(stdout, json_at(answer, "messages"));
		printf("the configuration is in force\n");
		break;
	case COMMAND_UPGRADE:
		printf("process %" JSON_INTEGER_FORMAT
		       " is the daemon from now on\n",
		    json_integer_value(json_at(answer, "pid")));
		break;
	case COMMAND_STOP:
		printf("muxd stops\n");
		break;
	default:
		break;
	}
}

static void
print_tables(enum command_id id, const json_t *answer)
{
	const struct table *table;
	const char *path;
	size_t nth;

	for (nth = 0; (table = table_of(id, nth, &path)) != NULL; nth++) {
		if (nth > 0)
			putchar('\n');
		table_write(stdout, table, json_at(answer, path), 0, 0);
	}
}

void
answers_print(enum command_id id, const json_t *answer)
{
	const char *path;

	if (id == COMMAND_TRY)
		explain_print_try(answer);
	else if (id == COMMAND_STATUS)
		print_status(answer);
	else if (id == COMMAND_DIFF)
		print_diff(answer);
	else if (id == COMMAND_METRICS)
		fputs(json_string_value(json_at(answer, "metrics")), stdout);
	else if (id == COMMAND_SHOW_CONFIG)
		fputs(json_string_value(json_at(answer, "config")), stdout);
	else if (table_of(id, 0, &path) != NULL)
		print_tables(id, answer);
	else
		print_order(id, answer);
}
