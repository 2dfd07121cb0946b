/*
 * Completion, for the shell and for the prompt: commands out of the table, and
 * names out of the running daemon.
 */
#include <stdio.h>
#include <string.h>

#include "muxctl.h"
#include "muxctl_table.h"

struct completion {
	struct link *link;
	const char *partial; /* what the candidates begin with */
	void (*each)(void *arg, const char *candidate);
	void *arg;
};

static void
offer(const struct completion *completion, const char *candidate)
{
	size_t len = strlen(completion->partial);

	if (strncmp(candidate, completion->partial, len) == 0)
		completion->each(completion->arg, candidate);
}

/* The nth word of a name, into buf; false if it has fewer. */
static bool
nth_word(const char *name, size_t nth, char *buf, size_t size)
{
	size_t len;

	while (nth-- > 0) {
		name += strcspn(name, " ");
		if (*name == '\0')
			return false;
		name++;
	}
	len = strcspn(name, " ");
	(void)snprintf(buf, size, "%.*s", (int)len, name);
	return true;
}

/* Whether the first n words of a name are these. */
static bool
begins_with(const char *name, const char *const *words, size_t n)
{
	char word[64];
	size_t i;

	for (i = 0; i < n; i++)
		if (!nth_word(name, i, word, sizeof(word)) ||
		    strcmp(word, words[i]) != 0)
			return false;
	return true;
}

/* Words of names that go on from the n words before; each once. */
static void
complete_names(
    const struct completion *completion, const char *const *words, size_t n)
{
	char word[64], before[64] = "";
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		if (!begins_with(command_table[i].name, words, n) ||
		    !nth_word(command_table[i].name, n, word, sizeof(word)))
			continue;
		/* Those that share a word stand together. */
		if (strcmp(word, before) != 0)
			offer(completion, word);
		(void)snprintf(before, sizeof(before), "%s", word);
	}
}

static void
complete_servers(const struct completion *completion)
{
	static const char *const words[] = { "show", "servers" };
	json_t *answer = link_query(completion->link, words, 2), *row;
	char name[TABLE_CELL_MAX];
	size_t i;

	json_array_foreach(json_object_get(answer, "servers"), i, row)
	{
		(void)snprintf(name, sizeof(name), "%s/%s",
		    json_string_value(json_object_get(row, "pool")),
		    json_string_value(json_object_get(row, "name")));
		offer(completion, name);
	}
	json_decref(answer);
}

static void
complete_bans(const struct completion *completion)
{
	static const char *const words[] = { "show", "bans" };
	json_t *answer = link_query(completion->link, words, 2), *row;
	size_t i;

	json_array_foreach(json_object_get(answer, "bans"), i, row) offer(
	    completion, json_string_value(json_object_get(row, "prefix")));
	json_decref(answer);
}

/* service=NAME */
static void
complete_services(const struct completion *completion)
{
	static const char *const words[] = { "show", "services" };
	json_t *answer = link_query(completion->link, words, 2), *row;
	char name[TABLE_CELL_MAX];
	size_t i;

	json_array_foreach(json_object_get(answer, "services"), i, row)
	{
		(void)snprintf(name, sizeof(name), "service=%s",
		    json_string_value(json_object_get(row, "name")));
		offer(completion, name);
	}
	json_decref(answer);
}

static void
complete_argument(const struct completion *completion,
    const struct command *command, size_t nth)
{
	enum argument argument =
	    nth < COMMAND_ARGUMENTS ? command->arguments[nth] : ARGUMENT_NONE;
	size_t i;

	for (i = 0; i < COMMAND_OPTIONS; i++)
		if ((command->options & command_options[i].bit) != 0)
			offer(completion, command_options[i].name);
	offer(completion, "--json");
	if (command->id == COMMAND_EXPLAIN && nth == 0)
		offer(completion, "--try");
	if (command->id == COMMAND_TRY)
		offer(completion, "src=");
	if (completion->link == NULL)
		return;
	if (argument == ARGUMENT_SERVER)
		complete_servers(completion);
	else if (command->id == COMMAND_TRY)
		complete_services(completion);
	else if (command->id == COMMAND_UNBAN && nth == 0)
		complete_bans(completion);
}

/* The command that the n words begin with, and how many of them name it. */
static const struct command *
command_of(const char *const *words, size_t n, size_t *used)
{
	const char *name;
	size_t i, k;

	for (i = 0; i < COMMANDS; i++) {
		name = command_table[i].name;
		*used = strchr(name, ' ') != NULL ? 2 : 1;
		for (k = 0; k < *used && k < n; k++)
			continue;
		if (k == *used && begins_with(name, words, k))
			return &command_table[i];
	}
	return NULL;
}

void
muxctl_complete(struct link *link, const char *const *words, size_t n,
    void (*each)(void *arg, const char *candidate), void *arg)
{
	const struct completion completion = {
		.link = link,
		.partial = n > 0 ? words[n - 1] : "",
		.each = each,
		.arg = arg,
	};
	size_t before = n > 0 ? n - 1 : 0, used;
	const struct command *command = command_of(words, before, &used);

	if (command == NULL)
		complete_names(&completion, words, before);
	else
		complete_argument(&completion, command, before - used);
}
