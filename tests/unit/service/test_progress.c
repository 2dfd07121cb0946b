/*
 * A session that lasts leaves a record each time that it is older by
 * log.progress, whatever else it does, and a short one none.
 */
#include "flow_scene.h"

#include <sys/socket.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Records of long sessions since the last look; the latest one as a line. */
static unsigned
take_records(struct fixture *f, char line[LOG_LINE_MAX])
{
	unsigned char data[LOG_BUFFER_SIZE];
	struct log_view view;
	size_t at, len;
	unsigned found = 0;
	ssize_t n;

	log_flush(&f->log);
	while ((n = recv(f->log_fd, data, sizeof(data), MSG_DONTWAIT)) > 0) {
		for (at = 0; at < (size_t)n; at += len) {
			len = log_view_next(data + at, (size_t)n - at, &view);
			assert_true(len > 0);
			if (strcmp(view.message, "session goes on") != 0)
				continue;
			(void)log_format_line(&view, LOG_FORMAT_LOGFMT, line);
			found++;
		}
	}
	return found;
}

static void
has(const char *line, const char *text)
{
	if (strstr(line, text) == NULL)
		fail_msg("\"%s\" is not in: %s", text, line);
}

/* An echo service with a client that has said something. */
static int
open_echo(struct fixture *f, const char *log, const char *options)
{
	char text[512], buf[16];
	int fd;

	(void)snprintf(text, sizeof(text),
	    "log { %s } service \"echo\" { listen = { \"127.0.0.1:0\" }"
	    " handler = \"echo\" %s }",
	    log, options);
	fixture_open(f, text);
	fd = fixture_connect(&f->services, 0, NULL);
	assert_int_equal(send(fd, "12345", 5, MSG_NOSIGNAL), 5);
	assert_int_equal(fixture_read(f, fd, buf, sizeof(buf)), 5);
	return fd;
}

static void
long_session_has_a_record_each_time(void **state)
{
	char line[LOG_LINE_MAX], buf[16];
	struct fixture f;
	int fd, i;

	(void)state;
	fd = open_echo(&f, "progress = \"10s\"", "idle_timeout = \"0\"");
	fixture_advance(&f, 9000);
	assert_int_equal(take_records(&f, line), 0);
	for (i = 1; i <= 3; i++) {
		fixture_advance(&f, 2000);
		assert_int_equal(take_records(&f, line), 1);
		fixture_advance(&f, 8000);
		assert_int_equal(take_records(&f, line), 0);
	}
	has(line, " service=echo ");
	has(line, " client=127.0.0.1:");
	has(line, " duration_ms=31");
	has(line, " bytes_in=5 bytes_out=5 phase=open");
	assert_null(strstr(line, "reason="));
	assert_int_equal(send(fd, "678", 3, MSG_NOSIGNAL), 3);
	assert_int_equal(fixture_read(&f, fd, buf, sizeof(buf)), 3);
	fixture_advance(&f, 2000);
	assert_int_equal(take_records(&f, line), 1);
	has(line, " bytes_in=8 bytes_out=8 ");
	(void)close(fd);
	fixture_close(&f);
}

static void
timeouts_and_records_do_not_disturb_each_other(void **state)
{
	char line[LOG_LINE_MAX], buf[16];
	struct fixture f;
	unsigned records = 0;
	int fd, i;

	(void)state;
	fd = open_echo(&f, "progress = \"10s\"",
	    "idle_timeout = \"7s\" lifetime = \"1m\"");
	/* The timer of the session is looked at for all of these. */
	for (i = 0; i < 59; i++) {
		if (i % 6 == 0) {
			assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
			assert_int_equal(
			    fixture_read(&f, fd, buf, sizeof(buf)), 1);
		}
		fixture_advance(&f, 1000);
		records += take_records(&f, line);
	}
	assert_int_equal(records, 5);
	assert_int_equal(fixture_ended(&f, REASON_LIFETIME), 0);
	fixture_advance(&f, 1001);
	assert_int_equal(fixture_ended(&f, REASON_LIFETIME), 1);
	/* Its end is told, not that it goes on. */
	assert_int_equal(take_records(&f, line), 0);
	(void)close(fd);
	fixture_close(&f);
}

static void
record_can_be_switched_off(void **state)
{
	static const char *const off[] = { "progress = \"0\"",
		"progress = \"10s\" access = false" };
	char line[LOG_LINE_MAX];
	struct fixture f;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < 2; i++) {
		fd = open_echo(&f, off[i], "idle_timeout = \"0\"");
		fixture_advance(&f, 30000);
		assert_int_equal(take_records(&f, line), 0);
		(void)close(fd);
		fixture_close(&f);
	}
}

static void
flow_of_datagrams_has_records_too(void **state)
{
	char line[LOG_LINE_MAX], text[512];
	struct scene scene;
	unsigned records = 0;
	int old, fresh, i;

	(void)state;
	scene_prepare(&scene);
	(void)snprintf(text, sizeof(text),
	    "log { progress = \"64s\" }"
	    " service \"relay\" { listen = { \"udp:127.0.0.1:0\" }"
	    " handler = \"relay\" pool = \"servers\" }"
	    " pool \"servers\" { server \"a\""
	    " { address = \"127.0.0.1:%u\" }"
	    " udp { idle_timeout = \"1h\" } }",
	    scene.ports[0]);
	scene_open_text(&scene, text);
	old = scene_client(&scene, 0, NULL, 0, NULL);
	(void)scene_talk(&scene, old, 0);
	for (i = 0; i < 64; i++) {
		assert_int_equal(take_records(&scene.f, line), 0);
		fixture_advance(&scene.f, 1000);
	}
	/* Once in each such time, at a moment of its own. */
	for (i = 0; i < 64 * 3; i++) {
		fixture_advance(&scene.f, 1000);
		records += take_records(&scene.f, line);
	}
	assert_in_range(records, 3, 4);
	has(line, " server=servers/a ");
	has(line, " datagrams_in=1 datagrams_out=1 phase=open");
	fresh = scene_client(&scene, 0, "127.0.0.2", 0, NULL);
	(void)scene_talk(&scene, fresh, 0);
	(void)take_records(&scene.f, line);
	fixture_advance(&scene.f, 63000);
	records = take_records(&scene.f, line);
	assert_in_range(records, 0, 1);
	close(old);
	close(fresh);
	scene_close(&scene);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_session_has_a_record_each_time),
		cmocka_unit_test(
		    timeouts_and_records_do_not_disturb_each_other),
		cmocka_unit_test(record_can_be_switched_off),
		cmocka_unit_test(flow_of_datagrams_has_records_too),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
