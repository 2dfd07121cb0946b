/*
 * A server is good whose first bytes contain what is expected, after it was
 * sent some.  Over UDP one datagram goes out, and all that is expected must
 * stand in one that comes back; a lost one is a failed check.
 */
#include "monitor/check.h"

static void
send_begin(struct check *check)
{
	const struct conf_check *conf = &check->setup->pool->check;

	strbuf_append(&check->out, conf->send, conf->send_len);
	check->answer.found = 0;
}

static bool
send_data(struct check *check, const unsigned char *data, size_t len,
    struct check_result *result)
{
	if (check->datagram)
		check->answer.found = 0;
	result->verdict = CHECK_GOOD;
	return match_feed(
	    &check->setup->expect, &check->answer.found, data, len);
}

static void
send_end(struct check *check, struct check_result *result)
{
	result->verdict = CHECK_BAD;
	result->text = check->received > 0 ? "unexpected answer"
					   : "closed without an answer";
}

const struct check_type check_type_send = {
	.name = "send",
	.begin = send_begin,
	.data = send_data,
	.end = send_end,
};
