/*
 * muxctl: asks muxd, by its control socket, what it does, and tells it what to
 * do.  The command line, and commands that are asked, answered and done.
 */
#include <config.h>

#include "muxctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "muxctl_answers.h"
#include "muxctl_explain.h"
#include "muxctl_table.h"

#define WORDS_MAX REQUEST_WORDS

struct arguments {
	const char *path;
	bool json;
	bool complete;
	const char *words[WORDS_MAX];
	size_t n;
};

static void
print_json(const json_t *value)
{
	(void)json_dumpf(value, stdout, JSON_COMPACT);
	putchar('\n');
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
		/* What was told before is true. */
		if (id == COMMAND_EXPLAIN && json_array_size(items) > 0)
			explain_print(items, NULL);
		/* The first of the messages is the error, if there are any. */
		if (json_array_size(json_at(last, "messages")) > 0)
			answers_print_messages(
			    stderr, json_at(last, "messages"));
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
	} else if (id == COMMAND_EXPLAIN) {
		explain_print(items, last);
	} else if (table_of(id, 0, &path) != NULL && *path == '\0') {
		table_write(stdout, table_of(id, 0, &path), items, 0, 0);
	} else {
		answers_print(id, last);
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
	    request->command->id == COMMAND_UPGRADE ||
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

/* The same for programs. */
static void
print_commands(void)
{
	char usage[COMMAND_USAGE_MAX];
	json_t *commands = json_array(), *line;
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		(void)json_array_append_new(commands,
		    json_pack("{s:s,s:s,s:s}", "name", command_table[i].name,
			"usage",
			command_usage(&command_table[i], usage, sizeof(usage)),
			"help", command_table[i].help));
	line = json_pack("{s:o}", "commands", commands);
	print_json(line);
	json_decref(line);
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
		if (muxctl->json)
			print_commands();
		else
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
