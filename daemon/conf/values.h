/*
 * From text to typed values and back.  Each type parses, formats and
 * releases; where a value lands and what bounds it has is the option's to
 * say.
 */
#ifndef MUXD_CONF_VALUES_H
#define MUXD_CONF_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "conf/options.h"

#define CONF_WHY_SIZE 256

/* A text about to become a value. */
struct conf_value {
	const struct conf_option *option;
	const char *text;
	const char *file;        /* that holds it; paths are relative to it */
	char why[CONF_WHY_SIZE]; /* completes "bad value for NAME: …" */
};

struct conf_type {
	const char *name;
	bool list;   /* takes { a, b }; parse() adds one element */
	bool quoted; /* the dump puts it between quotes */

	/* Parse value->text into its place in base, the struct of the
	 * option's scope, and release what was there before.  0, or -1 with
	 * value->why. */
	int (*parse)(struct conf_value *value, void *base);

	/* Append the canonical text of the value, or of element i of a list.
	 * False: there is no value, or no such element. */
	bool (*format)(const struct conf_option *option, const void *base,
	    size_t i, struct strbuf *out);

	/* Free what the value owns; NULL where it owns nothing. */
	void (*release)(const struct conf_option *option, void *base);

	/* The text of a bound, and what it counts; NULL without any. */
	const char *(*bound)(uint64_t bound, char *buf, size_t size);
	const char *counts;
};

extern const struct conf_type conf_type_boolean;
extern const struct conf_type conf_type_integer;
extern const struct conf_type conf_type_duration;   /* uint64_t, ms */
extern const struct conf_type conf_type_size;       /* uint64_t, bytes */
extern const struct conf_type conf_type_rate;       /* struct rate */
extern const struct conf_type conf_type_mode;       /* mode_t */
extern const struct conf_type conf_type_word;       /* enum, by value */
extern const struct conf_type conf_type_word_name;  /* char *, the word */
extern const struct conf_type conf_type_string;     /* char * */
extern const struct conf_type conf_type_bytes;      /* char *, length */
extern const struct conf_type conf_type_file;       /* struct conf_http */
extern const struct conf_type conf_type_log_target; /* struct conf_log */
extern const struct conf_type conf_type_endpoints;
extern const struct conf_type conf_type_nameservers; /* struct endpoint, UDP */
extern const struct conf_type conf_type_prefixes;
extern const struct conf_type conf_type_hosts;    /* char *, lower case */
extern const struct conf_type conf_type_fields;   /* "Name: value" */
extern const struct conf_type conf_type_statuses; /* struct conf_status_range */
extern const struct conf_type conf_type_ip;       /* struct addr, port 0 */
extern const struct conf_type conf_type_target;   /* struct conf_target */
extern const struct conf_type conf_type_target_numeric; /* the same, no name */

/* How the bounds of an option are written, into buf; NULL without any. */
const char *conf_value_bounds(
    const struct conf_option *option, char *buf, size_t size);

/* Append a text between quotes, escaped such that it reads back the same. */
void conf_value_quote(struct strbuf *out, const char *text, size_t len);

/* Checks of texts: NULL, or a static text of what is wrong. */
const char *conf_check_account(const char *name);
const char *conf_check_socket_path(const char *path);
const char *conf_check_field_value(const char *value);
const char *conf_check_method(const char *method);
const char *conf_check_request_path(const char *path);
const char *conf_check_host_field(const char *host);

#endif
