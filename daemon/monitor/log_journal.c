/*
 * Records for systemd's journal, with libsystemd; see log_journal.h.
 *
 * sd_journal_sendv(3) waits while the journal's queue is full, and says
 * nothing when there is no journal at all.  So the queue is asked first.
 */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "monitor/log_journal.h"

#include <sys/uio.h>

#include <systemd/sd-journal.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log_format.h"
#include "monitor/log_gate.h"

/* A record has at most 255 fields of its own. */
#define FIELDS_MAX (255 + 6)

/* Every record's own bytes, any of which may be escaped, equals signs and
 * prefixes of its fields, and the message. */
#define TEXT_MAX (LOG_RECORD_MAX * 6 + 255 * 6 + LOG_LINE_MAX + 256)

/* The fields of one entry: "NAME=value", one behind the other. */
struct entry {
	struct iovec iov[FIELDS_MAX];
	int n;
	size_t len;
	char text[TEXT_MAX];
};

static void add_printf(struct entry *entry, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
add_printf(struct entry *entry, const char *fmt, ...)
{
	char *at = entry->text + entry->len;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(at, sizeof(entry->text) - entry->len, fmt, ap);
	va_end(ap);
	entry->iov[entry->n++] = (struct iovec){ at, (size_t)len };
	entry->len += (size_t)len;
}

static void
add_message(struct entry *entry, const struct log_view *view)
{
	static const char name[] = "MESSAGE=";
	char *at = entry->text + entry->len;
	size_t len = sizeof(name) - 1;

	memcpy(at, name, len);
	len += log_format_message(view, at + len);
	entry->iov[entry->n++] = (struct iovec){ at, len };
	entry->len += len;
}

/* Whether the journal takes the name for a field of ours: it reads others
 * in its own way, and refuses those that begin with a digit or underscore. */
static bool
is_free_name(const char *key)
{
	static const char *const reserved[] = { "message", "priority",
		"syslog_", "code_" };

	if (key[0] < 'a' || key[0] > 'z')
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strncmp(key, reserved[i], strlen(reserved[i])) == 0)
			return false;
	return true;
}

static void
add_field(struct entry *entry, const struct log_field *field)
{
	char *start = entry->text + entry->len, *at = start;

	if (!is_free_name(field->key)) {
		memcpy(at, "MUXD_", 5);
		at += 5;
	}
	for (const char *c = field->key; *c != '\0'; c++)
		*at++ = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	*at++ = '=';
	/* journalctl(1) shows some of its forms raw. */
	at += log_format_value(field->value, field->len, at);
	entry->iov[entry->n++] = (struct iovec){ start, (size_t)(at - start) };
	entry->len += (size_t)(at - start);
}

static void
fill(struct entry *entry, const struct log_view *view)
{
	/* syslog(3): LOG_ERR is 3, and ours are in the same order. */
	int priority = (int)view->level + 3;
	struct log_field field;
	size_t at = 0;

	add_message(entry, view);
	add_printf(entry, "PRIORITY=%d", priority);
	add_printf(entry, "SYSLOG_IDENTIFIER=muxd");
	add_printf(entry, "SYSLOG_PID=%" PRId32, view->pid);
	add_printf(entry, "PROCESS=%s", view->process);
	if (view->slot >= 0)
		add_printf(entry, "WORKER=%d", view->slot);
	while (log_view_field(view, &at, &field))
		add_field(entry, &field);
}

bool
log_journal_supported(void)
{
	return true;
}

int
log_journal_open(void)
{
	return log_gate_open();
}

int
log_journal_send(
    int fd, const char *path, const struct log_view *view, unsigned *budget_ms)
{
	struct entry entry;
	int rc;

	if (log_gate_check(fd, path, budget_ms) == -1)
		return -1;
	entry.n = 0;
	entry.len = 0;
	fill(&entry, view);
	rc = sd_journal_sendv(entry.iov, entry.n);
	if (rc < 0) {
		errno = -rc;
		return -1;
	}
	return 0;
}
