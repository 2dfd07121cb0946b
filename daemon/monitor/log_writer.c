/*
 * The log's end; see log_writer.h.
 *
 *   stderr, file      lines are kept in buffer and written at the end of the
 *                     turn, so that a turn costs one write
 *   syslog, journal   each record is handed over at once
 *
 * No record is tried twice: what a target did not take is lost and counted.
 */
#include "monitor/log_writer.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log_format.h"
#include "base/mem.h"
#include "monitor/log_gate.h"
#include "monitor/log_journal.h"
#include "monitor/log_syslog.h"

/* Lines kept in one turn. */
#define BUFFER_SIZE 65536

_Static_assert(BUFFER_SIZE >= LOG_LINE_MAX, "a line must fit");

/* How long a turn may wait for a slow target in all. */
#define PATIENCE_MS 100

struct log_writer {
	enum conf_log_target target; /* never LOG_TARGET_AUTO */
	enum log_format format;
	char *path;    /* of a file */
	int fd;        /* where lines go, or a gate; -1: not open */
	mode_t type;   /* S_IFREG, S_IFSOCK, … of fd */
	bool mid_line; /* a line was written in part */
	int error;
	unsigned budget_ms; /* of the current turn */
	uint64_t lost;      /* and not yet told */
	uint64_t lost_total;
	size_t len;
	char buffer[BUFFER_SIZE];
};

/* Whether stderr leads to the journal: then JOURNAL_STREAM holds its device
 * and inode, see systemd.exec(5). */
static bool
stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	char *colon, *end;
	uintmax_t dev, ino;
	struct stat st;

	if (text == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	dev = strtoumax(text, &colon, 10);
	if (colon == text || *colon != ':')
		return false;
	ino = strtoumax(colon + 1, &end, 10);
	if (end == colon + 1 || *end != '\0')
		return false;
	return st.st_dev == (dev_t)dev && st.st_ino == (ino_t)ino;
}

static enum conf_log_target
choose_target(enum conf_log_target target)
{
	if (target != LOG_TARGET_AUTO)
		return target;
	return log_journal_supported() && stderr_is_journal()
	    ? LOG_TARGET_JOURNAL
	    : LOG_TARGET_STDERR;
}

static bool
keeps_lines(const struct log_writer *writer)
{
	return writer->target == LOG_TARGET_STDERR ||
	    writer->target == LOG_TARGET_FILE;
}

static int
open_target(const struct log_writer *writer)
{
	switch (writer->target) {
	case LOG_TARGET_FILE:
		/* Without O_NONBLOCK a FIFO that nobody reads would block. */
		return open(writer->path,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
			O_NONBLOCK,
		    0640);
	case LOG_TARGET_SYSLOG:
		return log_syslog_open();
	case LOG_TARGET_JOURNAL:
		return log_journal_open();
	case LOG_TARGET_STDERR:
	case LOG_TARGET_AUTO:
		break;
	}
	/* One of our own, since nobody owns number 2. */
	return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static void
close_target(struct log_writer *writer)
{
	if (writer->fd == -1)
		return;
	if (writer->target == LOG_TARGET_SYSLOG)
		log_syslog_close(writer->fd);
	else
		(void)close(writer->fd);
	writer->fd = -1;
}

/* Put a descriptor in place; what it is decides how it is written. */
static void
adopt(struct log_writer *writer, int fd)
{
	struct stat st;

	close_target(writer);
	writer->fd = fd;
	if (fstat(fd, &st) == -1) {
		writer->type = 0;
		return;
	}
	writer->type = st.st_mode & S_IFMT;
	if (writer->type == S_IFREG && st.st_size == 0)
		writer->mid_line = false;
}

/* Whether the target is open, if need be after another try. */
static bool
ensure_open(struct log_writer *writer)
{
	int fd;

	if (writer->fd != -1)
		return true;
	fd = open_target(writer);
	if (fd == -1) {
		writer->error = errno;
		return false;
	}
	adopt(writer, fd);
	return true;
}

static void
lose(struct log_writer *writer, uint64_t records)
{
	writer->lost += records;
	writer->lost_total += records;
}

/*
 * Write what the descriptor takes now.  A file takes all.  A socket is asked
 * not to wait; others are asked first, and then given no more than a pipe
 * that can be written at all has room for.
 */
static ssize_t
write_some(struct log_writer *writer, const char *data, size_t len)
{
	if (writer->type == S_IFREG)
		return write(writer->fd, data, len);
	if (log_gate_wait(writer->fd, &writer->budget_ms) == -1)
		return -1;
	if (writer->type == S_IFSOCK)
		return send(writer->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(writer->fd, data, len < PIPE_BUF ? len : PIPE_BUF);
}

/* Write all of it; returns how much went out, less than len with
 * writer->error set. */
static size_t
write_all(struct log_writer *writer, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write_some(writer, data + done, len - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			writer->error = n == 0 ? EIO : errno;
			break;
		}
		done += (size_t)n;
	}
	return done;
}

/* Each record is one line, since whatever ends a line is escaped. */
static uint64_t
count_lines(const char *data, size_t len)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n';
	return lines;
}

/* Write lines; returns how many of them did not go out whole. */
static uint64_t
write_lines(struct log_writer *writer, const char *data, size_t len)
{
	size_t done = 0;

	/* What follows half a line begins on one of its own. */
	if (writer->mid_line && write_all(writer, "\n", 1) == 1)
		writer->mid_line = false;
	if (!writer->mid_line)
		done = write_all(writer, data, len);
	if (done > 0)
		writer->mid_line = data[done - 1] != '\n';
	return count_lines(data + done, len - done);
}

/* Hand over one record at once.  False with writer->error. */
static bool
send_record(struct log_writer *writer, const struct log_view *view)
{
	int rc;

	if (writer->target == LOG_TARGET_SYSLOG)
		rc = log_syslog_send(writer->fd, LOG_SYSLOG_SOCKET, view,
		    writer->format, &writer->budget_ms);
	else
		rc = log_journal_send(
		    writer->fd, LOG_JOURNAL_SOCKET, view, &writer->budget_ms);
	if (rc == -1)
		writer->error = errno;
	return rc == 0;
}

static bool
write_record(struct log_writer *writer, const struct log_view *view)
{
	char line[LOG_LINE_MAX];
	size_t len;

	if (!keeps_lines(writer))
		return send_record(writer, view);
	len = log_format_line(view, writer->format, line);
	return write_lines(writer, line, len) == 0;
}

/*
 * Whether the target is open and knows of all that was lost before.  One
 * that has just failed is not waited for.
 */
static bool
ensure_working(struct log_writer *writer)
{
	struct log_record record;
	struct log_view view;

	if (!ensure_open(writer))
		return false;
	if (writer->lost == 0) {
		writer->error = 0;
		return true;
	}
	writer->budget_ms = 0;
	log_record_begin(&record, LOG_LEVEL_WARNING, "log records lost");
	log_record_uint(&record, "count", writer->lost);
	log_record_str(&record, "error", strerror(writer->error));
	log_record_stamp(&record, "monitor", -1, (int32_t)getpid());
	if (log_view_next(record.data, record.len, &view) == 0 ||
	    !write_record(writer, &view))
		return false;
	writer->lost = 0;
	writer->error = 0;
	return true;
}

/* Write the lines that were kept, as far as that goes. */
static void
drain(struct log_writer *writer)
{
	if (!ensure_working(writer))
		lose(writer, count_lines(writer->buffer, writer->len));
	else if (writer->len > 0)
		lose(writer, write_lines(writer, writer->buffer, writer->len));
	writer->len = 0;
}

/* How many records, that somebody has dropped before, the record stands for:
 * if it is lost, so is their number. */
static uint64_t
dropped_before(const struct log_view *view)
{
	struct log_field field;
	char text[24];
	size_t at = 0;

	if (strcmp(view->message, LOG_DROPPED) != 0)
		return 0;
	while (log_view_field(view, &at, &field)) {
		if (strcmp(field.key, "count") != 0 || !field.number ||
		    field.len >= sizeof(text))
			continue;
		memcpy(text, field.value, field.len);
		text[field.len] = '\0';
		return strtoull(text, NULL, 10);
	}
	return 0;
}

struct log_writer *
log_writer_open(const struct conf_log *conf)
{
	struct log_writer *writer = mem_zalloc(sizeof(*writer));

	if (writer == NULL)
		return NULL;
	writer->target = choose_target(conf->target);
	writer->format = conf->format;
	writer->budget_ms = PATIENCE_MS;
	writer->fd = -1;
	if (writer->target == LOG_TARGET_FILE) {
		writer->path = mem_strdup(conf->path);
		if (writer->path == NULL) {
			mem_free(writer);
			return NULL;
		}
	}
	(void)ensure_open(writer);
	return writer;
}

void
log_writer_close(struct log_writer *writer)
{
	if (writer == NULL)
		return;
	log_writer_flush(writer);
	close_target(writer);
	mem_free(writer->path);
	mem_free(writer);
}

void
log_writer_write(struct log_writer *writer, const struct log_view *view)
{
	uint64_t dropped = dropped_before(view);

	/* What becomes of a line that is kept is not known one by one. */
	if (dropped > 0 && keeps_lines(writer))
		drain(writer);
	if (dropped > 0 || !keeps_lines(writer)) {
		if (!ensure_working(writer) || !write_record(writer, view))
			lose(writer, 1 + dropped);
		return;
	}
	if (sizeof(writer->buffer) - writer->len < LOG_LINE_MAX)
		drain(writer);
	writer->len +=
	    log_format_line(view, writer->format, writer->buffer + writer->len);
}

void
log_writer_flush(struct log_writer *writer)
{
	drain(writer);
	writer->budget_ms = PATIENCE_MS;
}

int
log_writer_reopen(struct log_writer *writer)
{
	int fd;

	if (writer->target != LOG_TARGET_FILE)
		return 0;
	log_writer_flush(writer);
	fd = open_target(writer);
	if (fd == -1)
		return -1;
	adopt(writer, fd);
	return 0;
}

enum conf_log_target
log_writer_target(const struct log_writer *writer)
{
	return writer->target;
}

int
log_writer_error(const struct log_writer *writer)
{
	return writer->error;
}

uint64_t
log_writer_lost(const struct log_writer *writer)
{
	return writer->lost_total;
}
