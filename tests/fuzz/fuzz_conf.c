/*
 * Any text as a configuration: it is refused with errors, or it loads, and
 * then its dump reads back as the same configuration.  What the pass before
 * libconfuse lets through, libconfuse must not stumble over.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static char *
dump(const struct conf *conf, bool origins)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	require(out != NULL);
	require(conf_dump(conf, out, origins) == 0);
	require(fclose(out) == 0);
	return text;
}

/* The text loads without a word, and dumps as expected. */
static void
require_dump(const char *text, const char *expected)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = conf_parse(text, "dump", &errors);
	char *again;

	require(conf != NULL);
	/* These can be warned about again. */
	require(strstr(expected, "defer_accept") != NULL ||
	    strstr(expected, "\npool ") != NULL || errors.n == 0);
	again = dump(conf, false);
	require(strcmp(again, expected) == 0);
	free(again);
	conf_free(conf);
	conf_errors_free(&errors);
}

/* With its origins, the text dumps as it is. */
static void
require_origins(const char *text)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = conf_parse_with_origins(text, "dump", &errors);
	char *again;

	require(conf != NULL);
	again = dump(conf, true);
	require(strcmp(again, text) == 0);
	free(again);
	conf_free(conf);
	conf_errors_free(&errors);
}

static void
check_errors(const struct conf *conf, const struct conf_errors *errors)
{
	size_t i, n = 0;

	for (i = 0; i < errors->n; i++) {
		require(strncmp(errors->items[i].text, "libconfuse", 10) != 0);
		require(errors->items[i].line >= 0);
		n += !errors->items[i].warning;
	}
	require(n == errors->nerrors);
	require((conf == NULL) == (n > 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_errors errors = { 0 };
	struct conf *conf;
	char *text = malloc(size + 1);
	char *plain, *marked;

	require(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	conf = conf_parse(text, "fuzz", &errors);
	check_errors(conf, &errors);
	conf_errors_free(&errors);
	free(text);
	if (conf == NULL)
		return 0;
	plain = dump(conf, false);
	marked = dump(conf, true);
	conf_free(conf);
	require_dump(plain, plain);
	require_dump(marked, plain);
	require_origins(marked);
	free(plain);
	free(marked);
	return 0;
}
