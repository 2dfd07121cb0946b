/*
 * The control socket and muxctl.
 */
#include "control.h"

#include <sys/ioctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client.h"

#define ANSWER_MAX    (1 << 20)
#define ARGUMENTS_MAX 32

int
control_connect(struct muxd *muxd)
{
	return client_connect(test_format("unix:%s/control.sock", muxd->dir));
}

/* Whether the last line of the text is complete, and the last of an answer. */
static bool
is_answer(const char *text, size_t len)
{
	const char *line;

	if (len == 0 || text[len - 1] != '\n')
		return false;
	line = text + len - 1;
	while (line > text && line[-1] != '\n')
		line--;
	return strstr(line, "\"ok\":") != NULL;
}

const char *
control_answer(int fd)
{
	char *text = test_alloc(ANSWER_MAX);
	size_t len = 0, got;

	while (!is_answer(text, len)) {
		/* One by one, since what follows is of another answer. */
		if (len + 1 >= ANSWER_MAX ||
		    client_wait(fd, text + len, 1, &got, test_deadline_ms()) !=
			CLIENT_DATA)
			test_fail("no answer; so far: %s", text);
		len += got;
	}
	return text;
}

const char *
control_ask(int fd, const char *request)
{
	client_send_text(fd, test_format("%s\n", request));
	return control_answer(fd);
}

const char *
control_order(struct muxd *muxd, const char *request)
{
	int fd = control_connect(muxd);
	const char *answer = control_ask(fd, request);

	if (strstr(answer, "\"ok\":true") == NULL)
		test_fail("%s: %s", request, answer);
	client_close(fd);
	return answer;
}

void
control_expect_refused(struct muxd *muxd, const char *request, const char *text)
{
	int fd = control_connect(muxd);
	const char *answer = control_ask(fd, request);

	if (strstr(answer, "\"ok\":false") == NULL ||
	    strstr(answer, text) == NULL)
		test_fail("%s: %s", request, answer);
	client_close(fd);
}

/* ---- muxctl ---- */

/* In the process that becomes muxctl. */
static void
become_muxctl(struct muxd *muxd, const char *const *arguments)
{
	const char *binary = getenv("MUXCTL");
	char *argv[ARGUMENTS_MAX];
	size_t n = 0;

	if (binary == NULL)
		_exit(127);
	argv[n++] = (char *)(uintptr_t)binary;
	argv[n++] = (char *)(uintptr_t) "-s";
	argv[n++] = test_format("%s/control.sock", muxd->dir);
	for (; *arguments != NULL && n < ARGUMENTS_MAX - 1; arguments++)
		argv[n++] = (char *)(uintptr_t)*arguments;
	argv[n] = NULL;
	execv(binary, argv);
	_exit(127);
}

static int
wait_status(pid_t pid)
{
	int64_t until = test_now_ms() + test_deadline_ms();
	int status;
	pid_t ended;

	while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
		if (test_now_ms() > until) {
			kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			test_fail("muxctl does not end");
		}
		(void)poll(NULL, 0, 5);
	}
	if (ended != pid || !WIFEXITED(status))
		test_fail("muxctl was killed");
	if (WEXITSTATUS(status) == 127)
		test_fail("MUXCTL is not set, or names no program");
	return WEXITSTATUS(status);
}

static char *
read_back(FILE *stream)
{
	long size;
	char *text;

	if (fseek(stream, 0, SEEK_END) != 0 || (size = ftell(stream)) < 0)
		test_fail("cannot read what muxctl has written");
	rewind(stream);
	text = test_alloc((size_t)size + 1);
	if (fread(text, 1, (size_t)size, stream) != (size_t)size)
		test_fail("cannot read what muxctl has written");
	return text;
}

struct muxd_result
muxctl_run_arguments(struct muxd *muxd, const char *const *arguments)
{
	struct muxd_result result;
	FILE *out = tmpfile(), *err = tmpfile();
	pid_t pid;

	if (out == NULL || err == NULL)
		test_fail("tmpfile: %s", strerror(errno));
	pid = fork();
	if (pid == -1)
		test_fail("fork: %s", strerror(errno));
	if (pid == 0) {
		if (dup2(open("/dev/null", O_RDONLY), STDIN_FILENO) == -1 ||
		    dup2(fileno(out), STDOUT_FILENO) == -1 ||
		    dup2(fileno(err), STDERR_FILENO) == -1)
			_exit(127);
		become_muxctl(muxd, arguments);
	}
	result.status = wait_status(pid);
	result.out = read_back(out);
	result.err = read_back(err);
	fclose(out);
	fclose(err);
	return result;
}

void
muxctl_start_arguments(struct muxctl_terminal *terminal, struct muxd *muxd,
    const char *const *arguments)
{
	const struct winsize size = { .ws_row = 30, .ws_col = 120 };
	const char *name;
	int slave;

	terminal->len = 0;
	terminal->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal->fd == -1 || grantpt(terminal->fd) == -1 ||
	    unlockpt(terminal->fd) == -1 ||
	    (name = ptsname(terminal->fd)) == NULL)
		test_fail("no terminal: %s", strerror(errno));
	client_adopt(terminal->fd);
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave == -1 || ioctl(slave, TIOCSWINSZ, &size) == -1)
		test_fail("%s: %s", name, strerror(errno));
	terminal->pid = fork();
	if (terminal->pid == -1)
		test_fail("fork: %s", strerror(errno));
	if (terminal->pid == 0) {
		if (dup2(slave, STDIN_FILENO) == -1 ||
		    dup2(slave, STDOUT_FILENO) == -1 ||
		    dup2(slave, STDERR_FILENO) == -1)
			_exit(127);
		become_muxctl(muxd, arguments);
	}
	close(slave);
}

void
muxctl_type(struct muxctl_terminal *terminal, const char *keys)
{
	size_t len = strlen(keys);

	if (write(terminal->fd, keys, len) != (ssize_t)len)
		test_fail("cannot type: %s", strerror(errno));
}

/* Take what is written until then; false: it has ended, or the time has. */
static bool
terminal_read(struct muxctl_terminal *terminal, int64_t until)
{
	struct pollfd pfd = { .fd = terminal->fd, .events = POLLIN };
	int64_t left = until - test_now_ms();
	ssize_t n;

	if (terminal->len + 1 >= sizeof(terminal->seen)) {
		/* A screen that is drawn again and again. */
		memmove(terminal->seen, terminal->seen + terminal->len / 2,
		    terminal->len - terminal->len / 2);
		terminal->len -= terminal->len / 2;
	}
	if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
		return false;
	n = read(terminal->fd, terminal->seen + terminal->len,
	    sizeof(terminal->seen) - terminal->len - 1);
	if (n <= 0)
		return false;
	terminal->len += (size_t)n;
	return true;
}

void
muxctl_wait_for(struct muxctl_terminal *terminal, const char *text)
{
	int64_t until = test_now_ms() + test_deadline_ms();
	char *at;

	for (;;) {
		terminal->seen[terminal->len] = '\0';
		at = strstr(terminal->seen, text);
		if (at != NULL)
			break;
		if (!terminal_read(terminal, until)) {
			kill(terminal->pid, SIGKILL);
			test_fail("muxctl does not write \"%s\" but: %s", text,
			    terminal->seen);
		}
	}
	at += strlen(text);
	terminal->len -= (size_t)(at - terminal->seen);
	memmove(terminal->seen, at, terminal->len);
}

int
muxctl_wait_status(struct muxctl_terminal *terminal)
{
	int64_t until = test_now_ms() + test_deadline_ms();

	/* Until the terminal is closed, so that it need not wait to write. */
	while (terminal_read(terminal, until))
		continue;
	return wait_status(terminal->pid);
}
