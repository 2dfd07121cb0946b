/*
 * The answers: see http_response.h.
 */
#include "service/http_response.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"

/* The registered ones (RFC 9110, 15 and the IANA registry). */
static const struct {
	unsigned status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 203, "Non-Authoritative Information" },
	{ 204, "No Content" },
	{ 205, "Reset Content" },
	{ 206, "Partial Content" },
	{ 207, "Multi-Status" },
	{ 208, "Already Reported" },
	{ 226, "IM Used" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 305, "Use Proxy" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 424, "Failed Dependency" },
	{ 425, "Too Early" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 506, "Variant Also Negotiates" },
	{ 507, "Insufficient Storage" },
	{ 508, "Loop Detected" },
	{ 511, "Network Authentication Required" },
};

static const char *const connection_fields[HTTP_CONNECTIONS] = {
	[HTTP_KEEP] = "",
	[HTTP_KEEP_1_0] = "Connection: keep-alive\r\n",
	[HTTP_CLOSE] = "Connection: close\r\n",
};

/* A date of the right length until the first refresh. */
static const char no_date[] = "Thu, 01 Jan 1970 00:00:00 GMT";

const char *
http_reason_phrase(unsigned status)
{
	size_t i;

	for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "";
}

void
http_date_format(int64_t seconds, char out[HTTP_DATE_LEN + 1])
{
	/* In English whatever the locale. */
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t time = (time_t)seconds;
	char text[64];
	struct tm tm;

	memcpy(out, no_date, sizeof(no_date));
	if (gmtime_r(&time, &tm) == NULL)
		return;
	/* Only a clock beyond the year 9999 gives another length. */
	if (snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT",
		days[tm.tm_wday % 7], tm.tm_mday, months[tm.tm_mon % 12],
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		tm.tm_sec) == HTTP_DATE_LEN)
		memcpy(out, text, HTTP_DATE_LEN + 1);
}

/* Whether the status forbids a body, and with it Content-Length (RFC 9110,
 * 6.4.1 and 8.6). */
static bool
status_is_bare(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}

/* Write the head, up to the empty line; *date_at is where the date stands. */
static void
response_head(struct strbuf *sb, const struct conf_http *conf, size_t body_len,
    enum http_connection connection, size_t *date_at)
{
	size_t i;

	strbuf_printf(sb, "HTTP/1.1 %u %s\r\nDate: ", conf->status,
	    http_reason_phrase(conf->status));
	*date_at = sb->len;
	strbuf_printf(sb, "%s\r\n", no_date);
	if (body_len > 0 && conf->content_type != NULL &&
	    conf->content_type[0] != '\0')
		strbuf_printf(sb, "Content-Type: %s\r\n", conf->content_type);
	if (!status_is_bare(conf->status))
		strbuf_printf(sb, "Content-Length: %zu\r\n", body_len);
	for (i = 0; i < conf->nheaders; i++)
		strbuf_printf(sb, "%s\r\n", conf->headers[i]);
	strbuf_printf(sb, "%s\r\n", connection_fields[connection]);
}

int
http_response_open(struct http_response *response, const struct conf_http *conf)
{
	struct strbuf sb = { .text = NULL };
	struct http_text *text;
	size_t body_len = conf->body_len;
	unsigned i;

	memset(response, 0, sizeof(*response));
	/* 205 has a body, of no bytes (RFC 9110, 15.3.6). */
	if (status_is_bare(conf->status) || conf->status == 205)
		body_len = 0;
	for (i = 0; i < HTTP_CONNECTIONS; i++) {
		text = &response->texts[i];
		response_head(&sb, conf, body_len, i, &response->date_at);
		text->head_len = sb.len;
		if (body_len <= HTTP_INLINE_MAX)
			strbuf_append(&sb, conf->body, body_len);
		text->len = sb.len;
		text->text = strbuf_steal(&sb);
		if (text->text == NULL)
			goto fail;
	}
	if (body_len > HTTP_INLINE_MAX) {
		response->body = conf->body;
		response->body_len = body_len;
	}
	memcpy(response->date, no_date, sizeof(no_date));
	return 0;
fail:
	http_response_close(response);
	return -1;
}

void
http_response_close(struct http_response *response)
{
	unsigned i;

	for (i = 0; i < HTTP_CONNECTIONS; i++) {
		mem_free(response->texts[i].text);
		response->texts[i].text = NULL;
	}
}

void
http_response_refresh(
    struct http_response *response, uint64_t now_ms, int64_t (*wall_us)(void))
{
	int64_t wall;
	unsigned i;

	if (now_ms < response->date_until_ms)
		return;
	wall = wall_us();
	http_date_format(wall / 1000000, response->date);
	response->date_until_ms =
	    now_ms + 1000 - (uint64_t)(wall / 1000 % 1000);
	for (i = 0; i < HTTP_CONNECTIONS; i++)
		memcpy(response->texts[i].text + response->date_at,
		    response->date, HTTP_DATE_LEN);
}

size_t
http_response_error(const struct http_response *response, unsigned status,
    bool with_body, char *buf)
{
	const char *phrase = http_reason_phrase(status);
	char body[64];
	int body_len, n;

	body_len = snprintf(body, sizeof(body), "%u %s\n", status, phrase);
	n = snprintf(buf, HTTP_ERROR_MAX,
	    "HTTP/1.1 %u %s\r\n"
	    "Date: %s\r\n"
	    "Content-Type: text/plain\r\n"
	    "Content-Length: %d\r\n"
	    "%s\r\n%s",
	    status, phrase, response->date, body_len,
	    connection_fields[HTTP_CLOSE], with_body ? body : "");
	return n < 0 ? 0 : (size_t)n;
}
