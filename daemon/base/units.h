/*
 * Quantities as people write them: "10m", "64K", "200/s".  A bare number is
 * an error where a unit matters; zero needs no unit.
 */
#ifndef MUXD_BASE_UNITS_H
#define MUXD_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* A frequency: count events in each period of period_ms milliseconds. */
struct rate {
	uint32_t count; /* 0: no limit */
	uint32_t period_ms;
};

#define UNITS_STRLEN 32

/*
 * Each parser returns 0, or -1 with a static text in *why that completes the
 * sentence "bad value: …".  Numbers are decimal, without sign, at most one
 * fraction ("1.5s") that comes out whole in the smallest unit; overflow is
 * an error.
 */

/* ms, s, m, h, d into milliseconds. */
int units_parse_duration(const char *text, uint64_t *ms, const char **why);

/* B, K, M, G (powers of 1024) into bytes. */
int units_parse_size(const char *text, uint64_t *bytes, const char **why);

/* "200/s", "3/m", "10/h"; every zero becomes { 0, 1000 }. */
int units_parse_rate(const char *text, struct rate *rate, const char **why);

/* A whole number without a unit. */
int units_parse_uint(const char *text, uint64_t *value, const char **why);

/* The shortest text that parses back to exactly the same value and does not
 * begin with "0.", into buf (UNITS_STRLEN bytes suffice).  Return buf. */
const char *units_format_duration(uint64_t ms, char *buf, size_t size);
const char *units_format_size(uint64_t bytes, char *buf, size_t size);
const char *units_format_rate(struct rate rate, char *buf, size_t size);

#endif
