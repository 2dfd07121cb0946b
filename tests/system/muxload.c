/*
 * See muxload.h.
 */
#include "muxload.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"

enum { CHILDREN = 16, OUTPUT = 1 << 20 };

/* What the teardown ends. */
static pid_t children[CHILDREN];
static size_t nchildren;

static void
adopt_child(pid_t pid)
{
	if (nchildren == CHILDREN)
		test_fail("too many processes");
	children[nchildren++] = pid;
}

static void
forget_child(pid_t pid)
{
	size_t i;

	for (i = 0; i < nchildren; i++) {
		if (children[i] == pid) {
			children[i] = children[--nchildren];
			return;
		}
	}
}

int
muxload_teardown(void **state)
{
	while (nchildren > 0) {
		(void)kill(children[--nchildren], SIGKILL);
		while (waitpid(children[nchildren], NULL, 0) == -1 &&
		    errno == EINTR)
			continue;
	}
	return muxd_teardown(state);
}

/* In a child: what the test has open is not for it. */
static void
close_others(int kept)
{
	int max = (int)sysconf(_SC_OPEN_MAX);

	for (int fd = STDERR_FILENO + 1; fd < max; fd++)
		if (fd != kept)
			(void)close(fd);
}

static pid_t
fork_child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == -1)
		test_fail("fork: %s", strerror(errno));
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

void
muxload_serve(int fd, void (*serve)(int fd))
{
	pid_t pid = fork_child();

	if (pid != 0) {
		adopt_child(pid);
		return;
	}
	close_others(fd);
	/* Servers here block. */
	(void)fcntl(fd, F_SETFL, 0);
	serve(fd);
	_exit(0);
}

int
muxload_bind_udp(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		test_fail("UDP socket: %s", strerror(errno));
	client_adopt(fd);
	return fd;
}

/* ---- the program ---------------------------------------------------------*/

static _Noreturn void
execute(const char *const *arguments, const int pipes[3][2])
{
	const char *folder = getenv("MUXD_BUILDDIR"), *argv[64];
	size_t n = 1;

	argv[0] = test_format(
	    "%s/tests/bench/muxload", folder != NULL ? folder : ".");
	for (; *arguments != NULL && n < 63; arguments++)
		argv[n++] = *arguments;
	argv[n] = NULL;
	if (dup2(pipes[0][0], STDIN_FILENO) == -1 ||
	    dup2(pipes[1][1], STDOUT_FILENO) == -1 ||
	    dup2(pipes[2][1], STDERR_FILENO) == -1)
		_exit(98);
	close_others(-1);
	(void)execv(argv[0], (char *const *)argv);
	perror(argv[0]);
	_exit(99);
}

struct muxload *
muxload_start_arguments(const char *const *arguments)
{
	struct muxload *muxload = test_alloc(sizeof(*muxload));
	int pipes[3][2];
	size_t i;

	for (i = 0; i < 3; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) == -1)
			test_fail("pipe: %s", strerror(errno));
	}
	muxload->pid = fork_child();
	if (muxload->pid == 0)
		execute(arguments, (const int(*)[2])pipes);
	adopt_child(muxload->pid);
	(void)close(pipes[0][0]);
	(void)close(pipes[1][1]);
	(void)close(pipes[2][1]);
	muxload->in = pipes[0][1];
	muxload->out = pipes[1][0];
	muxload->err = pipes[2][0];
	client_adopt(muxload->in);
	client_adopt(muxload->out);
	client_adopt(muxload->err);
	return muxload;
}

void
muxload_input(struct muxload *muxload, const char *text)
{
	if (write(muxload->in, text, strlen(text)) != (ssize_t)strlen(text))
		test_fail("standard input: %s", strerror(errno));
}

/* Read some; 0 at the end. */
static size_t
read_some(int fd, char *data, size_t size)
{
	struct pollfd ask = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&ask, 1, test_deadline_ms()) != 1)
		test_fail("muxload says nothing");
	n = read(fd, data, size);
	if (n == -1)
		test_fail("read: %s", strerror(errno));
	return (size_t)n;
}

char *
muxload_read_line(struct muxload *muxload)
{
	char *line = test_alloc(4096);
	size_t len = 0;

	while (len < 4095 && read_some(muxload->out, line + len, 1) == 1) {
		if (line[len] == '\n') {
			line[len] = '\0';
			return line;
		}
		len++;
	}
	test_fail("muxload has ended: \"%s\"", line);
}

static char *
read_all(int fd)
{
	char *text = test_alloc(OUTPUT);
	size_t len = 0, n;

	while (len < OUTPUT - 1 &&
	    (n = read_some(fd, text + len, OUTPUT - 1 - len)) > 0)
		len += n;
	return text;
}

struct muxload_result
muxload_end(struct muxload *muxload)
{
	struct muxload_result result;
	int status;

	client_close(muxload->in);
	result.out = read_all(muxload->out);
	result.err = read_all(muxload->err);
	client_close(muxload->out);
	client_close(muxload->err);
	while (waitpid(muxload->pid, &status, 0) == -1 && errno == EINTR)
		continue;
	forget_child(muxload->pid);
	if (!WIFEXITED(status))
		test_fail("muxload ended with status %#x: %s", (unsigned)status,
		    result.err);
	result.status = WEXITSTATUS(status);
	return result;
}

double
muxload_key(const struct muxload_result *result, const char *key)
{
	char *needle = test_format(" %s ", key);
	char *text = test_format(" %s", result->out);
	const char *found = strstr(text, needle);

	if (found == NULL)
		test_fail(
		    "no key %s in \"%s\" (%s)", key, result->out, result->err);
	return strtod(found + strlen(needle), NULL);
}
