/*
 * Typed values: words and strings.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/units.h"
#include "conf/values.h"
#include "conf/values_common.h"

/* ---- words --------------------------------------------------------------------- */

static int
parse_boolean(struct conf_value *value, void *base)
{
	static const struct {
		const char *word;
		bool truth;
	} words[] = { { "true", true }, { "yes", true }, { "on", true },
		{ "false", false }, { "no", false }, { "off", false } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(value->text, words[i].word) == 0) {
			memcpy((char *)base + value->option->offset,
			    &words[i].truth, sizeof(bool));
			return 0;
		}
	}
	return conf_value_wrong(
	    value, "it must be true, yes or on, or false, no or off");
}

static bool
format_boolean(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	bool truth;

	if (i > 0)
		return false;
	memcpy(&truth, (const char *)base + option->offset, sizeof(truth));
	strbuf_puts(out, truth ? "true" : "false");
	return true;
}

const struct conf_type conf_type_boolean = {
	.name = "boolean", .parse = parse_boolean, .format = format_boolean
};

/* The value of the word, or -1 with what it may be. */
static int
find_word(struct conf_value *value)
{
	const struct conf_option *option = value->option;
	const char *known[16], *similar;
	char bounds[CONF_BOUNDS_STRLEN];
	unsigned i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		known[i] = option->word(i);
		if (known[i] == NULL)
			break;
		if (strcmp(known[i], value->text) == 0)
			return (int)i;
	}
	similar = str_suggest(value->text, known, i);
	if (similar != NULL)
		snprintf(value->why, sizeof(value->why), "did you mean \"%s\"?",
		    similar);
	else
		snprintf(value->why, sizeof(value->why), "it must be one of %s",
		    conf_value_bounds(option, bounds, sizeof(bounds)));
	return -1;
}

static int
parse_word(struct conf_value *value, void *base)
{
	int word = find_word(value);

	if (word == -1)
		return -1;
	conf_value_store(value->option, base, (uint64_t)word);
	return 0;
}

static bool
format_word(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	if (i > 0)
		return false;
	strbuf_puts(out, option->word((unsigned)conf_value_load(option, base)));
	return true;
}

const struct conf_type conf_type_word = { .name = "word",
	.quoted = true,
	.parse = parse_word,
	.format = format_word };

/* ---- strings ---------------------------------------------------------------------- */

char **
conf_value_string(const struct conf_option *option, void *base)
{
	return (char **)(void *)((char *)base + option->offset);
}

static int
store_string(struct conf_value *value, void *base)
{
	char **string = conf_value_string(value->option, base);
	char *copy = mem_strdup(value->text);

	if (copy == NULL)
		return conf_value_wrong(value, "out of memory");
	mem_free(*string);
	*string = copy;
	return 0;
}

static int
parse_word_name(struct conf_value *value, void *base)
{
	return find_word(value) == -1 ? -1 : store_string(value, base);
}

static int
parse_string(struct conf_value *value, void *base)
{
	const struct conf_option *option = value->option;
	const char *why = NULL;

	if (conf_value_check(value, strlen(value->text)) == -1)
		return -1;
	if (option->check != NULL)
		why = option->check(value->text);
	if (why != NULL)
		return conf_value_wrong(value, why);
	return store_string(value, base);
}

static bool
format_string(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	char *const *string =
	    (char *const *)(const void *)((const char *)base + option->offset);

	if (i > 0 || *string == NULL)
		return false;
	strbuf_puts(out, *string);
	return true;
}

static void
release_string(const struct conf_option *option, void *base)
{
	mem_free(*conf_value_string(option, base));
}

const struct conf_type conf_type_word_name = { .name = "word",
	.quoted = true,
	.parse = parse_word_name,
	.format = format_string,
	.release = release_string };

const struct conf_type conf_type_string = { .name = "string",
	.quoted = true,
	.parse = parse_string,
	.format = format_string,
	.release = release_string,
	.bound = units_format_size };

static int
parse_bytes(struct conf_value *value, void *base)
{
	size_t len = strlen(value->text);

	if (conf_value_check(value, len) == -1 ||
	    store_string(value, base) == -1)
		return -1;
	memcpy((char *)base + value->option->count, &len, sizeof(len));
	return 0;
}

static bool
format_bytes(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	char *const *bytes =
	    (char *const *)(const void *)((const char *)base + option->offset);
	size_t len;

	if (i > 0 || *bytes == NULL)
		return false;
	memcpy(&len, (const char *)base + option->count, sizeof(len));
	strbuf_append(out, *bytes, len);
	return true;
}

const struct conf_type conf_type_bytes = { .name = "string",
	.quoted = true,
	.parse = parse_bytes,
	.format = format_bytes,
	.release = release_string,
	.bound = units_format_size };

/* ---- the log's target ---------------------------------------------------------------- */

static int
parse_log_target(struct conf_value *value, void *base)
{
	static const char prefix[] = "file:";
	struct conf_log *log =
	    (struct conf_log *)(void *)((char *)base + value->option->offset);
	const char *path = value->text + sizeof(prefix) - 1;
	char *copy = NULL;
	int target = LOG_TARGET_FILE;

	if (strncmp(value->text, prefix, sizeof(prefix) - 1) != 0) {
		target = find_word(value);
		if (target == -1)
			return -1;
	} else if (path[0] != '/' || path[1] == '\0') {
		return conf_value_wrong(
		    value, "an absolute path is expected behind \"file:\"");
	} else {
		copy = mem_strdup(path);
		if (copy == NULL)
			return conf_value_wrong(value, "out of memory");
	}
	mem_free(log->path);
	log->path = copy;
	log->target = (enum conf_log_target)target;
	return 0;
}

static bool
format_log_target(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	const struct conf_log *log =
	    (const struct conf_log *)(const void *)((const char *)base +
		option->offset);

	if (i > 0)
		return false;
	if (log->target == LOG_TARGET_FILE)
		strbuf_printf(out, "file:%s", log->path);
	else
		strbuf_puts(out, option->word(log->target));
	return true;
}

static void
release_log_target(const struct conf_option *option, void *base)
{
	struct conf_log *log =
	    (struct conf_log *)(void *)((char *)base + option->offset);

	mem_free(log->path);
}

const struct conf_type conf_type_log_target = { .name = "word",
	.quoted = true,
	.parse = parse_log_target,
	.format = format_log_target,
	.release = release_log_target };
