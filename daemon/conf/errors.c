/*
 * The list of what is wrong with a configuration.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/errors.h"

static int
error_fill(
    struct conf_error *error, const char *file, const char *fmt, va_list ap)
{
	int len;
	va_list again;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len == -1)
		return -1;
	error->text = mem_zalloc((size_t)len + 1);
	error->file = mem_strdup(file);
	if (error->text == NULL || error->file == NULL)
		return -1;
	vsnprintf(error->text, (size_t)len + 1, fmt, ap);
	return 0;
}

/* An error that memory does not suffice for is counted all the same, so that
 * nothing wrong passes for right. */
void
conf_error_add(struct conf_errors *errors, bool warning, const char *file,
    int line, const char *fmt, ...)
{
	struct conf_error error = { .line = line, .warning = warning };
	struct conf_error *place;
	va_list ap;
	int filled;

	if (!warning)
		errors->nerrors++;
	va_start(ap, fmt);
	filled = error_fill(&error, file, fmt, ap);
	va_end(ap);
	if (filled == -1)
		goto fail;
	place = mem_push(&errors->items, &errors->n, sizeof(*place));
	if (place == NULL)
		goto fail;
	*place = error;
	return;

fail:
	mem_free(error.text);
	mem_free(error.file);
}

void
conf_errors_free(struct conf_errors *errors)
{
	size_t i;

	for (i = 0; i < errors->n; i++) {
		mem_free(errors->items[i].file);
		mem_free(errors->items[i].text);
	}
	mem_free(errors->items);
	*errors = (struct conf_errors){ 0 };
}

/* What the file held may be quoted in a text: keep a terminal safe. */
static void
print_clean(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			putc(*text, out);
	}
}

void
conf_errors_print(const struct conf_errors *errors, FILE *out)
{
	size_t i, listed = 0;

	for (i = 0; i < errors->n; i++) {
		const struct conf_error *error = &errors->items[i];

		print_clean(error->file, out);
		if (error->line > 0)
			fprintf(out, ":%d", error->line);
		fputs(error->warning ? ": warning: " : ": ", out);
		print_clean(error->text, out);
		putc('\n', out);
		if (!error->warning)
			listed++;
	}
	if (listed < errors->nerrors)
		fputs("out of memory\n", out);
}

/* Where the file stands among those that were read. */
static size_t
file_rank(const struct conf_source *source, const char *name)
{
	size_t i;

	for (i = 0; i < source->nfiles; i++) {
		if (strcmp(source->files[i]->name, name) == 0)
			break;
	}
	return i;
}

/* What is wrong with a file as a whole follows what its lines say. */
static unsigned
line_rank(const struct conf_error *error)
{
	return error->line > 0 ? (unsigned)error->line : UINT_MAX;
}

/* An insertion sort: it is stable, needs no memory, and nearly everything
 * stands in order already. */
void
conf_errors_sort(struct conf_errors *errors, const struct conf_source *source)
{
	size_t i, j;

	for (i = 1; i < errors->n; i++) {
		struct conf_error error = errors->items[i];
		size_t rank = file_rank(source, error.file);

		for (j = i; j > 0; j--) {
			const struct conf_error *before = &errors->items[j - 1];
			size_t other = file_rank(source, before->file);

			if (other < rank ||
			    (other == rank &&
				line_rank(before) <= line_rank(&error)))
				break;
			errors->items[j] = *before;
		}
		errors->items[j] = error;
	}
}
