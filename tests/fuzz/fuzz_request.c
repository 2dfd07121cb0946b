/*
 * Any bytes through the parser of the control socket: whatever comes, words
 * lie within the line, errors within their buffer, and what was read and is
 * written again reads the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proc/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* Written and cut again, the words are the same. */
static void
check_round_trip(const char *const *words, size_t n)
{
	const char *again[REQUEST_WORDS], *why;
	struct strbuf out = { 0 };
	size_t len, i;
	char *text;

	request_write(&out, words, n);
	text = strbuf_steal(&out);
	require(text != NULL);
	len = strlen(text);
	require(len > 0 && text[len - 1] == '\n');
	require(request_split(text, len - 1, again, &why) == (int)n);
	for (i = 0; i < n; i++)
		require(strcmp(words[i], again[i]) == 0);
	mem_free(text);
}

static void
check_request(const char *const *words, size_t n)
{
	char error[REQUEST_ERROR_MAX];
	struct request request;
	size_t i;

	memset(error, 'x', sizeof(error));
	if (request_read(&request, words, n, error) == -1) {
		require(memchr(error, '\0', sizeof(error)) != NULL);
		require(error[0] != '\0');
		return;
	}
	require(request.command != NULL);
	require((request.options & ~request.command->options) == 0);
	for (i = 0; i < request.command->required; i++)
		require(request.arguments[i] != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *words[REQUEST_WORDS], *why = NULL;
	char *line;
	int n, i;

	if (size > REQUEST_MAX)
		return 0;
	/* As large as it must be, so that a byte too much is seen. */
	line = malloc(size + 1);
	require(line != NULL);
	memcpy(line, data, size);
	n = request_split(line, size, words, &why);
	require(n >= -1 && n <= REQUEST_WORDS);
	require(n != -1 || why != NULL);
	for (i = 0; i < n; i++)
		require(words[i] >= line && words[i] <= line + size &&
		    strlen(words[i]) <= (size_t)(line + size - words[i]));
	if (n != -1) {
		check_round_trip(words, (size_t)n);
		check_request(words, (size_t)n);
	}
	free(line);
	return 0;
}
