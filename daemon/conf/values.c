/*
 * Typed values: numbers, and what all types share.
 */
#include "conf/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compat.h"
#include "base/mem.h"
#include "base/units.h"
#include "conf/values_common.h"

int
conf_value_wrong(struct conf_value *value, const char *why)
{
	snprintf(value->why, sizeof(value->why), "%s", why);
	return -1;
}

const char *
conf_value_bounds(const struct conf_option *option, char *buf, size_t size)
{
	const struct conf_type *type = option->type;
	struct strbuf out = { 0 };
	char text[UNITS_STRLEN];
	const char *word;
	unsigned i;

	for (i = 0; option->word != NULL; i++) {
		word = option->word(i);
		if (word == NULL)
			break;
		strbuf_printf(&out, "%s%s", i > 0 ? ", " : "", word);
	}
	if (type->bound != NULL) {
		if (option->zero)
			strbuf_printf(&out, "%s, or ",
			    option->zero_word != NULL ? option->zero_word
						      : "0");
		if (option->min > 0)
			strbuf_puts(
			    &out, type->bound(option->min, text, sizeof(text)));
		strbuf_printf(&out, "%s %s%s",
		    option->min > 0 ? " to" : "up to",
		    type->bound(option->max, text, sizeof(text)),
		    type->counts != NULL ? type->counts : "");
	}
	if (out.text != NULL)
		(void)compat_strlcpy(buf, out.text, size);
	word = out.text != NULL ? buf : NULL;
	strbuf_free(&out);
	return word;
}

/* ---- numbers ----------------------------------------------------------------- */

/* Members differ in width. */
void
conf_value_store(const struct conf_option *option, void *base, uint64_t number)
{
	char *at = (char *)base + option->offset;
	uint32_t number32 = (uint32_t)number;
	uint16_t number16 = (uint16_t)number;

	if (option->size == sizeof(number))
		memcpy(at, &number, sizeof(number));
	else if (option->size == sizeof(number32))
		memcpy(at, &number32, sizeof(number32));
	else
		memcpy(at, &number16, sizeof(number16));
}

uint64_t
conf_value_load(const struct conf_option *option, const void *base)
{
	const char *at = (const char *)base + option->offset;
	uint64_t number = 0;
	uint32_t number32;
	uint16_t number16;

	if (option->size == sizeof(number)) {
		memcpy(&number, at, sizeof(number));
		return number;
	}
	if (option->size == sizeof(number32)) {
		memcpy(&number32, at, sizeof(number32));
		return number32;
	}
	memcpy(&number16, at, sizeof(number16));
	return number16;
}

int
conf_value_check(struct conf_value *value, uint64_t number)
{
	const struct conf_option *option = value->option;
	char bounds[CONF_BOUNDS_STRLEN];

	if (number == 0 && option->zero && option->zero_word == NULL)
		return 0;
	if (number >= option->min && number <= option->max)
		return 0;
	snprintf(value->why, sizeof(value->why), "it must be %s",
	    conf_value_bounds(option, bounds, sizeof(bounds)));
	return -1;
}

static int
parse_number(struct conf_value *value, void *base,
    int (*parse)(const char *, uint64_t *, const char **))
{
	const struct conf_option *option = value->option;
	const char *why;
	uint64_t number;

	if (option->zero_word != NULL &&
	    strcmp(value->text, option->zero_word) == 0) {
		conf_value_store(option, base, 0);
		return 0;
	}
	if (parse(value->text, &number, &why) == -1)
		return conf_value_wrong(value, why);
	if (conf_value_check(value, number) == -1)
		return -1;
	conf_value_store(option, base, number);
	return 0;
}

static bool
format_number(const struct conf_option *option, const void *base,
    struct strbuf *out, const char *(*format)(uint64_t, char *, size_t))
{
	uint64_t number = conf_value_load(option, base);
	char buf[UNITS_STRLEN];

	if (number == 0 && option->zero_word != NULL)
		strbuf_puts(out, option->zero_word);
	else
		strbuf_puts(out, format(number, buf, sizeof(buf)));
	return true;
}

const char *
conf_value_bound(uint64_t bound, char *buf, size_t size)
{
	snprintf(buf, size, "%" PRIu64, bound);
	return buf;
}

static int
parse_integer(struct conf_value *value, void *base)
{
	return parse_number(value, base, units_parse_uint);
}

static bool
format_integer(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	return i == 0 && format_number(option, base, out, conf_value_bound);
}

const struct conf_type conf_type_integer = { .name = "integer",
	.parse = parse_integer,
	.format = format_integer,
	.bound = conf_value_bound };

static int
parse_duration(struct conf_value *value, void *base)
{
	return parse_number(value, base, units_parse_duration);
}

static bool
format_duration(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	return i == 0 &&
	    format_number(option, base, out, units_format_duration);
}

const struct conf_type conf_type_duration = { .name = "duration",
	.quoted = true,
	.parse = parse_duration,
	.format = format_duration,
	.bound = units_format_duration };

static int
parse_size(struct conf_value *value, void *base)
{
	return parse_number(value, base, units_parse_size);
}

static bool
format_size(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	return i == 0 && format_number(option, base, out, units_format_size);
}

const struct conf_type conf_type_size = { .name = "size",
	.quoted = true,
	.parse = parse_size,
	.format = format_size,
	.bound = units_format_size };

static int
parse_rate(struct conf_value *value, void *base)
{
	struct rate rate;
	const char *why;

	if (units_parse_rate(value->text, &rate, &why) == -1)
		return conf_value_wrong(value, why);
	if (conf_value_check(value, rate.count) == -1)
		return -1;
	memcpy((char *)base + value->option->offset, &rate, sizeof(rate));
	return 0;
}

static bool
format_rate(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	struct rate rate;
	char buf[UNITS_STRLEN];

	if (i > 0)
		return false;
	memcpy(&rate, (const char *)base + option->offset, sizeof(rate));
	strbuf_puts(out, units_format_rate(rate, buf, sizeof(buf)));
	return true;
}

const struct conf_type conf_type_rate = { .name = "rate",
	.quoted = true,
	.parse = parse_rate,
	.format = format_rate,
	.bound = conf_value_bound };

static const char *
bound_mode(uint64_t bound, char *buf, size_t size)
{
	snprintf(buf, size, "%04" PRIo64, bound);
	return buf;
}

static int
parse_mode(struct conf_value *value, void *base)
{
	size_t len = strlen(value->text);
	uint64_t mode;

	if (len == 0 || len > 4 || strspn(value->text, "01234567") != len)
		return conf_value_wrong(
		    value, "up to four octal digits are expected");
	mode = strtoul(value->text, NULL, 8);
	if (conf_value_check(value, mode) == -1)
		return -1;
	conf_value_store(value->option, base, mode);
	return 0;
}

static bool
format_mode(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	return i == 0 && format_number(option, base, out, bound_mode);
}

const struct conf_type conf_type_mode = { .name = "mode",
	.quoted = true,
	.parse = parse_mode,
	.format = format_mode,
	.bound = bound_mode };
