/*
 * Responses, line by line as they come.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/units.h"
#include "load_http.h"

enum { LINES_MAX = 100 };

char *
load_http_request(const struct endpoint *endpoint, const char *path)
{
	char host[ENDPOINT_STRLEN] = "localhost";

	if (endpoint->addr.family != ADDR_UNIX)
		addr_format(&endpoint->addr, host, sizeof(host));
	return mem_printf(
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: muxload\r\n\r\n", path,
	    host);
}

/* What stands behind "Name:" in the line, or NULL if it is another field. */
static const char *
field_value(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}

static bool
status_line(struct load_http *http, const char *line, const char **why)
{
	if (strncmp(line, "HTTP/1.", 7) != 0 || line[7] == '\0') {
		*why = "no response of HTTP/1";
		return false;
	}
	if (strncmp(line + 8, " 200", 4) != 0 ||
	    (line[12] != ' ' && line[12] != '\0')) {
		*why = "a status other than 200";
		return false;
	}
	http->closes = line[7] == '0';
	http->has_length = false;
	http->body = 0;
	return true;
}

static bool
field_line(struct load_http *http, const char *line, const char **why)
{
	const char *value, *ignored;

	if ((value = field_value(line, "Content-Length")) != NULL) {
		if (units_parse_uint(value, &http->body, &ignored) == -1) {
			*why = "a bad Content-Length";
			return false;
		}
		http->has_length = true;
	} else if ((value = field_value(line, "Connection")) != NULL) {
		if (strcasecmp(value, "close") == 0)
			http->closes = true;
		else if (strcasecmp(value, "keep-alive") == 0)
			http->closes = false;
	} else if (field_value(line, "Transfer-Encoding") != NULL) {
		*why = "a body without Content-Length";
		return false;
	}
	return true;
}

/* A line has come, without its end. */
static bool
head_line(struct load_http *http, const char *line, const char **why)
{
	if (http->lines++ == LINES_MAX) {
		*why = "a head without end";
		return false;
	}
	if (http->lines == 1)
		return status_line(http, line, why);
	if (line[0] != '\0')
		return field_line(http, line, why);
	if (!http->has_length) {
		*why = "a body without Content-Length";
		return false;
	}
	http->in_body = true;
	return true;
}

/* Keep part of a line.  What is too long for the room is cut off: no field
 * that counts is. */
static void
keep_part(struct load_http *http, const unsigned char *data, size_t len)
{
	size_t room = sizeof(http->line) - 1 - http->line_len;
	size_t n = len < room ? len : room;

	memcpy(http->line + http->line_len, data, n);
	http->line_len += (unsigned)n;
}

/* Take lines of the head; how many bytes, or 0 for a bad one. */
static size_t
feed_head(struct load_http *http, const unsigned char *data, size_t len,
    const char **why)
{
	const unsigned char *end;
	size_t used = 0, part;

	while (!http->in_body && used < len) {
		end = memchr(data + used, '\n', len - used);
		part = end != NULL ? (size_t)(end - data) - used : len - used;
		keep_part(http, data + used, part);
		used += part;
		if (end == NULL)
			break;
		used++;
		while (http->line_len > 0 &&
		    strchr("\r \t", http->line[http->line_len - 1]) != NULL)
			http->line_len--;
		http->line[http->line_len] = '\0';
		http->line_len = 0;
		if (!head_line(http, http->line, why))
			return 0;
	}
	return used;
}

static void
remember(struct load_http_head *head, const struct load_http *http,
    const unsigned char *data, size_t len)
{
	if (len > sizeof(head->text))
		return;
	memcpy(head->text, data, len);
	head->len = len;
	head->body = http->body;
	head->closes = http->closes;
}

enum load_http_result
load_http_feed(struct load_http *http, struct load_http_head *head,
    const unsigned char *data, size_t len, size_t *used, const char **why)
{
	bool begins = http->lines == 0 && http->line_len == 0;
	size_t n = 0;

	*used = 0;
	if (begins && head->len != 0 && len >= head->len &&
	    memcmp(data, head->text, head->len) == 0) {
		n = head->len;
		http->lines = 1;
		http->in_body = true;
		http->body = head->body;
		http->closes = head->closes;
	} else if (!http->in_body) {
		if ((n = feed_head(http, data, len, why)) == 0)
			return LOAD_HTTP_BAD;
		if (begins && http->in_body)
			remember(head, http, data, n);
	}
	if (http->in_body) {
		len -= n;
		len = len < http->body ? len : (size_t)http->body;
		http->body -= len;
		n += len;
	}
	*used = n;
	if (!http->in_body || http->body != 0)
		return LOAD_HTTP_MORE;
	http->lines = 0;
	http->in_body = false;
	return LOAD_HTTP_DONE;
}
