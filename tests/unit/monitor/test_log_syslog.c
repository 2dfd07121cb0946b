/*
 * What syslog is given.  This program's own syslog() takes the place of the
 * C library's, so nothing is written to the log of the machine.
 */
#include "monitor/log_syslog.h"

#include <sys/socket.h>
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

/* The line that was sent last. */
static struct {
	int calls, priority;
	char text[LOG_LINE_MAX];
} sent;

static void
take(int priority, const char *fmt, va_list ap)
{
	sent.calls++;
	sent.priority = priority;
	(void)vsnprintf(sent.text, sizeof(sent.text), fmt, ap);
}

void
syslog(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	take(priority, fmt, ap);
	va_end(ap);
}

#ifdef __GLIBC__

/* What a build with _FORTIFY_SOURCE calls. */
void syslog_fortified(int priority, int flag, const char *fmt, ...) __asm__(
    "__syslog_chk") __attribute__((format(printf, 3, 4)));

void
syslog_fortified(int priority, int flag, const char *fmt, ...)
{
	va_list ap;

	(void)flag;
	va_start(ap, fmt);
	take(priority, fmt, ap);
	va_end(ap);
}

#endif

/* A socket that looks like syslog's. */
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

	memset(&sent, 0, sizeof(sent));
	strcpy(f.dir, "/tmp/muxd-syslog.XXXXXX");
	if (mkdtemp(f.dir) == NULL)
		return -1;
	snprintf(f.path, sizeof(f.path), "%s/socket", f.dir);
	(void)compat_strlcpy(sun.sun_path, f.path, sizeof(sun.sun_path));
	f.daemon = compat_socket(AF_UNIX, SOCK_DGRAM, 0);
	if (bind(f.daemon, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		return -1;
	f.fd = log_syslog_open();
	*state = &f;
	return f.fd == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	log_syslog_close(f->fd);
	close(f->daemon);
	(void)unlink(f->path);
	return rmdir(f->dir);
}

static int
send_record(struct fixture *f, enum log_level level, enum log_format format)
{
	struct log_record record;
	struct log_view view;
	unsigned budget = 0;

	log_record_begin(&record, level, "100%s \n");
	log_record_str(&record, "said", "\x1b%n\r\n");
	log_record_stamp(&record, "worker", 3, 77);
	assert_int_equal(
	    log_view_next(record.data, record.len, &view), record.len);
	return log_syslog_send(f->fd, f->path, &view, format, &budget);
}

static void
line_has_message_and_fields_escaped(void **state)
{
	struct fixture *f = *state;

	/* fault 52 */
	assert_int_equal(send_record(f, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), 0);
	assert_int_equal(sent.calls, 1);
	assert_string_equal(
	    sent.text, "100%s \\n said=\"\\u001b%n\\r\\n\" worker=3");
}

static void
json_is_one_object_without_newline(void **state)
{
	struct fixture *f = *state;
	size_t len;

	assert_int_equal(send_record(f, LOG_LEVEL_INFO, LOG_FORMAT_JSON), 0);
	len = strlen(sent.text);
	assert_memory_equal(sent.text, "{\"time\":", 8);
	assert_int_equal(sent.text[len - 1], '}');
	assert_null(strchr(sent.text, '\n'));
}

static void
levels_are_priorities(void **state)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_NOTICE,
		LOG_INFO, LOG_DEBUG };
	struct fixture *f = *state;

	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		assert_int_equal(
		    send_record(f, (enum log_level)i, LOG_FORMAT_LOGFMT), 0);
		assert_int_equal(LOG_PRI(sent.priority), priorities[i]);
	}
}

static void
syslog_that_does_not_keep_up_is_not_waited_for(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct fixture *f = *state;
	int fd;

	(void)compat_strlcpy(sun.sun_path, f->path, sizeof(sun.sun_path));
	fd = compat_socket(AF_UNIX, SOCK_DGRAM, 0);
	while (sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&sun,
		   sizeof(sun)) == 1)
		;
	close(fd);
	assert_int_equal(send_record(f, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(sent.calls, 0);
}

static void
nobody_there_is_an_error(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(send_record(f, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(sent.calls, 0);
}

int
main(void)
{
#define WITH_SYSLOG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_SYSLOG(line_has_message_and_fields_escaped),
		WITH_SYSLOG(json_is_one_object_without_newline),
		WITH_SYSLOG(levels_are_priorities),
		WITH_SYSLOG(syslog_that_does_not_keep_up_is_not_waited_for),
		WITH_SYSLOG(nobody_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
