/*
 * A server is good that answers a request with an expected status.
 */
#include <string.h>

#include "monitor/check.h"

/* What a Host field calls the server, unless it is configured: what the
 * configuration calls it, where that is a name. */
static void
http_host(struct check *check, struct strbuf *out)
{
	const struct conf_server *server = check->server;
	struct addr addr = check->addr;
	char text[ADDR_STRLEN];

	if (check->path != NULL) {
		strbuf_puts(out, "localhost");
	} else if (server->target.kind == TARGET_NAME &&
	    server->check_target.addr.family == ADDR_NONE) {
		strbuf_printf(
		    out, "%s:%u", server->target.host, (unsigned)addr.port);
	} else {
		/* A scope means nothing to anybody else (RFC 6874, 4). */
		addr.scope = 0;
		strbuf_puts(out, addr_format(&addr, text, sizeof(text)));
	}
}

static void
http_begin(struct check *check)
{
	const struct conf_check *conf = &check->setup->pool->check;
	struct strbuf *out = &check->out;

	strbuf_printf(
	    out, "%s %s HTTP/1.1\r\nHost: ", conf->method, conf->path);
	if (conf->host[0] != '\0')
		strbuf_puts(out, conf->host);
	else
		http_host(check, out);
	strbuf_puts(out, "\r\nUser-Agent: muxd\r\n");
	/* A server may insist on a length where the method means a body. */
	if (strcmp(conf->method, "POST") == 0 ||
	    strcmp(conf->method, "PUT") == 0 ||
	    strcmp(conf->method, "PATCH") == 0)
		strbuf_puts(out, "Content-Length: 0\r\n");
	strbuf_puts(out, "Connection: close\r\n\r\n");
	http_status_init(&check->answer.http);
}

static bool
http_expected(const struct conf_check *conf, unsigned status)
{
	for (size_t i = 0; i < conf->nstatus; i++)
		if (status >= conf->status[i].first &&
		    status <= conf->status[i].last)
			return true;
	return false;
}

static bool
http_data(struct check *check, const unsigned char *data, size_t len,
    struct check_result *result)
{
	struct http_status *parser = &check->answer.http;

	switch (http_status_parse(parser, data, len)) {
	case HTTP_STATUS_FINAL:
		result->status = parser->status;
		if (http_expected(&check->setup->pool->check, parser->status)) {
			result->verdict = CHECK_GOOD;
		} else {
			result->verdict = CHECK_BAD;
			result->text = "unexpected status";
		}
		return true;
	case HTTP_STATUS_FAULT:
		result->verdict = CHECK_BAD;
		result->text = "the answer is not HTTP";
		return true;
	default:
		return false;
	}
}

static void
http_end(struct check *check, struct check_result *result)
{
	result->verdict = CHECK_BAD;
	result->text = check->received > 0
	    ? "closed before the answer was complete"
	    : "closed without an answer";
}

const struct check_type check_type_http = {
	.name = "http",
	.drains = true,
	.begin = http_begin,
	.data = http_data,
	.end = http_end,
};
