/*
 * Log records and their way out of a process; see log.h.
 *
 * A packed record, in the byte order of the machine, since it never leaves
 * it:
 *
 *   struct head   32 bytes
 *   message       text, NUL
 *   fields        key, NUL, kind (1 byte), length (2 bytes), value
 *
 * Who unpacks one trusts nothing in it: the process that packed it faces the
 * network.
 */
#include "base/log.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/log_format.h"

struct head {
	uint16_t len; /* of the whole record */
	uint8_t level;
	uint8_t nfields;
	int32_t pid;
	int64_t time_us;
	int32_t slot;
	uint8_t flags;    /* FLAG_… */
	char process[11]; /* with its NUL */
};

_Static_assert(sizeof(struct head) == 32, "no padding: it would leak bytes");
_Static_assert(LOG_RECORD_MAX <= UINT16_MAX, "lengths are 16 bits");

enum { FIELD_TEXT, FIELD_NUMBER, FIELD_MEMO };

enum { FLAG_TRUNCATED = 1, FLAG_UNLOGGED = 2 };

/* The key of a memo, which nobody sees. */
#define MEMO_KEY "memo"

/* A message longer than this is cut, so that there is room for fields. */
#define MESSAGE_MAX 1024

/* Kept free in the buffer for the record of what was dropped, so that the two
 * together are no longer than it. */
#define REPORT_ROOM 128

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

#define NLEVELS (sizeof(level_names) / sizeof(level_names[0]))

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

int
log_level_parse(const char *name)
{
	for (size_t i = 0; i < NLEVELS; i++)
		if (strcmp(name, level_names[i]) == 0)
			return (int)i;
	return -1;
}

void
log_record_begin(
    struct log_record *record, enum log_level level, const char *message)
{
	struct head head = { .level = (uint8_t)level };
	size_t len = strnlen(message, MESSAGE_MAX);

	memcpy(record->data, &head, sizeof(head));
	memcpy(record->data + sizeof(head), message, len);
	record->data[sizeof(head) + len] = '\0';
	record->len = (uint16_t)(sizeof(head) + len + 1);
	record->truncated = message[len] != '\0';
	record->unlogged = false;
}

static enum log_level
record_level(const struct log_record *record)
{
	return (enum log_level)record->data[offsetof(struct head, level)];
}

static void
add_field(struct log_record *record, const char *key, uint8_t kind,
    const void *value, size_t len)
{
	struct head head;
	size_t key_size = strlen(key) + 1, room = LOG_RECORD_MAX - record->len;
	unsigned char *at = record->data + record->len;
	uint16_t len16;

	memcpy(&head, record->data, sizeof(head));
	if (head.nfields == UINT8_MAX || len > room ||
	    key_size + 1 + sizeof(len16) > room - len) {
		record->truncated = true;
		return;
	}
	len16 = (uint16_t)len;
	memcpy(at, key, key_size);
	at += key_size;
	*at++ = kind;
	memcpy(at, &len16, sizeof(len16));
	at += sizeof(len16);
	if (len > 0)
		memcpy(at, value, len);
	record->len = (uint16_t)(at + len - record->data);
	head.nfields++;
	memcpy(record->data, &head, sizeof(head));
}

void
log_record_str(struct log_record *record, const char *key, const char *value)
{
	add_field(record, key, FIELD_TEXT, value, strlen(value));
}

void
log_record_bytes(
    struct log_record *record, const char *key, const void *value, size_t len)
{
	add_field(record, key, FIELD_TEXT, value, len);
}

void
log_record_uint(struct log_record *record, const char *key, uint64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRIu64, value);

	add_field(record, key, FIELD_NUMBER, text, (size_t)len);
}

void
log_record_int(struct log_record *record, const char *key, int64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRId64, value);

	add_field(record, key, FIELD_NUMBER, text, (size_t)len);
}

void
log_record_memo(struct log_record *record, const void *memo, size_t len)
{
	add_field(record, MEMO_KEY, FIELD_MEMO, memo, len);
}

void
log_record_addr(
    struct log_record *record, const char *key, const struct addr *addr)
{
	char text[ADDR_STRLEN];

	log_record_str(record, key, addr_format(addr, text, sizeof(text)));
}

void
log_record_fmt(struct log_record *record, const char *key, const char *fmt, ...)
{
	char text[LOG_RECORD_MAX];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(text)) {
		record->truncated = true;
		return;
	}
	add_field(record, key, FIELD_TEXT, text, (size_t)len);
}

void
log_record_stamp(
    struct log_record *record, const char *process, int slot, int32_t pid)
{
	struct head head;

	memcpy(&head, record->data, sizeof(head));
	head.len = record->len;
	head.pid = pid;
	head.time_us = clock_wall_us();
	head.slot = slot;
	head.flags = (uint8_t)((record->truncated ? FLAG_TRUNCATED : 0) |
	    (record->unlogged ? FLAG_UNLOGGED : 0));
	(void)compat_strlcpy(head.process, process, sizeof(head.process));
	memcpy(record->data, &head, sizeof(head));
}

static void
open_log(struct log *log, int fd, enum log_level level, const char *process,
    int slot)
{
	log->fd = fd;
	log->level = level;
	log->process = process;
	log->slot = slot;
	log->pid = (int32_t)getpid();
	log->dropped = 0;
	log->dropped_total = 0;
	log->kept = 0;
	log->len = 0;
}

void
log_open_stderr(struct log *log, enum log_level level)
{
	open_log(log, -1, level, "master", -1);
}

void
log_open_channel(struct log *log, int fd, enum log_level level,
    const char *process, int slot)
{
	open_log(log, fd, level, process, slot);
}

static void
count_dropped(struct log *log, unsigned records)
{
	log->dropped += records;
	log->dropped_total += records;
}

static void
stamp(const struct log *log, struct log_record *record)
{
	log_record_stamp(record, log->process, log->slot, log->pid);
}

/* The record that tells of others that were lost. */
static void
make_report(const struct log *log, struct log_record *record)
{
	log_record_begin(record, LOG_LEVEL_WARNING, LOG_DROPPED);
	log_record_uint(record, "count", log->dropped);
	stamp(log, record);
}

/* False when stderr does not take the whole line at once. */
static bool
write_stderr(const struct log_record *record)
{
	char line[LOG_LINE_MAX];
	struct log_view view;
	ssize_t n;
	size_t len;

	if (log_view_next(record->data, record->len, &view) == 0)
		return false;
	len = log_format_line(&view, LOG_FORMAT_LOGFMT, line);
	do
		n = write(STDERR_FILENO, line, len);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)len;
}

static void
emit_stderr(struct log *log, struct log_record *record)
{
	if (log->dropped > 0) {
		struct log_record report;

		make_report(log, &report);
		if (write_stderr(&report))
			log->dropped = 0;
	}
	if (!write_stderr(record))
		count_dropped(log, 1);
}

void
log_emit(struct log *log, struct log_record *record)
{
	if (record->unlogged ? log->fd == -1
			     : !log_wants(log, record_level(record)))
		return;
	if (log->fd == -1) {
		/* The process may have forked since; here it costs nothing
		 * to look again. */
		log->pid = (int32_t)getpid();
		stamp(log, record);
		emit_stderr(log, record);
		return;
	}
	stamp(log, record);
	if (record->len > sizeof(log->buffer) - REPORT_ROOM - log->len)
		log_flush(log);
	memcpy(log->buffer + log->len, record->data, record->len);
	log->len += record->len;
	log->kept++;
}

void
log_printf(struct log *log, enum log_level level, const char *fmt, ...)
{
	char message[MESSAGE_MAX + 1];
	struct log_record record;
	va_list ap;

	if (!log_wants(log, level))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	log_record_begin(&record, level, message);
	log_emit(log, &record);
}

void
log_errno(
    struct log *log, enum log_level level, int error, const char *fmt, ...)
{
	char message[MESSAGE_MAX + 1];
	struct log_record record;
	va_list ap;

	if (!log_wants(log, level))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	log_record_begin(&record, level, message);
	log_record_str(&record, "error", strerror(error));
	log_emit(log, &record);
}

void
log_flush(struct log *log)
{
	struct log_record report;
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = &iov[1], .msg_iovlen = 1 };
	ssize_t n;

	if (log->len == 0)
		return;
	iov[1] = (struct iovec){ log->buffer, log->len };
	if (log->dropped > 0) {
		make_report(log, &report);
		iov[0] = (struct iovec){ report.data, report.len };
		msg.msg_iov = iov;
		msg.msg_iovlen = 2;
	}
	do
		n = sendmsg(log->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		count_dropped(log, log->kept);
	else
		log->dropped = 0;
	log->kept = 0;
	log->len = 0;
}

bool
log_limit_pass(struct log_limit *limit, uint64_t now_ms, uint64_t *left_out)
{
	if (now_ms < limit->until_ms) {
		limit->left_out++;
		return false;
	}
	*left_out = limit->left_out;
	limit->left_out = 0;
	limit->until_ms = now_ms + 1000;
	return true;
}

/* Whether s is a key: one or more of [a-z0-9_] and a NUL before end; *next
 * is set behind the NUL. */
static bool
read_key(const unsigned char *s, const unsigned char *end,
    const unsigned char **next)
{
	const unsigned char *at = s;

	while (at < end &&
	    ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') ||
		*at == '_'))
		at++;
	if (at == s || at == end || *at != '\0')
		return false;
	*next = at + 1;
	return true;
}

/* Whether the bytes are an integer as JSON has it: no plus sign, no zero in
 * front. */
static bool
is_number(const unsigned char *s, size_t len)
{
	if (len > 0 && s[0] == '-') {
		s++;
		len--;
	}
	if (len == 0 || len > 20 || (s[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

/* Take a field of the bytes from *at to end apart, and advance *at. */
static bool
read_field(const unsigned char **at, const unsigned char *end,
    struct log_field *field, bool *memo)
{
	const unsigned char *next;
	uint16_t len;
	uint8_t kind;

	if (!read_key(*at, end, &next))
		return false;
	if ((size_t)(end - next) < 1 + sizeof(len))
		return false;
	kind = *next++;
	memcpy(&len, next, sizeof(len));
	next += sizeof(len);
	if (kind > FIELD_MEMO || len > end - next)
		return false;
	field->key = (const char *)*at;
	field->value = next;
	field->len = len;
	field->number = kind == FIELD_NUMBER;
	*memo = kind == FIELD_MEMO;
	*at = next + len;
	return !field->number || is_number(field->value, field->len);
}

/* Whether the view's fields are as many as promised and fill their bytes. */
static bool
fields_valid(const struct log_view *view)
{
	const unsigned char *at = view->fields;
	const unsigned char *end = at + view->fields_len;
	struct log_field field;
	bool memo;

	for (unsigned i = 0; i < view->nfields; i++)
		if (!read_field(&at, end, &field, &memo))
			return false;
	return at == end;
}

size_t
log_view_next(const unsigned char *data, size_t len, struct log_view *view)
{
	const unsigned char *message, *nul, *process, *next;
	struct head head;

	if (len < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	if (head.len <= sizeof(head) || head.len > len ||
	    head.len > LOG_RECORD_MAX || head.level >= NLEVELS ||
	    head.flags > (FLAG_TRUNCATED | FLAG_UNLOGGED) || head.slot < -1)
		return 0;
	process = data + offsetof(struct head, process);
	if (!read_key(process, process + sizeof(head.process), &next))
		return 0;
	message = data + sizeof(head);
	nul = memchr(message, '\0', head.len - sizeof(head));
	if (nul == NULL)
		return 0;
	view->level = (enum log_level)head.level;
	view->time_us = head.time_us;
	view->pid = head.pid;
	view->slot = head.slot;
	view->truncated = (head.flags & FLAG_TRUNCATED) != 0;
	view->unlogged = (head.flags & FLAG_UNLOGGED) != 0;
	view->process = (const char *)process;
	view->message = (const char *)message;
	view->fields = nul + 1;
	view->fields_len = (size_t)(data + head.len - view->fields);
	view->nfields = head.nfields;
	return fields_valid(view) ? head.len : 0;
}

bool
log_view_field(const struct log_view *view, size_t *at, struct log_field *field)
{
	const unsigned char *next = view->fields + *at;
	bool memo;

	do {
		if (!read_field(
			&next, view->fields + view->fields_len, field, &memo))
			return false;
	} while (memo);
	*at = (size_t)(next - view->fields);
	return true;
}

bool
log_view_find(
    const struct log_view *view, const char *key, struct log_field *field)
{
	size_t at = 0;

	while (log_view_field(view, &at, field))
		if (strcmp(field->key, key) == 0)
			return true;
	return false;
}

const unsigned char *
log_view_memo(const struct log_view *view, size_t *len)
{
	const unsigned char *next = view->fields;
	struct log_field field;
	bool memo;

	while (
	    read_field(&next, view->fields + view->fields_len, &field, &memo)) {
		if (!memo)
			continue;
		*len = field.len;
		return field.value;
	}
	return NULL;
}
