/*
 * Any bytes through the parsers of base.  The first byte chooses one.  What a
 * parser takes must read back to the same after it was written; a record must
 * lie within its bytes, and its line must be one line.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/log_format.h"
#include "base/units.h"

#define TEXT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* Whether a parser that returned rc kept to its contract; true if it took
 * the text. */
static bool
taken(int rc, const char *why)
{
	require(rc >= -1);
	require((rc == -1) == (why != NULL));
	return rc != -1;
}

static void
fuzz_addr(const char *text)
{
	struct addr addr, back;
	struct sockaddr_storage ss;
	char out[ADDR_STRLEN];
	const char *why = NULL;
	int rc;
	socklen_t len;

	rc = addr_parse(text, &addr, &why);
	if (!taken(rc, why))
		return;
	(void)addr_format(&addr, out, sizeof(out));
	require(addr_parse(out, &back, &why) == 0);
	require(memcmp(&addr, &back, sizeof(addr)) == 0);
	len = addr_to_sockaddr(&addr, &ss);
	addr_from_sockaddr(&back, (struct sockaddr *)&ss, len);
	require(memcmp(&addr, &back, sizeof(addr)) == 0);
}

static void
fuzz_endpoint(const char *text)
{
	struct endpoint ep[2], back[2];
	char out[ENDPOINT_STRLEN];
	const char *why = NULL;
	int n = endpoint_parse(text, ep, &why);

	if (!taken(n, why))
		return;
	require(n == 1 || n == 2);
	for (int i = 0; i < n; i++) {
		(void)endpoint_format(&ep[i], out, sizeof(out));
		require(endpoint_parse(out, back, &why) == 1);
		require(endpoint_equal(&ep[i], &back[0]));
	}
}

static void
fuzz_prefix(const char *text)
{
	struct prefix prefix, back;
	struct addr addr = { .family = ADDR_NONE };
	char out[PREFIX_STRLEN];
	const char *why = NULL;
	int rc;

	rc = prefix_parse(text, &prefix, &why);
	if (!taken(rc, why))
		return;
	(void)prefix_format(&prefix, out, sizeof(out));
	require(prefix_parse(out, &back, &why) == 0);
	require(prefix.family == back.family && prefix.bits == back.bits);
	require(memcmp(prefix.ip, back.ip, sizeof(prefix.ip)) == 0);
	addr.family = prefix.family;
	memcpy(addr.ip, prefix.ip, sizeof(addr.ip));
	require(prefix_match(&prefix, &addr));
}

static void
fuzz_duration(const char *text)
{
	char out[UNITS_STRLEN];
	const char *why = NULL;
	int rc;
	uint64_t value, back;

	rc = units_parse_duration(text, &value, &why);
	if (!taken(rc, why))
		return;
	(void)units_format_duration(value, out, sizeof(out));
	require(units_parse_duration(out, &back, &why) == 0 && back == value);
}

static void
fuzz_size(const char *text)
{
	char out[UNITS_STRLEN];
	const char *why = NULL;
	int rc;
	uint64_t value, back;

	rc = units_parse_size(text, &value, &why);
	if (!taken(rc, why))
		return;
	(void)units_format_size(value, out, sizeof(out));
	require(units_parse_size(out, &back, &why) == 0 && back == value);
}

static void
fuzz_rate(const char *text)
{
	char out[UNITS_STRLEN];
	const char *why = NULL;
	int rc;
	struct rate rate, back;

	rc = units_parse_rate(text, &rate, &why);
	if (!taken(rc, why))
		return;
	(void)units_format_rate(rate, out, sizeof(out));
	require(units_parse_rate(out, &back, &why) == 0);
	require(rate.count == back.count && rate.period_ms == back.period_ms);
}

static void
fuzz_uint(const char *text)
{
	const char *why = NULL;
	int rc;
	uint64_t value;

	rc = units_parse_uint(text, &value, &why);
	(void)taken(rc, why);
}

/* One line, with nothing in it that a terminal obeys. */
static void
require_line(const char *line, size_t len)
{
	require(len > 0 && len < LOG_LINE_MAX && line[len] == '\0');
	require(line[len - 1] == '\n');
	for (size_t i = 0; i < len - 1; i++)
		require((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
}

static void
fuzz_log(const uint8_t *data, size_t size)
{
	static char line[LOG_LINE_MAX];
	struct log_view view;
	size_t len;

	while ((len = log_view_next(data, size, &view)) > 0) {
		struct log_field field;
		unsigned fields = 0;
		size_t at = 0;

		require(len <= size && len <= LOG_RECORD_MAX);
		while (log_view_field(&view, &at, &field)) {
			require(field.value >= data);
			require(field.value + field.len <= data + len);
			fields++;
		}
		require(fields == view.nfields);
		require_line(
		    line, log_format_line(&view, LOG_FORMAT_LOGFMT, line));
		require_line(
		    line, log_format_line(&view, LOG_FORMAT_JSON, line));
		require(log_format_message(&view, line) < LOG_LINE_MAX);
		data += len;
		size -= len;
	}
}

/* By the digit that an input begins with; behind them are log records. */
static void (*const text_targets[])(const char *) = { fuzz_addr, fuzz_endpoint,
	fuzz_prefix, fuzz_duration, fuzz_size, fuzz_rate, fuzz_uint };

#define NTARGETS (sizeof(text_targets) / sizeof(text_targets[0]))

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX];
	size_t target;

	if (size == 0)
		return 0;
	target = (size_t)(data[0] - '0');
	data++;
	size--;
	if (data[-1] < '0' || target >= NTARGETS) {
		fuzz_log(data, size);
		return 0;
	}
	if (size < sizeof(text)) {
		if (size > 0)
			memcpy(text, data, size);
		text[size] = '\0';
		text_targets[target](text);
	}
	return 0;
}
