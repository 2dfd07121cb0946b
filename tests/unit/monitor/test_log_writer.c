/*
 * The log's end: what arrives in files and on stderr, and what becomes of
 * records when the target does not work.
 */
#include "monitor/log_writer.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compat.h"
#include "monitor/log_journal.h"

/* A directory with a log file in it, and what is configured. */
struct fixture {
	char dir[64];
	char path[80];
	char moved[80];
	struct conf_log conf;
	struct log_writer *writer;
};

static int
setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	strcpy(f.dir, "/tmp/muxd-log.XXXXXX");
	if (mkdtemp(f.dir) == NULL)
		return -1;
	snprintf(f.path, sizeof(f.path), "%s/log", f.dir);
	snprintf(f.moved, sizeof(f.moved), "%s/log.1", f.dir);
	f.conf.target = LOG_TARGET_FILE;
	f.conf.path = f.path;
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	log_writer_close(f->writer);
	(void)unlink(f->path);
	(void)unlink(f->moved);
	return rmdir(f->dir);
}

static void
open_writer(struct fixture *f)
{
	f->writer = log_writer_open(&f->conf);
	assert_non_null(f->writer);
}

static void
write_bytes(struct log_writer *writer, const char *message, const void *bytes,
    size_t len)
{
	struct log_record record;
	struct log_view view;

	log_record_begin(&record, LOG_LEVEL_INFO, message);
	log_record_bytes(&record, "bytes", bytes, len);
	log_record_stamp(&record, "worker", 0, 1);
	assert_int_equal(
	    log_view_next(record.data, record.len, &view), record.len);
	log_writer_write(writer, &view);
}

static void
write_message(struct log_writer *writer, const char *message)
{
	write_bytes(writer, message, "", 0);
}

/* A file's text, which the caller releases. */
static char *
text_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;

	assert_int_not_equal(fd, -1);
	assert_int_equal(fstat(fd, &st), 0);
	text = test_malloc((size_t)st.st_size + 1);
	assert_int_equal(read(fd, text, (size_t)st.st_size + 1), st.st_size);
	text[st.st_size] = '\0';
	close(fd);
	return text;
}

static size_t
occurrences(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void
assert_file_has(const char *path, const char *what, size_t times)
{
	char *text = text_of(path);

	assert_int_equal(occurrences(text, what), times);
	test_free(text);
}

static void
file_is_made_for_owner_and_group(void **state)
{
	struct fixture *f = *state;
	mode_t mask = umask(0);
	struct stat st;

	open_writer(f);
	umask(mask);
	assert_int_equal(log_writer_error(f->writer), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(log_writer_target(f->writer), LOG_TARGET_FILE);
}

static void
turn_is_written_when_it_ends(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	open_writer(f);
	for (int i = 0; i < 10; i++)
		write_message(f->writer, "one of ten");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, 0);
	log_writer_flush(f->writer);
	assert_file_has(f->path, "msg=\"one of ten\" bytes=\"\"\n", 10);
	log_writer_flush(f->writer);
	assert_file_has(f->path, "\n", 10);
}

static void
turn_longer_than_the_buffer_loses_nothing(void **state)
{
	struct fixture *f = *state;
	char bytes[1500];

	memset(bytes, 0x01, sizeof(bytes));
	open_writer(f);
	for (int i = 0; i < 200; i++)
		write_bytes(f->writer, "long", bytes, sizeof(bytes));
	log_writer_flush(f->writer);
	assert_file_has(f->path, "msg=long", 200);
	assert_file_has(f->path, "\n", 200);
	assert_int_equal(log_writer_lost(f->writer), 0);
}

static void
what_was_in_the_file_stays(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	write_message(f->writer, "first");
	log_writer_close(f->writer);
	open_writer(f);
	write_message(f->writer, "second");
	log_writer_flush(f->writer);
	assert_file_has(f->path, "msg=first", 1);
	assert_file_has(f->path, "msg=second", 1);
}

static void
moved_file_is_left_on_reopen(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	write_message(f->writer, "before");
	log_writer_flush(f->writer);
	assert_int_equal(rename(f->path, f->moved), 0);
	write_message(f->writer, "between");
	assert_int_equal(log_writer_reopen(f->writer), 0);
	write_message(f->writer, "after");
	log_writer_flush(f->writer);
	assert_file_has(f->moved, "msg=before", 1);
	assert_file_has(f->moved, "msg=between", 1);
	assert_file_has(f->moved, "\n", 2);
	assert_file_has(f->path, "msg=after", 1);
	assert_file_has(f->path, "\n", 1);
}

static void
old_file_is_kept_when_reopen_fails(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	assert_int_equal(rename(f->path, f->moved), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(log_writer_reopen(f->writer), -1);
	assert_int_equal(errno, EISDIR);
	write_message(f->writer, "after");
	log_writer_flush(f->writer);
	assert_file_has(f->moved, "msg=after", 1);
	assert_int_equal(log_writer_lost(f->writer), 0);
	assert_int_equal(rmdir(f->path), 0);
}

static void
file_that_cannot_be_opened_is_tried_again(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->path, 0700), 0);
	open_writer(f);
	assert_int_equal(log_writer_error(f->writer), EISDIR);
	write_message(f->writer, "lost");
	write_message(f->writer, "lost");
	log_writer_flush(f->writer);
	assert_int_equal(log_writer_lost(f->writer), 2);
	assert_int_equal(rmdir(f->path), 0);
	write_message(f->writer, "kept");
	log_writer_flush(f->writer);
	assert_int_equal(log_writer_error(f->writer), 0);
	assert_int_equal(log_writer_lost(f->writer), 2);
	assert_file_has(f->path, "level=warning process=monitor", 1);
	assert_file_has(f->path, "msg=\"log records lost\" count=2", 1);
	assert_file_has(f->path, "msg=kept", 1);
	assert_file_has(f->path, "\n", 2);
}

static void
full_disk_loses_counts_and_recovers(void **state)
{
	struct fixture *f = *state;

	if (access("/dev/full", W_OK) == -1)
		skip();
	/* The disk is full while the name leads to /dev/full. */
	assert_int_equal(symlink("/dev/full", f->path), 0);
	open_writer(f);
	assert_int_equal(log_writer_error(f->writer), 0);
	for (int i = 0; i < 3; i++)
		write_message(f->writer, "lost");
	log_writer_flush(f->writer);
	assert_int_equal(log_writer_error(f->writer), ENOSPC);
	write_message(f->writer, "lost");
	log_writer_flush(f->writer);
	assert_int_equal(log_writer_lost(f->writer), 4);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(log_writer_reopen(f->writer), 0);
	/* Nobody need write for the loss to be told. */
	log_writer_flush(f->writer);
	assert_file_has(f->path,
	    "msg=\"log records lost\" count=4 "
	    "error=\"No space left on device\"\n",
	    1);
	assert_int_equal(log_writer_error(f->writer), 0);
	write_message(f->writer, "kept");
	log_writer_flush(f->writer);
	assert_file_has(f->path, "\n", 2);
}

/* A record that says how many a process had to drop before. */
static void
write_dropped(struct log_writer *writer, uint64_t count)
{
	struct log_record record;
	struct log_view view;

	log_record_begin(&record, LOG_LEVEL_WARNING, LOG_DROPPED);
	log_record_uint(&record, "count", count);
	log_record_stamp(&record, "worker", 0, 1);
	assert_int_equal(
	    log_view_next(record.data, record.len, &view), record.len);
	log_writer_write(writer, &view);
}

static void
lost_number_of_dropped_records_is_not_lost(void **state)
{
	struct fixture *f = *state;

	if (access("/dev/full", W_OK) == -1)
		skip();
	assert_int_equal(symlink("/dev/full", f->path), 0);
	open_writer(f);
	write_message(f->writer, "lost");
	write_dropped(f->writer, 40);
	write_message(f->writer, "lost");
	log_writer_flush(f->writer);
	assert_int_equal(log_writer_lost(f->writer), 2 + 1 + 40);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(log_writer_reopen(f->writer), 0);
	write_message(f->writer, "kept");
	write_dropped(f->writer, 7);
	write_message(f->writer, "kept");
	log_writer_flush(f->writer);
	assert_file_has(f->path, "msg=\"log records lost\" count=43 ", 1);
	assert_file_has(f->path, "msg=\"log records dropped\" count=7\n", 1);
	assert_file_has(f->path, "\n", 4);
	assert_int_equal(log_writer_lost(f->writer), 43);
}

/* Stderr for as long as the writer takes a descriptor of its own. */
static void
open_on_stderr(struct fixture *f, int fd)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);

	if (fd == -1)
		close(STDERR_FILENO);
	else
		assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	open_writer(f);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
}

/* All that a pipe or socket holds; its other end stays open. */
static size_t
read_waiting(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	assert_int_equal(n, -1);
	assert_int_equal(errno, EAGAIN);
	buf[len] = '\0';
	return len;
}

static void
set_blocking(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
}

/* The writing end of a pipe blocks, as that of a service manager does. */
static void
pipe_that_nobody_reads_blocks_nobody(void **state)
{
	struct fixture *f = *state;
	static char text[1 << 20];
	char bytes[1000], *line, *end;
	size_t kept, len;
	bool cut;
	int fds[2];

	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(compat_pipe(fds), 0);
	set_blocking(fds[1]);
	f->conf.target = LOG_TARGET_STDERR;
	open_on_stderr(f, fds[1]);
	for (int turn = 0; turn < 20; turn++) {
		for (int i = 0; i < 10; i++)
			write_bytes(f->writer, "m", bytes, sizeof(bytes));
		log_writer_flush(f->writer);
	}
	assert_int_equal(log_writer_error(f->writer), EAGAIN);
	assert_true(log_writer_lost(f->writer) > 0);
	len = read_waiting(fds[0], text, sizeof(text));
	cut = text[len - 1] != '\n';
	kept = occurrences(text, "msg=m bytes=xx");
	/* A line that was cut is lost. */
	assert_int_equal(kept + log_writer_lost(f->writer), 200 + cut);

	write_message(f->writer, "again");
	log_writer_flush(f->writer);
	assert_int_equal(log_writer_error(f->writer), 0);
	(void)read_waiting(fds[0], text, sizeof(text));
	/* What follows half a line is not made part of it. */
	line = text + cut;
	assert_int_equal(text[0], cut ? '\n' : 't');
	assert_memory_equal(line, "time=", 5);
	assert_non_null(strstr(line, "msg=\"log records lost\" count="));
	end = strstr(line, "msg=again bytes=\"\"\n");
	assert_non_null(end);
	assert_string_equal(end, "msg=again bytes=\"\"\n");
	close(fds[0]);
	close(fds[1]);
}

static void
socket_that_nobody_reads_blocks_nobody(void **state)
{
	struct fixture *f = *state;
	static char text[1 << 21];
	char bytes[1000];
	int fds[2];

	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(compat_socketpair(SOCK_STREAM, fds), 0);
	set_blocking(fds[1]);
	f->conf.target = LOG_TARGET_STDERR;
	open_on_stderr(f, fds[1]);
	for (int turn = 0; turn < 100; turn++) {
		for (int i = 0; i < 10; i++)
			write_bytes(f->writer, "m", bytes, sizeof(bytes));
		log_writer_flush(f->writer);
	}
	assert_int_equal(log_writer_error(f->writer), EAGAIN);
	(void)read_waiting(fds[0], text, sizeof(text));
	write_message(f->writer, "again");
	log_writer_flush(f->writer);
	assert_int_equal(log_writer_error(f->writer), 0);
	(void)read_waiting(fds[0], text, sizeof(text));
	assert_int_equal(occurrences(text, "msg=\"log records lost\""), 1);
	assert_int_equal(occurrences(text, "msg=again"), 1);
	close(fds[0]);
	close(fds[1]);
}

static void
reader_of_stderr_that_is_gone_is_an_error(void **state)
{
	struct fixture *f = *state;
	int fds[2];

	assert_int_equal(compat_pipe(fds), 0);
	f->conf.target = LOG_TARGET_STDERR;
	open_on_stderr(f, fds[1]);
	close(fds[0]);
	close(fds[1]);
	write_message(f->writer, "lost");
	log_writer_flush(f->writer);
	assert_int_equal(log_writer_error(f->writer), EPIPE);
	assert_int_equal(log_writer_lost(f->writer), 1);
}

static void
closed_stderr_is_an_error(void **state)
{
	struct fixture *f = *state;

	f->conf.target = LOG_TARGET_STDERR;
	open_on_stderr(f, -1);
	assert_int_equal(log_writer_error(f->writer), EBADF);
}

static void
fifo_that_nobody_reads_is_an_error(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	open_writer(f);
	assert_int_equal(log_writer_error(f->writer), ENXIO);
	write_message(f->writer, "lost");
	log_writer_flush(f->writer);
	assert_int_equal(log_writer_lost(f->writer), 1);
}

static void
auto_is_stderr_unless_it_leads_to_the_journal(void **state)
{
	struct fixture *f = *state;
	char stream[64];
	struct stat st;
	int fds[2];

	assert_int_equal(compat_socketpair(SOCK_STREAM, fds), 0);
	assert_int_equal(fstat(fds[1], &st), 0);
	f->conf.target = LOG_TARGET_AUTO;
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	open_on_stderr(f, fds[1]);
	assert_int_equal(log_writer_target(f->writer), LOG_TARGET_STDERR);
	log_writer_close(f->writer);

	/* Of another stream, as when stderr was redirected. */
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino + 1);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	open_on_stderr(f, fds[1]);
	assert_int_equal(log_writer_target(f->writer), LOG_TARGET_STDERR);
	log_writer_close(f->writer);
	assert_int_equal(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
	open_on_stderr(f, fds[1]);
	assert_int_equal(log_writer_target(f->writer), LOG_TARGET_STDERR);
	log_writer_close(f->writer);

	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	open_on_stderr(f, fds[1]);
	assert_int_equal(log_writer_target(f->writer),
	    log_journal_supported() ? LOG_TARGET_JOURNAL : LOG_TARGET_STDERR);
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	close(fds[0]);
	close(fds[1]);
}

/* The end of the JSON string that begins at s, or NULL (RFC 8259). */
static const char *
json_string_end(const char *s)
{
	if (*s++ != '"')
		return NULL;
	for (; *s != '"'; s++) {
		if ((unsigned char)*s < ' ')
			return NULL;
		if (*s != '\\')
			continue;
		s++;
		if (*s == 'u') {
			if (strspn(s + 1, "0123456789abcdef") < 4)
				return NULL;
			s += 4;
		} else if (strchr("\"\\/bfnrt", *s) == NULL || *s == '\0')
			return NULL;
	}
	return s + 1;
}

/* Whether the line is one object of strings, numbers and truths. */
static bool
is_json_object(const char *s, const char *end)
{
	if (*s++ != '{')
		return false;
	for (;;) {
		s = json_string_end(s);
		if (s == NULL || *s++ != ':')
			return false;
		if (*s == '"')
			s = json_string_end(s);
		else if (strncmp(s, "true", 4) == 0)
			s += 4;
		else {
			size_t n = strspn(s, "-0123456789");

			s = n > 0 ? s + n : NULL;
		}
		if (s == NULL || s >= end)
			return false;
		if (*s == '}')
			return s + 1 == end;
		if (*s++ != ',')
			return false;
	}
}

static void
every_line_of_json_is_an_object(void **state)
{
	struct fixture *f = *state;
	unsigned char bytes[64];
	char *text, *line, *end;
	int lines = 0;

	f->conf.format = LOG_FORMAT_JSON;
	open_writer(f);
	/* fault 52 */
	for (unsigned i = 0; i < 256; i++) {
		for (unsigned j = 0; j < sizeof(bytes); j++)
			bytes[j] = (unsigned char)(i + j * 37);
		write_bytes(f->writer, "\"\x1b\r\n\xff", bytes, sizeof(bytes));
	}
	log_writer_flush(f->writer);
	text = text_of(f->path);
	for (line = text; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		assert_true(is_json_object(line, end));
		lines++;
	}
	assert_int_equal(lines, 256);
	test_free(text);
}

static void
nothing_closes_to_nothing(void **state)
{
	(void)state;
	log_writer_close(NULL);
}

int
main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_FILE(file_is_made_for_owner_and_group),
		WITH_FILE(turn_is_written_when_it_ends),
		WITH_FILE(turn_longer_than_the_buffer_loses_nothing),
		WITH_FILE(what_was_in_the_file_stays),
		WITH_FILE(moved_file_is_left_on_reopen),
		WITH_FILE(old_file_is_kept_when_reopen_fails),
		WITH_FILE(file_that_cannot_be_opened_is_tried_again),
		WITH_FILE(full_disk_loses_counts_and_recovers),
		WITH_FILE(lost_number_of_dropped_records_is_not_lost),
		WITH_FILE(pipe_that_nobody_reads_blocks_nobody),
		WITH_FILE(socket_that_nobody_reads_blocks_nobody),
		WITH_FILE(reader_of_stderr_that_is_gone_is_an_error),
		WITH_FILE(closed_stderr_is_an_error),
		WITH_FILE(fifo_that_nobody_reads_is_an_error),
		WITH_FILE(auto_is_stderr_unless_it_leads_to_the_journal),
		WITH_FILE(every_line_of_json_is_an_object),
		cmocka_unit_test(nothing_closes_to_nothing),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
