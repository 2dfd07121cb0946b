/*
 * Reading and writing requests.
 */
#include "proc/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* ---- words ---- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Take a word from *from to *to, which is not behind it; false with *why. */
static bool
split_word(const char **from, const char *end, char **to, const char **why)
{
	bool quoted = false;

	for (; *from < end && (quoted || !is_blank(**from)); (*from)++) {
		if (**from == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && **from == '\\') {
			if (*from + 1 == end ||
			    ((*from)[1] != '"' && (*from)[1] != '\\')) {
				*why = "a \\ stands before neither \" nor \\";
				return false;
			}
			(*from)++;
		}
		*(*to)++ = **from;
	}
	if (quoted)
		*why = "a quote is not closed";
	return !quoted;
}

int
request_split(
    char *line, size_t len, const char *words[REQUEST_WORDS], const char **why)
{
	const char *from = line, *end = line + len;
	char *to = line;
	size_t i;
	int n = 0;

	for (i = 0; i < len; i++) {
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') ||
		    line[i] == 0x7f) {
			*why = "it has a control character";
			return -1;
		}
	}
	for (;;) {
		while (from < end && is_blank(*from))
			from++;
		if (from == end)
			return n;
		if (n == REQUEST_WORDS) {
			*why = "it has too many words";
			return -1;
		}
		words[n++] = to;
		if (!split_word(&from, end, &to, why))
			return -1;
		/* What follows was a blank or the end, so there is room. */
		if (from < end)
			from++;
		*to++ = '\0';
	}
}

static bool
is_plain(const char *word)
{
	return *word != '\0' && strpbrk(word, " \t\"\\") == NULL;
}

void
request_write(struct strbuf *out, const char *const *words, size_t n)
{
	const char *p;
	size_t i;

	for (i = 0; i < n; i++) {
		if (i > 0)
			strbuf_puts(out, " ");
		if (is_plain(words[i])) {
			strbuf_puts(out, words[i]);
			continue;
		}
		strbuf_puts(out, "\"");
		for (p = words[i]; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				strbuf_puts(out, "\\");
			strbuf_append(out, p, 1);
		}
		strbuf_puts(out, "\"");
	}
	strbuf_puts(out, "\n");
}

/* ---- commands ---- */

/* How many words the command's name takes up, if they stand there; 0. */
static size_t
name_matches(const char *name, const char *const *words, size_t n)
{
	size_t i, len;

	for (i = 0; i < n; i++) {
		len = strcspn(name, " ");
		if (strlen(words[i]) != len || memcmp(words[i], name, len) != 0)
			return 0;
		if (name[len] == '\0')
			return i + 1;
		name += len + 1;
	}
	return 0;
}

/* The name that was most likely meant: by its first word, or both. */
static const char *
name_suggest(const char *const *words, size_t n)
{
	const char *names[COMMANDS];
	char word[64];
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		names[i] = command_table[i].name;
	if (n > 1) {
		(void)snprintf(word, sizeof(word), "%s %s", words[0], words[1]);
		for (i = 0; i < COMMANDS; i++)
			if (strchr(names[i], ' ') != NULL &&
			    str_suggest(word, &names[i], 1) != NULL)
				return str_suggest(word, names, COMMANDS);
	}
	(void)snprintf(word, sizeof(word), "%s", words[0]);
	return str_suggest(word, names, COMMANDS);
}

/* Name what can follow a first word, such as "show"; false if nothing can. */
static bool
tell_followers(const char *word, char *error)
{
	const char *name;
	size_t len = strlen(word), i;
	int at = 0;

	for (i = 0; i < COMMANDS; i++) {
		name = command_table[i].name;
		if (strncmp(name, word, len) != 0 || name[len] != ' ')
			continue;
		at += snprintf(error + at, REQUEST_ERROR_MAX - (size_t)at,
		    "%s%s%s%s", at == 0 ? "\"" : "", at == 0 ? word : "",
		    at == 0 ? "\" is followed by one of: " : ", ",
		    name + len + 1);
	}
	return at > 0;
}

/* The command that the words begin with, and how many of them name it. */
static const struct command *
find_command(const char *const *words, size_t n, size_t *used, char *error)
{
	const char *suggested;
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		*used = name_matches(command_table[i].name, words, n);
		if (*used > 0)
			return &command_table[i];
	}
	if (n == 0) {
		(void)snprintf(error, REQUEST_ERROR_MAX, "there is no command");
		return NULL;
	}
	if (n == 1 && strlen(words[0]) < 16 && tell_followers(words[0], error))
		return NULL;
	suggested = name_suggest(words, n);
	(void)snprintf(error, REQUEST_ERROR_MAX,
	    "unknown command \"%.32s%s%.32s\"%s%s%s", words[0],
	    n > 1 ? " " : "", n > 1 ? words[1] : "",
	    suggested != NULL ? "; did you mean \"" : "",
	    suggested != NULL ? suggested : "", suggested != NULL ? "\"?" : "");
	return NULL;
}

static int
bad_word(char *error, const char *what, const char *word, const char *why)
{
	(void)snprintf(
	    error, REQUEST_ERROR_MAX, "bad %s \"%.48s\": %s", what, word, why);
	return -1;
}

static int
read_session(const char *word, uint64_t *session)
{
	char *end;

	if (*word == '\0' || strlen(word) > 16 ||
	    strspn(word, "0123456789abcdefABCDEF") != strlen(word))
		return -1;
	*session = strtoull(word, &end, 16);
	return *session != 0 ? 0 : -1;
}

/* src=ADDRESS or service=NAME, in whatever order they come. */
static int
read_assignment(struct request *request, const char *word, char *error)
{
	struct prefix prefix;
	const char *why = "it is not a single address";

	if (strncmp(word, "service=", 8) == 0 && word[8] != '\0') {
		request->service = word + 8;
		return 0;
	}
	if (strncmp(word, "src=", 4) != 0)
		return bad_word(error, "argument", word,
		    "it is neither src=ADDRESS nor service=NAME");
	if (strcmp(word + 4, "unix") == 0) {
		request->client.family = ADDR_UNIX;
		return 0;
	}
	if (prefix_parse(word + 4, &prefix, &why) == -1 ||
	    prefix.bits != (prefix.family == ADDR_INET4 ? 32 : 128))
		return bad_word(error, "address", word + 4, why);
	request->client.family = prefix.family;
	memcpy(request->client.ip, prefix.ip, sizeof(prefix.ip));
	return 0;
}

static int
read_argument(struct request *request, enum argument argument, const char *word,
    char *error)
{
	const char *why = NULL, *slash;

	switch (argument) {
	case ARGUMENT_SERVER:
		slash = strchr(word, '/');
		if (slash == NULL || slash == word || slash[1] == '\0')
			return bad_word(error, "server", word,
			    "it is not of the form POOL/SERVER");
		return 0;
	case ARGUMENT_NUMBER:
		if (units_parse_uint(word, &request->number, &why) == -1)
			return bad_word(error, "number", word, why);
		return 0;
	case ARGUMENT_SESSION:
		if (read_session(word, &request->session) == -1)
			return bad_word(error, "session", word,
			    "it is not the number that records have");
		return 0;
	case ARGUMENT_PREFIX:
		if (prefix_parse(word, &request->prefix, &why) == -1)
			return bad_word(error, "prefix", word, why);
		return 0;
	case ARGUMENT_CLIENT:
	case ARGUMENT_SERVICE:
		return read_assignment(request, word, error);
	default:
		return -1;
	}
}

static int
read_option(struct request *request, const struct command_option *option,
    const char *value, char *error)
{
	const char *why = NULL;

	if ((request->options & option->bit) != 0) {
		(void)snprintf(error, REQUEST_ERROR_MAX, "%s is there twice",
		    option->name);
		return -1;
	}
	request->options |= option->bit;
	if (option->value != NULL && value == NULL) {
		(void)snprintf(error, REQUEST_ERROR_MAX, "%s takes a %s",
		    option->name, option->value);
		return -1;
	}
	switch (option->bit) {
	case OPTION_FOR:
		if (units_parse_duration(value, &request->duration_ms, &why) ==
		    -1)
			return bad_word(error, "duration", value, why);
		if (request->duration_ms == 0)
			return bad_word(error, "duration", value, "it is none");
		return 0;
	case OPTION_LAST:
		if (units_parse_uint(value, &request->number, &why) == -1)
			return bad_word(error, "number", value, why);
		if (request->number == 0)
			return bad_word(error, "number", value, "it is none");
		return 0;
	case OPTION_SOURCE:
		return read_argument(request, ARGUMENT_PREFIX, value, error);
	default:
		return 0;
	}
}

static const struct command_option *
find_option(const struct command *command, const char *word, char *error)
{
	size_t i;

	for (i = 0; i < COMMAND_OPTIONS; i++)
		if ((command->options & command_options[i].bit) != 0 &&
		    strcmp(word, command_options[i].name) == 0)
			return &command_options[i];
	(void)snprintf(error, REQUEST_ERROR_MAX, "\"%s\" does not take %.48s",
	    command->name, word);
	return NULL;
}

static int
check_complete(const struct request *request, size_t given, char *error)
{
	const struct command *command = request->command;
	char usage[COMMAND_USAGE_MAX];

	if (given < command->required) {
		(void)snprintf(error, REQUEST_ERROR_MAX, "usage: %s",
		    command_usage(command, usage, sizeof(usage)));
		return -1;
	}
	if (command->id == COMMAND_TRY &&
	    (request->service == NULL || request->client.family == ADDR_NONE)) {
		(void)snprintf(error, REQUEST_ERROR_MAX, "usage: %s",
		    command_usage(command, usage, sizeof(usage)));
		return -1;
	}
	if ((request->options & OPTION_REFUSE) != 0 && given > 0) {
		(void)snprintf(error, REQUEST_ERROR_MAX,
		    "--refuse is for muxd as a whole, not for a server");
		return -1;
	}
	if (command->id == COMMAND_KILL &&
	    (given > 0) == ((request->options & OPTION_SOURCE) != 0)) {
		(void)snprintf(error, REQUEST_ERROR_MAX,
		    "\"kill\" takes either a SESSION or --source PREFIX");
		return -1;
	}
	return 0;
}

int
request_read(struct request *request, const char *const *words, size_t n,
    char error[REQUEST_ERROR_MAX])
{
	const struct command_option *option;
	const struct command *command;
	size_t i, given = 0;

	memset(request, 0, sizeof(*request));
	error[0] = '\0';
	command = find_command(words, n, &i, error);
	request->command = command;
	if (command == NULL)
		return -1;
	for (; i < n; i++) {
		if (strncmp(words[i], "--", 2) == 0) {
			option = find_option(command, words[i], error);
			if (option == NULL)
				return -1;
			if (option->value != NULL)
				i++;
			if (read_option(request, option,
				i < n ? words[i] : NULL, error) == -1)
				return -1;
			continue;
		}
		if (given == COMMAND_ARGUMENTS ||
		    command->arguments[given] == ARGUMENT_NONE) {
			(void)snprintf(error, REQUEST_ERROR_MAX,
			    "\"%.48s\" is too much", words[i]);
			return -1;
		}
		if (read_argument(request, command->arguments[given], words[i],
			error) == -1)
			return -1;
		request->arguments[given++] = words[i];
	}
	return check_complete(request, given, error);
}
