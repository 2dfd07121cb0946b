/*
 * See process.h.
 */
#include "process.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client.h"
#include "support.h"

/* How long a client may take to ask. */
#define PATIENCE_MS 30000

/* A socket bound to the address, beside others of this user. */
static int
bind_beside(const char *address)
{
	struct sockaddr_storage ss;
	int type, on = 1;
	socklen_t len = address_parse(address, &ss, &type);
	int fd = socket(ss.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&ss, len) == -1)
		test_fail("bind to %s: %s", address, strerror(errno));
	return fd;
}

static void
answer_one(int fd, const char *answer)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	char request[4096];

	if (poll(&pollfd, 1, PATIENCE_MS) == 1 &&
	    recv(fd, request, sizeof(request), 0) > 0)
		(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	(void)close(fd);
}

/* What the test has open is not for its servers: a client's socket would not
 * be closed while they have it too. */
static void
close_all_but(int kept)
{
	int max = (int)sysconf(_SC_OPEN_MAX);

	for (int fd = STDERR_FILENO + 1; fd < max; fd++)
		if (fd != kept)
			(void)close(fd);
}

/* Each client in a process of its own, so that none waits for another. */
static _Noreturn void
serve(int listener, const char *answer)
{
	int fd;

	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd == -1)
			continue;
		if (fork() == 0) {
			(void)close(listener);
			answer_one(fd, answer);
			_exit(0);
		}
		(void)close(fd);
	}
}

void
process_start(struct process *process, const char *answer)
{
	pid_t parent = getpid();
	int listener;

	if (process->address == NULL) {
		process->keeper = bind_beside("127.0.0.1:0");
		client_adopt(process->keeper);
		process->address = address_of(process->keeper);
	}
	listener = bind_beside(process->address);
	if (listen(listener, 4096) == -1)
		test_fail("listen: %s", strerror(errno));
	process->pid = fork();
	if (process->pid == -1)
		test_fail("fork: %s", strerror(errno));
	if (process->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		close_all_but(listener);
		serve(listener, answer);
	}
	(void)close(listener);
}

void
process_kill(struct process *process)
{
	(void)kill(process->pid, SIGKILL);
	while (waitpid(process->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	process->pid = 0;
}
