/*
 * The control socket is for its owner alone, and whatever is done to it, muxd
 * serves its clients and the next one who asks.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "control.h"
#include "procfs.h"
#include "records.h"

#define CLIENTS 16 /* as many there may be */

static struct muxd *
start_echo(void)
{
	return muxd_start("workers = 2\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n");
}

/* The data path, and a new client of the socket. */
static void
expect_served(struct muxd *muxd)
{
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	assert_non_null(
	    strstr(control_order(muxd, "status"), "\"healthy\":true"));
}

static void
file_comes_and_goes_with_the_daemon(void **state)
{
	struct muxd *muxd = start_echo();
	const char *path = test_format("%s/control.sock", muxd->dir);
	struct stat st;

	(void)state;
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, geteuid());
	expect_served(muxd);
	muxd_stop(muxd);
	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(errno, ENOENT);
}

static void
file_of_a_killed_master_is_replaced(void **state)
{
	struct muxd *muxd = start_echo(), *next = muxd_new();
	struct stat st;

	(void)state;
	muxd_signal(muxd, SIGKILL);
	(void)muxd_wait_exit(muxd);
	assert_int_equal(
	    lstat(test_format("%s/control.sock", muxd->dir), &st), 0);
	muxd_configure(next,
	    "control = \"%s/control.sock\"\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    muxd->dir);
	muxd_launch(next);
	muxd_wait_ready(next);
	(void)control_order(muxd, "status");
	muxd_stop(next);
}

static void
what_is_no_socket_is_left_alone(void **state)
{
	struct muxd *muxd = muxd_new();

	(void)state;
	muxd_write_file(muxd, "control.sock", "precious\n");
	muxd_configure(muxd,
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	muxd_launch(muxd);
	muxd_expect_failure(muxd, 2, "cannot make the control socket");
	assert_string_equal(muxd_read_file(muxd, "control.sock"), "precious\n");
}

/* As a user that is neither root nor muxd's: errno of connect(2), or, if that
 * works, 0 if the answer is that it is not permitted. */
static int
ask_as_another(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char answer[256] = "";
	int fd, status;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		strncpy(sun.sun_path, path, sizeof(sun.sun_path) - 1);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (fd == -1 || setgid(65534) == -1 || setuid(65533) == -1)
			_exit(100);
		if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
			_exit(errno);
		(void)send(fd, "stop\n", 5, MSG_NOSIGNAL);
		(void)recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL);
		_exit(strstr(answer, "not permitted") != NULL ? 0 : 101);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* fault 51 */
static void
other_users_are_refused(void **state)
{
	struct muxd *muxd;
	const char *path;

	(void)state;
	if (geteuid() != 0)
		skip();
	muxd = start_echo();
	path = test_format("%s/control.sock", muxd->dir);
	assert_int_equal(chmod(muxd->dir, 0755), 0);
	assert_int_equal(ask_as_another(path), EACCES);
	/* Whatever has become of its mode. */
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(ask_as_another(path), 0);
	muxd_wait_log(muxd, "msg=\"control socket: user 65533 is refused\"");
	expect_served(muxd);
	muxd_stop(muxd);
}

/* fault 51 */
static void
request_without_end_is_cut(void **state)
{
	struct muxd *muxd = start_echo();
	int fd = control_connect(muxd);
	char *request = test_alloc(8192);
	const char *answer;

	(void)state;
	memset(request, 'a', 8191);
	(void)client_send_some(fd, request, 8191);
	answer = control_answer(fd);
	assert_non_null(strstr(answer, "longer than 4096 bytes"));
	(void)client_wait_end(fd);
	expect_served(muxd);
	muxd_stop(muxd);
}

/* fault 51 */
static void
bytes_that_are_no_request_are_answered(void **state)
{
	static const char *const requests[] = { "\xff\xfe\x01", "\"",
		"show \"services", "status status", "{\"command\":\"status\"}",
		"a b c d e f g h i j k l m n o p q r s t", "top", "drain web",
		"set weight p/a -1", "kill zzzz", "kill 0",
		"kill --source 1.2.3.4 --source 1.2.3.4", "ban 192.0.2.1/24",
		"ban 192.0.2.0/24 --for", "ban 192.0.2.0/24 --for 5",
		"\xc3\x28", "unban 192.0.2.0/24" };
	struct muxd *muxd = start_echo();
	int fd = control_connect(muxd);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		assert_non_null(
		    strstr(control_ask(fd, requests[i]), "\"ok\":false"));
	/* It goes on all the same. */
	assert_non_null(strstr(control_ask(fd, "status"), "\"ok\":true"));
	client_close(fd);
	expect_served(muxd);
	muxd_stop(muxd);
}

/* fault 51: five seconds for a request. */
static void
slow_request_is_cut(void **state)
{
	struct muxd *muxd = start_echo();
	int silent = control_connect(muxd), slow = control_connect(muxd);
	int64_t begun = test_now_ms();

	(void)state;
	client_send_text(slow, "sta");
	assert_non_null(strstr(control_answer(slow), "too slowly"));
	(void)client_wait_end(slow);
	assert_true(test_now_ms() - begun >= 4500);
	assert_non_null(strstr(control_answer(silent), "too slowly"));
	(void)client_wait_end(silent);
	expect_served(muxd);
	muxd_stop(muxd);
}

/* fault 51 */
static void
silent_crowd_is_bounded(void **state)
{
	struct muxd *muxd = start_echo();
	int fds[CLIENTS], one_more;
	size_t i;

	(void)state;
	for (i = 0; i < CLIENTS; i++)
		fds[i] = control_connect(muxd);
	one_more = control_connect(muxd);
	assert_non_null(strstr(control_answer(one_more), "too many clients"));
	(void)client_wait_end(one_more);
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	client_close(fds[0]);
	/* The place is free once muxd has seen that. */
	(void)control_ask(fds[1], "status");
	expect_served(muxd);
	muxd_stop(muxd);
}

/* fault 51: who has asked and asks no more gives way. */
static void
idle_clients_make_room(void **state)
{
	struct muxd *muxd = start_echo();
	int fds[2 * CLIENTS];
	size_t i;

	(void)state;
	for (i = 0; i < 2 * CLIENTS; i++) {
		fds[i] = control_connect(muxd);
		(void)control_ask(fds[i], "status");
	}
	client_expect_eof(fds[0]);
	assert_non_null(
	    strstr(control_ask(fds[2 * CLIENTS - 1], "status"), "\"ok\":true"));
	expect_served(muxd);
	muxd_stop(muxd);
}

/* fault 51: what is not read is not made. */
static void
client_that_reads_nothing_costs_little(void **state)
{
	static const char request[] = "show config\n";
	struct muxd *muxd = start_echo();
	uint64_t before = 0;
	int fds[4];
	size_t i, k;

	(void)state;
	if (procfs_available())
		before = procfs_private_kib(muxd->pid);
	for (i = 0; i < 4; i++) {
		fds[i] = control_connect(muxd);
		for (k = 0; k < 20000; k++)
			if (client_send_some(
				fds[i], request, sizeof(request) - 1) == 0)
				break;
		assert_in_range(k, 1, 19999);
		expect_served(muxd);
	}
	if (procfs_available() && !test_is_instrumented())
		assert_in_range(
		    procfs_private_kib(muxd->pid), 0, before + 4096);
	muxd_stop(muxd);
}

/* Requests that come together are answered in their order, and a client that
 * sends no more gets its answers. */
static void
requests_in_a_row_are_answered_in_order(void **state)
{
	struct muxd *muxd = start_echo();
	int fd = control_connect(muxd);
	const char *all, *first, *second, *third;

	(void)state;
	client_send_text(fd, "show bans\r\n\n  show limits\nshow nothing\n");
	client_half_close(fd);
	all = client_read_all(fd, NULL);
	first = strstr(all, "{\"bans\":[");
	second = strstr(all, "{\"limits\":[");
	third = strstr(all, "unknown command \\\"show nothing\\\"");
	assert_ptr_equal(first, all);
	assert_true(second > first && third > second);
	muxd_stop(muxd);
}

static void
expect_event(int fd, char *seen, size_t size, const char *text)
{
	size_t len = strlen(seen), got;

	while (strstr(seen, text) == NULL) {
		if (len + 1 >= size ||
		    client_wait(fd, seen + len, size - len - 1, &got,
			test_deadline_ms()) != CLIENT_DATA)
			test_fail("no event \"%s\": %s", text, seen);
		len += got;
		seen[len] = '\0';
	}
}

static void
subscriber_is_told_what_happens(void **state)
{
	struct muxd *muxd = start_echo();
	int fd = control_connect(muxd);
	char *seen = test_alloc(65536);

	(void)state;
	(void)control_ask(fd, "events");
	(void)control_order(muxd, "ban 192.0.2.0/24 --for 1m");
	expect_event(fd, seen, 65536, "\"text\":\"ban 192.0.2.0/24 --for 1m\"");
	kill(muxd_worker(muxd, 1), SIGKILL);
	expect_event(fd, seen, 65536, "\"event\":\"worker ended\"");
	expect_event(fd, seen, 65536, "\"event\":\"worker started\"");
	expect_served(muxd);
	muxd_stop(muxd);
	(void)client_wait_end(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(file_comes_and_goes_with_the_daemon),
		system_test(file_of_a_killed_master_is_replaced),
		system_test(what_is_no_socket_is_left_alone),
		system_test(other_users_are_refused),
		system_test(request_without_end_is_cut),
		system_test(bytes_that_are_no_request_are_answered),
		system_test(slow_request_is_cut),
		system_test(silent_crowd_is_bounded),
		system_test(idle_clients_make_room),
		system_test(client_that_reads_nothing_costs_little),
		system_test(requests_in_a_row_are_answered_in_order),
		system_test(subscriber_is_told_what_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
