/*
 * Log records, and how a process gets rid of them.
 *
 * A record is a level, a time, a message and named fields, packed into a
 * flat buffer.  The processes of muxd never write to a log themselves: they
 * collect the records of one turn of the event loop and hand them over to
 * the monitor in one datagram (log_flush()).  A channel that is full drops
 * them and counts: nobody waits for a log.  Until there is a monitor (start,
 * configuration test) a log writes to stderr.
 *
 * Nothing is escaped here: the formats do that (base/log_format.h), since
 * what needs escaping is theirs to know.
 */
#ifndef MUXD_BASE_LOG_H
#define MUXD_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* "error", "warning", "notice", "info", "debug". */
const char *log_level_name(enum log_level level);

/* The level of that name, or -1. */
int log_level_parse(const char *name);

#define LOG_RECORD_MAX  2048  /* bytes of one packed record */
#define LOG_BUFFER_SIZE 32768 /* bytes of one datagram of records */

/* A record being built; it belongs on the stack. */
struct log_record {
	uint16_t len;   /* bytes of data in use, header included */
	bool truncated; /* a field did not fit and was left out */
	/* The caller's: it goes to the monitor whatever the level of the log,
	 * and is written nowhere. */
	bool unlogged;
	unsigned char data[LOG_RECORD_MAX];
};

/* Begin a record: its level and its message, a short constant English text.
 * The time is taken by log_emit(). */
void log_record_begin(
    struct log_record *record, enum log_level level, const char *message);

/* Add a field.  key is a constant of [a-z0-9_]; value may hold any bytes. */
void log_record_str(
    struct log_record *record, const char *key, const char *value);
void log_record_bytes(
    struct log_record *record, const char *key, const void *value, size_t len);
void log_record_uint(
    struct log_record *record, const char *key, uint64_t value);
void log_record_int(struct log_record *record, const char *key, int64_t value);
void log_record_addr(
    struct log_record *record, const char *key, const struct addr *addr);
/* Add bytes that no log shows: for log_view_memo() alone.  One a record. */
void log_record_memo(struct log_record *record, const void *memo, size_t len);
/* As log_record_str(), the value in the manner of printf(3). */
void log_record_fmt(struct log_record *record, const char *key, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* Complete a record that goes through no log: its time and its process, as
 * log_emit() does.  It can be taken apart with log_view_next() then. */
void log_record_stamp(
    struct log_record *record, const char *process, int slot, int32_t pid);

/* Where the records of one process go. */
struct log {
	int fd;               /* the channel to the monitor; -1: stderr */
	enum log_level level; /* records above it are not kept */
	const char *process;  /* "master", "worker", "monitor": a constant */
	int slot;             /* the worker's slot, or -1 */
	uint64_t dropped;     /* records dropped since the last one reported */
	uint64_t dropped_total;
	int32_t pid;   /* stamped on records; of the process that opened it */
	unsigned kept; /* records in the buffer */
	size_t len;
	unsigned char buffer[LOG_BUFFER_SIZE];
};

/* Make *log write to stderr as logfmt at once. */
void log_open_stderr(struct log *log, enum log_level level);

/* Make *log hand over to the monitor: fd is the writing end of a
 * non-blocking, connected datagram socket that stays the caller's. */
void log_open_channel(struct log *log, int fd, enum log_level level,
    const char *process, int slot);

/* Whether a record of that level would be kept: for callers whose fields
 * cost something to make. */
static inline bool
log_wants(const struct log *log, enum log_level level)
{
	return level <= log->level;
}

/* Stamp the record with the wall clock and keep it until log_flush(); a full
 * buffer is flushed first.  To stderr it is written at once. */
void log_emit(struct log *log, struct log_record *record);

/* A record with a message alone. */
void log_printf(struct log *log, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with the text of an errno value in the field "error". */
void log_errno(struct log *log, enum log_level level, int error,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The message of that record; the number is in its field "count". */
#define LOG_DROPPED "log records dropped"

/* Hand over what was kept, in one system call and one datagram of at most
 * LOG_BUFFER_SIZE bytes; called at the end of a turn.
 * What the channel does not take is dropped and counted; the next flush that
 * goes through begins with a record of how many were lost. */
void log_flush(struct log *log);

/*
 * Repeated errors: one record a second for each limit, which tells how many
 * were left out.  Zeroed memory is a fresh one.
 */
struct log_limit {
	uint64_t until_ms; /* no record before this time */
	uint64_t left_out;
};

/* Whether to log now.  When true, *left_out is how many calls since the last
 * true one returned false. */
bool log_limit_pass(
    struct log_limit *limit, uint64_t now_ms, uint64_t *left_out);

/* A packed record, taken apart.  Pointers lead into the caller's buffer. */
struct log_view {
	enum log_level level;
	int64_t time_us; /* wall clock */
	int32_t pid;
	int slot;
	bool truncated;      /* its writer had more to say than fits */
	bool unlogged;       /* it is for no log */
	const char *process; /* NUL-terminated, as are message and keys */
	const char *message;
	const unsigned char *fields; /* for log_view_field() */
	size_t fields_len;
	unsigned nfields;
};

/* Take the first record of len bytes apart.  Returns its length, by which
 * the caller goes on to the next one, or 0 if the bytes hold no whole and
 * well-formed record. */
size_t log_view_next(
    const unsigned char *data, size_t len, struct log_view *view);

struct log_field {
	const char *key;
	const unsigned char *value; /* not NUL-terminated */
	size_t len;
	bool number; /* the value is a decimal integer */
};

/* Iterate over the fields: *at is 0 before the first call.  False after the
 * last one. */
bool log_view_field(
    const struct log_view *view, size_t *at, struct log_field *field);

/* The field of that key; false if there is none. */
bool log_view_find(
    const struct log_view *view, const char *key, struct log_field *field);

/* The memo of the record and its length; NULL if it has none. */
const unsigned char *log_view_memo(const struct log_view *view, size_t *len);

#endif
