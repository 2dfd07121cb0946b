/*
 * muxctl: asks muxd, by its control socket, what it does, and tells it what to
 * do.  The command line, and commands that are asked, answered and done.
 */
#include <config.h>

#include "muxctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "muxctl_table.h"

#define WORDS_MAX REQUEST_WORDS

struct arguments {
	const char *path;
	bool json;
	bool complete;
	const char *words[WORDS_MAX];
	size_t n;
};

/* ---- answers ---- */

static void
print_json(const json_t *value)
{
	(void)json_dumpf(value, stdout, JSON_COMPACT);
	putchar('\n');
}

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
static void
print_messages(FILE *out, const json_t *messages)
{
	json_int_t line;
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)messages, i, one)
	{
		line = json_integer_value(json_at(one, "line"));
		fprintf(out, "%s", json_string_value(json_at(one, "file")));
		if (line > 0)
			fprintf(out, ":%" JSON_INTEGER_FORMAT, line);
		fprintf(out, ": %s%s\n",
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
	print_messages(stdout, json_at(answer, "messages"));
	if (json_array_size(changes) == 0)
		printf("a reload would change nothing\n");
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
		print_messages(stdout, json_at(answer, "messages"));
		printf("the configuration is in force\n");
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

static void
print_answer(enum command_id id, const json_t *answer)
{
	const char *path;

	if (id == COMMAND_STATUS)
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

/* ---- a command ---- */

/* What comes before the last line: kept for a table, or printed. */
static void
take_item(const struct muxctl *muxctl, const struct request *request,
    json_t *items, json_t *line)
{
	const char *text = json_string_value(json_object_get(line, "text"));

	if (muxctl->json)
		print_json(line);
	else if (request->command->id == COMMAND_EVENTS && text != NULL)
		printf("%s\n", text);
	else
		(void)json_array_append(items, line);
	if (request->command->id == COMMAND_EVENTS)
		(void)fflush(stdout);
}

static int
finish(const struct muxctl *muxctl, const struct request *request,
    json_t *items, json_t *last)
{
	enum command_id id = request->command->id;
	const char *path;

	if (!link_is_ok(last)) {
		/* The first of the messages is the error, if there are any. */
		if (json_array_size(json_at(last, "messages")) > 0)
			print_messages(stderr, json_at(last, "messages"));
		else
			fprintf(stderr, "muxctl: %s\n",
			    json_string_value(json_object_get(last, "error")));
		if (muxctl->json)
			print_json(last);
		return MUXCTL_REFUSED;
	}
	(void)json_object_del(last, "ok");
	if (muxctl->json) {
		if (json_object_size(last) > 0)
			print_json(last);
	} else if (table_of(id, 0, &path) != NULL && *path == '\0') {
		table_write(stdout, table_of(id, 0, &path), items, 0, 0);
	} else {
		print_answer(id, last);
	}
	return MUXCTL_OK;
}

/* The connection has ended before the answer has. */
static int
broken(const struct request *request)
{
	enum command_id id = request->command->id;

	/* That it ends is what was asked for. */
	if (errno == ECONNRESET &&
	    (id == COMMAND_STOP ||
		(id == COMMAND_WAIT_DRAINED && request->arguments[0] == NULL)))
		return MUXCTL_OK;
	fprintf(stderr, "muxctl: %s\n",
	    errno == ETIMEDOUT        ? "muxd does not answer"
		: errno == ECONNRESET ? "muxd has closed the connection"
		: errno == EPROTO     ? "the answer cannot be understood"
				      : strerror(errno));
	return MUXCTL_REFUSED;
}

int
muxctl_command(struct muxctl *muxctl, const struct request *request,
    const char *const *words, size_t n)
{
	bool waits = request->command->id == COMMAND_WAIT_DRAINED ||
	    request->command->id == COMMAND_RELOAD ||
	    request->command->id == COMMAND_EVENTS;
	int timeout_ms = waits ? LINK_FOR_EVER : LINK_PATIENCE_MS;
	json_t *items = json_array(), *line;
	int status;

	if (link_ask(&muxctl->link, words, n) == -1) {
		json_decref(items);
		return broken(request);
	}
	while ((line = link_read(&muxctl->link, timeout_ms)) != NULL) {
		if (link_is_last(line) &&
		    (request->command->id != COMMAND_EVENTS ||
			!link_is_ok(line)))
			break;
		if (!link_is_last(line))
			take_item(muxctl, request, items, line);
		json_decref(line);
	}
	status = line != NULL ? finish(muxctl, request, items, line)
			      : broken(request);
	json_decref(line);
	json_decref(items);
	return status;
}

int
muxctl_connect(const struct muxctl *muxctl, struct link *link)
{
	if (link_open(link, muxctl->path) == 0)
		return MUXCTL_OK;
	fprintf(stderr, "muxctl: cannot speak with muxd at \"%s\": %s%s\n",
	    muxctl->path, strerror(errno),
	    errno == ENOENT || errno == ECONNREFUSED ? "; does it run?" : "");
	return MUXCTL_USAGE;
}

/* ---- the command line ---- */

static void
print_usage(FILE *out)
{
	fputs("usage: muxctl [-s socket] [--json] [command]\n"
	      "       muxctl -h | -V\n"
	      "\n"
	      "  -s, --socket socket  of the daemon (" MUXCTL_SOCKET ")\n"
	      "  --json               print what the daemon says\n"
	      "  -V, --version        print the version\n"
	      "  -h, --help           print this\n"
	      "\n"
	      "Without a command, on a terminal: a prompt.  The commands are:\n"
	      "\n",
	    out);
	muxctl_help(out);
}

void
muxctl_help(FILE *out)
{
	char usage[COMMAND_USAGE_MAX];
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-44s %s\n",
		    command_usage(&command_table[i], usage, sizeof(usage)),
		    command_table[i].help);
}

static int
usage_error(const char *what)
{
	fprintf(stderr, "muxctl: %s\nTry \"muxctl --help\".\n", what);
	return MUXCTL_USAGE;
}

static bool
is_option(const char *word, const char *brief, const char *full)
{
	return strcmp(word, brief) == 0 || strcmp(word, full) == 0;
}

/* Before the command.  The number of words taken; 0: no option. */
static int
read_option(struct arguments *arguments, char **argv, int left)
{
	if (is_option(argv[0], "-s", "--socket")) {
		if (left < 2)
			return -1;
		arguments->path = argv[1];
		return 2;
	}
	if (strcmp(argv[0], "--complete") == 0) {
		arguments->complete = true;
		return 1;
	}
	return 0;
}

/* -1 to go on, else the exit status. */
static int
read_arguments(struct arguments *arguments, int argc, char **argv)
{
	int i, taken;

	for (i = 1; i < argc; i++) {
		taken = 0;
		if (arguments->n == 0) {
			if (!arguments->complete &&
			    is_option(argv[i], "-h", "--help")) {
				print_usage(stdout);
				return MUXCTL_OK;
			}
			if (!arguments->complete &&
			    is_option(argv[i], "-V", "--version")) {
				puts("muxctl " PACKAGE_VERSION);
				return MUXCTL_OK;
			}
			taken = read_option(arguments, argv + i, argc - i);
		}
		if (taken == -1)
			return usage_error("-s takes a path");
		if (taken > 0) {
			i += taken - 1;
		} else if (!arguments->complete &&
		    strcmp(argv[i], "--json") == 0) {
			arguments->json = true;
		} else if (arguments->n == 0 && argv[i][0] == '-' &&
		    !arguments->complete) {
			return usage_error("unknown option");
		} else if (arguments->n == WORDS_MAX) {
			return usage_error("too many words");
		} else {
			arguments->words[arguments->n++] = argv[i];
		}
	}
	return -1;
}

static void
print_candidate(void *arg, const char *candidate)
{
	(void)arg;
	puts(candidate);
}

/* For the shell, which wants words and no complaint. */
static int
run_complete(const struct arguments *arguments)
{
	struct link link;
	bool connected = link_open(&link, arguments->path) == 0;

	muxctl_complete(connected ? &link : NULL, arguments->words,
	    arguments->n, print_candidate, NULL);
	if (connected)
		link_close(&link);
	return MUXCTL_OK;
}

static int
run_command(struct muxctl *muxctl, const struct arguments *arguments)
{
	char error[REQUEST_ERROR_MAX];
	struct request request;
	int status;

	if (request_read(&request, arguments->words, arguments->n, error) == -1)
		return usage_error(error);
	if (request.command->id == COMMAND_HELP) {
		muxctl_help(stdout);
		return MUXCTL_OK;
	}
	if (request.command->id == COMMAND_TOP)
		return muxctl_top(muxctl);
	status = muxctl_connect(muxctl, &muxctl->link);
	if (status != MUXCTL_OK)
		return status;
	status =
	    muxctl_command(muxctl, &request, arguments->words, arguments->n);
	link_close(&muxctl->link);
	return status;
}

int
main(int argc, char **argv)
{
	struct arguments arguments = { .path = MUXCTL_SOCKET };
	struct muxctl muxctl = { .link = { .fd = -1 } };
	int status = read_arguments(&arguments, argc, argv);

	if (status != -1)
		return status;
	if (arguments.complete)
		return run_complete(&arguments);
	muxctl.path = arguments.path;
	muxctl.json = arguments.json;
	if (arguments.n > 0)
		status = run_command(&muxctl, &arguments);
	else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		status = muxctl_prompt(&muxctl);
	else
		status = usage_error("there is no command");
	/* What could not be written was not told. */
	if (fflush(stdout) == EOF && status == MUXCTL_OK)
		status = MUXCTL_REFUSED;
	return status;
}
