/*
 * What the journal is given.  This program's own sd_journal_sendv() takes the
 * place of libsystemd's, so nothing is written to the journal of the machine.
 */
#include "monitor/log_journal.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compat.h"

#define FIELDS_MAX 300

/* The entry that was sent last, and what the journal answers. */
static struct {
	int calls, answer, n;
	size_t len[FIELDS_MAX];
	char field[FIELDS_MAX][LOG_RECORD_MAX * 8];
} journal;

int sd_journal_sendv(const struct iovec *iov, int n);

int
sd_journal_sendv(const struct iovec *iov, int n)
{
	journal.calls++;
	journal.n = n;
	assert_true(n <= FIELDS_MAX);
	for (int i = 0; i < n; i++) {
		assert_true(iov[i].iov_len < sizeof(journal.field[i]));
		memcpy(journal.field[i], iov[i].iov_base, iov[i].iov_len);
		journal.field[i][iov[i].iov_len] = '\0';
		journal.len[i] = iov[i].iov_len;
	}
	return journal.answer;
}

/* A socket that looks like the journal's. */
struct fixture {
	char dir[64];
	char path[80];
	int daemon, fd;
};

static int
setup(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	static struct fixture f;

	memset(&journal, 0, sizeof(journal));
	strcpy(f.dir, "/tmp/muxd-journal.XXXXXX");
	if (mkdtemp(f.dir) == NULL)
		return -1;
	snprintf(f.path, sizeof(f.path), "%s/socket", f.dir);
	(void)compat_strlcpy(sun.sun_path, f.path, sizeof(sun.sun_path));
	f.daemon = compat_socket(AF_UNIX, SOCK_DGRAM, 0);
	if (bind(f.daemon, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		return -1;
	f.fd = log_journal_open();
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	if (f->fd != -1)
		close(f->fd);
	close(f->daemon);
	(void)unlink(f->path);
	return rmdir(f->dir);
}

static int
send_record(struct fixture *f, struct log_record *record, int slot)
{
	unsigned budget = 0;
	struct log_view view;

	log_record_stamp(record, slot >= 0 ? "worker" : "master", slot, 77);
	assert_int_equal(
	    log_view_next(record->data, record->len, &view), record->len);
	return log_journal_send(f->fd, f->path, &view, &budget);
}

static bool
has_field(const char *field)
{
	for (int i = 0; i < journal.n; i++)
		if (strcmp(journal.field[i], field) == 0)
			return true;
	return false;
}

static void
record_has_a_field_for_each_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct log_record record;

	if (!log_journal_supported())
		skip();
	log_record_begin(&record, LOG_LEVEL_INFO, "session closed");
	log_record_str(&record, "service", "echo");
	log_record_str(&record, "client", "192.0.2.1:4711");
	log_record_uint(&record, "bytes_in", 42);
	assert_int_equal(send_record(f, &record, 3), 0);
	assert_int_equal(journal.n, 9);
	assert_string_equal(journal.field[0],
	    "MESSAGE=session closed service=echo client=192.0.2.1:4711 "
	    "bytes_in=42 worker=3");
	assert_true(has_field("PRIORITY=6"));
	assert_true(has_field("SYSLOG_IDENTIFIER=muxd"));
	assert_true(has_field("SYSLOG_PID=77"));
	assert_true(has_field("PROCESS=worker"));
	assert_true(has_field("WORKER=3"));
	assert_true(has_field("SERVICE=echo"));
	assert_true(has_field("CLIENT=192.0.2.1:4711"));
	assert_true(has_field("BYTES_IN=42"));
}

static void
levels_are_those_of_syslog(void **state)
{
	static const char *const priorities[] = { "PRIORITY=3", "PRIORITY=4",
		"PRIORITY=5", "PRIORITY=6", "PRIORITY=7" };
	struct fixture *f = *state;
	struct log_record record;

	if (!log_journal_supported())
		skip();
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		log_record_begin(&record, (enum log_level)i, "m");
		assert_int_equal(send_record(f, &record, -1), 0);
		assert_true(has_field(priorities[i]));
		assert_int_equal(journal.n, 5);
	}
}

static void
no_field_has_dangerous_bytes(void **state)
{
	static const char value[] = "a\nPRIORITY=0\0\x1b\xff";
	struct fixture *f = *state;
	struct log_record record;

	if (!log_journal_supported())
		skip();
	/* fault 52 */
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	log_record_bytes(&record, "said", value, sizeof(value) - 1);
	assert_int_equal(send_record(f, &record, -1), 0);
	assert_string_equal(journal.field[0],
	    "MESSAGE=m said=\"a\\nPRIORITY=0\\u0000\\u001b\\ufffd\" "
	    "process=master");
	assert_true(has_field("SAID=a\\nPRIORITY=0\\u0000\\u001b\\ufffd"));
	/* What can be shown is found under what it is. */
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	log_record_str(&record, "said", "\"C:\\x\" \xc3\xa4");
	assert_int_equal(send_record(f, &record, -1), 0);
	assert_true(has_field("SAID=\"C:\\x\" \xc3\xa4"));
}

static void
reserved_names_are_moved_aside(void **state)
{
	struct fixture *f = *state;
	struct log_record record;

	if (!log_journal_supported())
		skip();
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	log_record_str(&record, "message", "x");
	log_record_str(&record, "priority", "0");
	log_record_str(&record, "_pid", "1");
	log_record_str(&record, "5xx", "2");
	log_record_str(&record, "syslog_identifier", "sshd");
	log_record_str(&record, "code_file", "x");
	assert_int_equal(send_record(f, &record, -1), 0);
	assert_true(has_field("MUXD_MESSAGE=x"));
	assert_true(has_field("MUXD_PRIORITY=0"));
	assert_true(has_field("MUXD__PID=1"));
	assert_true(has_field("MUXD_5XX=2"));
	assert_true(has_field("MUXD_SYSLOG_IDENTIFIER=sshd"));
	assert_true(has_field("MUXD_CODE_FILE=x"));
	assert_false(has_field("PRIORITY=0"));
}

static void
largest_records_fit(void **state)
{
	struct fixture *f = *state;
	char bytes[LOG_RECORD_MAX];
	struct log_record record;

	if (!log_journal_supported())
		skip();
	memset(bytes, 0x01, sizeof(bytes));
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	log_record_bytes(
	    &record, "k", bytes, (size_t)(LOG_RECORD_MAX - 5 - record.len));
	assert_int_equal(record.len, LOG_RECORD_MAX);
	assert_int_equal(send_record(f, &record, 0), 0);
	assert_int_equal(journal.n, 7);
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	for (int i = 0; i < 300; i++)
		log_record_str(&record, "_", "\x01\x01");
	assert_int_equal(send_record(f, &record, 0), 0);
	assert_int_equal(journal.n, 6 + 255);
}

static void
journal_that_does_not_keep_up_is_not_waited_for(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct fixture *f = *state;
	struct log_record record;
	int fd;

	if (!log_journal_supported())
		skip();
	(void)compat_strlcpy(sun.sun_path, f->path, sizeof(sun.sun_path));
	fd = compat_socket(AF_UNIX, SOCK_DGRAM, 0);
	while (sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&sun,
		   sizeof(sun)) == 1)
		;
	close(fd);
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	assert_int_equal(send_record(f, &record, 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(journal.calls, 0);
}

static void
no_journal_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct log_record record;

	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(send_record(f, &record, 0), -1);
	assert_int_equal(errno, log_journal_supported() ? ENOENT : ENOSYS);
	assert_int_equal(journal.calls, 0);
}

static void
what_the_journal_refuses_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct log_record record;

	if (!log_journal_supported())
		skip();
	journal.answer = -ENOBUFS;
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	assert_int_equal(send_record(f, &record, 0), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(journal.calls, 1);
}

int
main(void)
{
#define WITH_JOURNAL(test) \
	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_JOURNAL(record_has_a_field_for_each_of_its_own),
		WITH_JOURNAL(levels_are_those_of_syslog),
		WITH_JOURNAL(no_field_has_dangerous_bytes),
		WITH_JOURNAL(reserved_names_are_moved_aside),
		WITH_JOURNAL(largest_records_fit),
		WITH_JOURNAL(journal_that_does_not_keep_up_is_not_waited_for),
		WITH_JOURNAL(no_journal_is_an_error),
		WITH_JOURNAL(what_the_journal_refuses_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
