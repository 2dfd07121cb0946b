/*
 * Quantities as text; see units.h.  Everything is exact: what does not come
 * out as a whole number of the smallest unit is refused, not rounded.
 */
#include "base/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/compat.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Smallest first: the order in which a format tries them. */
static const struct unit durations[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 3600 * 1000 },
	{ "d", 86400 * 1000 },
};

static const struct unit sizes[] = {
	{ "B", 1 },
	{ "K", 1024 },
	{ "M", 1024 * 1024 },
	{ "G", 1024 * 1024 * 1024 },
};

static const struct unit periods[] = {
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 3600 * 1000 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* With more, a fraction times the largest factor would overflow. */
#define DECIMALS_MAX 9

/* A decimal number: digits, and perhaps a point and digits. */
struct number {
	uint64_t whole;
	uint64_t fraction; /* of scale */
	uint64_t scale;    /* a power of ten, 1 without fraction */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Read digits; returns where they end, or NULL with *why. */
static const char *
read_whole(const char *text, uint64_t *value, const char **why)
{
	uint64_t v = 0;

	if (!is_digit(*text)) {
		*why = "a number is expected";
		return NULL;
	}
	for (; is_digit(*text); text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (v > (UINT64_MAX - digit) / 10) {
			*why = "the number is too large";
			return NULL;
		}
		v = v * 10 + digit;
	}
	*value = v;
	return text;
}

/* Read what stands behind a point. */
static const char *
read_fraction(const char *text, struct number *number, const char **why)
{
	size_t digits = strspn(text, "0123456789"), used = digits;

	if (digits == 0) {
		*why = "digits are expected after the point";
		return NULL;
	}
	while (used > 0 && text[used - 1] == '0')
		used--;
	if (used > DECIMALS_MAX) {
		*why = "it has too many decimals";
		return NULL;
	}
	for (size_t i = 0; i < used; i++) {
		number->fraction =
		    number->fraction * 10 + (unsigned)(text[i] - '0');
		number->scale *= 10;
	}
	return text + digits;
}

/* number * factor, which must come out whole. */
static int
multiply(const struct number *number, uint64_t factor, uint64_t *value,
    const char **why)
{
	uint64_t part = number->fraction * factor;

	if (part % number->scale != 0) {
		*why = "it is no whole number of the smallest unit";
		return -1;
	}
	part /= number->scale;
	if (number->whole > (UINT64_MAX - part) / factor) {
		*why = "the number is too large";
		return -1;
	}
	*value = number->whole * factor + part;
	return 0;
}

/* unit_why tells which units there are. */
static int
parse_quantity(const char *text, const struct unit *units, size_t n,
    const char *unit_why, uint64_t *value, const char **why)
{
	struct number number = { .scale = 1 };

	text = read_whole(text, &number.whole, why);
	if (text != NULL && *text == '.')
		text = read_fraction(text + 1, &number, why);
	if (text == NULL)
		return -1;
	if (*text == '\0' && number.whole == 0 && number.fraction == 0) {
		*value = 0;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, units[i].name) == 0)
			return multiply(&number, units[i].factor, value, why);
	*why = unit_why;
	return -1;
}

int
units_parse_duration(const char *text, uint64_t *ms, const char **why)
{
	return parse_quantity(text, durations, COUNT(durations),
	    "a unit is expected after the number: ms, s, m, h or d", ms, why);
}

int
units_parse_size(const char *text, uint64_t *bytes, const char **why)
{
	return parse_quantity(text, sizes, COUNT(sizes),
	    "a unit is expected after the number: B, K, M or G", bytes, why);
}

int
units_parse_rate(const char *text, struct rate *rate, const char **why)
{
	uint64_t count;

	text = read_whole(text, &count, why);
	if (text == NULL)
		return -1;
	if (count > UINT32_MAX) {
		*why = "the number is too large";
		return -1;
	}
	if (count == 0 && *text == '\0')
		text = "/s";
	for (size_t i = 0; i < COUNT(periods) && *text == '/'; i++) {
		if (strcmp(text + 1, periods[i].name) != 0)
			continue;
		rate->count = (uint32_t)count;
		/* No limit is the same in every period. */
		rate->period_ms = (uint32_t)periods[count > 0 ? i : 0].factor;
		return 0;
	}
	*why = "a period is expected after the number: /s, /m or /h";
	return -1;
}

int
units_parse_uint(const char *text, uint64_t *value, const char **why)
{
	text = read_whole(text, value, why);
	if (text == NULL)
		return -1;
	if (*text != '\0') {
		*why = "a whole number is expected, without a unit";
		return -1;
	}
	return 0;
}

/*
 * The value in one unit; false if it is less than one of them, or has a
 * fraction that does not end.
 */
static bool
format_in(uint64_t value, const struct unit *unit, char *buf, size_t size)
{
	char decimals[DECIMALS_MAX + 2] = "";
	uint64_t rest = value % unit->factor;
	size_t n = 0;

	if (value < unit->factor)
		return false;
	if (rest > 0)
		decimals[n++] = '.';
	while (rest > 0) {
		uint64_t digit = rest * 10 / unit->factor;

		if (n > DECIMALS_MAX)
			return false;
		decimals[n++] = (char)('0' + digit);
		rest = rest * 10 - digit * unit->factor;
	}
	decimals[n] = '\0';
	(void)snprintf(buf, size, "%" PRIu64 "%s%s", value / unit->factor,
	    decimals, unit->name);
	return true;
}

static const char *
format_quantity(
    uint64_t value, const struct unit *units, size_t n, char *buf, size_t size)
{
	char best[UNITS_STRLEN] = "0", text[UNITS_STRLEN];
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		if (!format_in(value, &units[i], text, sizeof(text)))
			continue;
		if (!found || strlen(text) < strlen(best))
			memcpy(best, text, sizeof(best));
		found = true;
	}
	(void)compat_strlcpy(buf, best, size);
	return buf;
}

const char *
units_format_duration(uint64_t ms, char *buf, size_t size)
{
	return format_quantity(ms, durations, COUNT(durations), buf, size);
}

const char *
units_format_size(uint64_t bytes, char *buf, size_t size)
{
	return format_quantity(bytes, sizes, COUNT(sizes), buf, size);
}

const char *
units_format_rate(struct rate rate, char *buf, size_t size)
{
	const char *period = periods[0].name;

	if (rate.count == 0) {
		(void)compat_strlcpy(buf, "0", size);
		return buf;
	}
	for (size_t i = 0; i < COUNT(periods); i++)
		if (periods[i].factor == rate.period_ms)
			period = periods[i].name;
	(void)snprintf(buf, size, "%" PRIu32 "/%s", rate.count, period);
	return buf;
}
