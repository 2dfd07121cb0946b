/*
 * Lines of many connections on one terminal, which nothing that comes from
 * the network can steer.
 */
#include <stdio.h>
#include <string.h>

#include "load_show.h"

/* Longer lines are shown in parts. */
enum { PART_MAX = 65000 };

static void
print_name(const struct load_show *show)
{
	char address[ENDPOINT_STRLEN];

	printf("%s#%u",
	    endpoint_format(show->endpoint, address, sizeof(address)),
	    show->number);
}

static void
print_text(const struct load_show *show, const char *text, size_t len)
{
	unsigned char c;
	size_t i;

	print_name(show);
	fputs(": ", stdout);
	for (i = 0; i < len; i++) {
		c = (unsigned char)text[i];
		if (c == '\\')
			fputs("\\\\", stdout);
		else if (c == '\t')
			fputs("\\t", stdout);
		else if (c == '\r')
			fputs("\\r", stdout);
		else if (c < ' ' || c >= 0x7f)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	putchar('\n');
}

void
load_show_event(const struct load_show *show, const char *what, int error)
{
	print_name(show);
	printf(" %s%s%s\n", what, error != 0 ? ": " : "",
	    error != 0 ? strerror(error) : "");
}

void
load_show_flush(struct load_show *show)
{
	if (show->part.len != 0)
		print_text(show, show->part.text, show->part.len);
	strbuf_free(&show->part);
	show->stale = false;
}

uint64_t
load_show_data(struct load_show *show, const char *data, size_t len)
{
	uint64_t lines = 0;
	const char *end;
	size_t n;

	while (len > 0) {
		end = memchr(data, '\n', len);
		n = end != NULL ? (size_t)(end - data) : len;
		if (end != NULL && show->part.len == 0) {
			print_text(show, data, n);
		} else {
			strbuf_append(&show->part, data, n);
			show->stale = false;
			if (end != NULL || show->part.len > PART_MAX)
				load_show_flush(show);
		}
		if (end != NULL) {
			lines++;
			n++;
		}
		data += n;
		len -= n;
	}
	return lines;
}

void
load_show_tick(struct load_show *show)
{
	if (show->stale)
		load_show_flush(show);
	show->stale = show->part.len != 0;
}
