/*
 * The text forms of a log record: logfmt for people and JSON for machines,
 * one line each.  Bytes that came from the network never reach a terminal or
 * a parser raw: control characters, quotes, backslashes and bytes that are
 * not UTF-8 are escaped.
 */
#ifndef MUXD_BASE_LOG_FORMAT_H
#define MUXD_BASE_LOG_FORMAT_H

#include "base/log.h"

enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* The longest line a record can become, newline and NUL included: every byte
 * may need six ("\u001b"), and the fixed fields come on top. */
#define LOG_LINE_MAX (LOG_RECORD_MAX * 6 + 512)

/*
 * Write the record as one line, newline included, into buf, which holds
 * LOG_LINE_MAX bytes; returns its length without the NUL.
 *
 *   logfmt  time=2026-11-21T06:20:06.123456Z level=info process=worker
 *           worker=0 pid=123 msg="session closed" client=192.0.2.1:4711 …
 *   JSON    {"time":"…","level":"info",…}, numbers as numbers (RFC 8259)
 */
size_t log_format_line(
    const struct log_view *view, enum log_format format, char *buf);

/*
 * The message and its fields alone, without a newline, for logs that keep
 * time and level themselves; buf and result as above.
 *
 *   session closed client=192.0.2.1:4711 … worker=0
 */
size_t log_format_message(const struct log_view *view, char *buf);

/*
 * A value by itself, for logs that have fields of their own: as it is where
 * nothing in it is dangerous to a terminal, else escaped as a whole, as in the
 * forms above.  Into buf, which holds 6 * len bytes; returns the length of
 * the result, which has no NUL.
 */
size_t log_format_value(const unsigned char *value, size_t len, char *buf);

#endif
