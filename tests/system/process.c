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

#define CLIENTS_MAX 256

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

/* Something came of a client: its request, or its end. */
static void
answer_one(int fd, const char *answer)
{
	char request[4096];

	if (recv(fd, request, sizeof(request), MSG_DONTWAIT) > 0)
		(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	(void)close(fd);
}

/* Answer those who have spoken; the number of the others. */
static nfds_t
answer_ready(struct pollfd *clients, nfds_t n, const char *answer)
{
	nfds_t i, left = 0;

	for (i = 0; i < n; i++) {
		if (clients[i].revents != 0)
			answer_one(clients[i].fd, answer);
		else
			clients[left++] = clients[i];
	}
	return left;
}

/* None waits for another one that is silent; a process for each would be too
 * much of a burden below valgrind. */
static _Noreturn void
serve(int listener, const char *answer)
{
	struct pollfd fds[1 + CLIENTS_MAX] = { { .fd = listener,
	    .events = POLLIN } };
	struct pollfd *clients = fds + 1;
	nfds_t n = 0;
	int fd;

	for (;;) {
		fds[0].events = n < CLIENTS_MAX ? POLLIN : 0;
		if (poll(fds, 1 + n, -1) == -1)
			continue;
		n = answer_ready(clients, n, answer);
		if ((fds[0].revents & POLLIN) == 0)
			continue;
		fd = accept(listener, NULL, NULL);
		if (fd != -1)
			clients[n++] =
			    (struct pollfd){ .fd = fd, .events = POLLIN };
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
