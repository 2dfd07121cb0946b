/*
 * See load.h.  A load process shares one page with the test, so that the
 * test sees how far it is; it uses nothing of cmocka, whose failures belong
 * to the test's process.
 */
#include "load.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client.h"
#include "support.h"

#define PARALLEL_MAX 256

static const char load_line[] = "a line of some load\n";

struct load_shared {
	_Atomic uint32_t ended;
	struct load_result result;
};

struct load_process {
	struct load_shared *shared;
	pid_t pid;
	struct load_process *next;
};

static struct load_process *processes;

/* One connection of the load process. */
struct load_connection {
	int fd;
	bool connected;
	size_t got;
	uint16_t port;
};

struct load_run {
	struct load_shared *shared;
	struct sockaddr_in peer;
	struct sockaddr_in local;
	uint32_t begun;
	uint32_t connections;
	struct load_connection slots[PARALLEL_MAX];
	struct pollfd polls[PARALLEL_MAX];
	uint32_t parallel;
};

static void
run_begin_one(struct load_run *run, struct load_connection *c)
{
	struct sockaddr_in local;
	socklen_t len = sizeof(local);
	int on = 1;

	memset(c, 0, sizeof(*c));
	run->begun++;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd == -1)
		_exit(2);
	/* The port is chosen by connect(), which can share ports. */
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(c->fd, (struct sockaddr *)&run->local, sizeof(run->local)) ==
		-1 ||
	    (connect(c->fd, (struct sockaddr *)&run->peer, sizeof(run->peer)) ==
		    -1 &&
		errno != EINPROGRESS))
		_exit(3);
	if (getsockname(c->fd, (struct sockaddr *)&local, &len) == 0)
		c->port = ntohs(local.sin_port);
}

static void
run_end_one(struct load_run *run, struct load_connection *c, uint32_t *cell)
{
	struct load_result *result = &run->shared->result;

	if (cell == &result->lost && result->lost < LOAD_LOST_MAX)
		result->lost_ports[result->lost] = c->port;
	++*cell;
	atomic_fetch_add(&run->shared->ended, 1);
	close(c->fd);
	c->fd = -1;
	if (run->begun < run->connections)
		run_begin_one(run, c);
}

static void
run_step(struct load_run *run, struct load_connection *c)
{
	struct load_result *result = &run->shared->result;
	char buf[sizeof(load_line)];
	socklen_t len = sizeof(int);
	int error = 0;
	ssize_t n;

	if (!c->connected) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0) {
			run_end_one(run, c, &result->refused);
			return;
		}
		c->connected = true;
		if (send(c->fd, load_line, sizeof(load_line), MSG_NOSIGNAL) !=
		    sizeof(load_line))
			run_end_one(run, c, &result->lost);
		return;
	}
	n = recv(c->fd, buf, sizeof(load_line) - c->got, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		run_end_one(run, c, &result->lost);
		return;
	}
	c->got += (size_t)n;
	if (c->got == sizeof(load_line))
		run_end_one(run, c, &result->served);
}

static void
run_load(struct load_run *run)
{
	uint32_t i, live = 1;

	for (i = 0; i < run->parallel; i++) {
		run->slots[i].fd = -1;
		if (run->begun < run->connections)
			run_begin_one(run, &run->slots[i]);
	}
	while (live > 0) {
		live = 0;
		for (i = 0; i < run->parallel; i++) {
			run->polls[i].fd = run->slots[i].fd;
			run->polls[i].events =
			    run->slots[i].connected ? POLLIN : POLLOUT;
			run->polls[i].revents = 0;
			live += run->slots[i].fd != -1;
		}
		if (live > 0 && poll(run->polls, run->parallel, -1) == -1)
			_exit(4);
		for (i = 0; i < run->parallel; i++)
			if (run->polls[i].revents != 0)
				run_step(run, &run->slots[i]);
	}
}

static struct load_run *
load_prepare(const struct load *load, struct load_shared *shared)
{
	struct load_run *run = test_alloc(sizeof(*run));
	const char *source = load->source == NULL ? "127.0.0.1" : load->source;

	if (load->parallel > PARALLEL_MAX)
		test_fail("a load of %u at once is too much", load->parallel);
	run->shared = shared;
	run->connections = load->connections;
	run->parallel = load->parallel;
	run->peer.sin_family = AF_INET;
	run->peer.sin_port = htons((uint16_t)address_port(load->address));
	run->peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	run->local.sin_family = AF_INET;
	if (inet_pton(AF_INET, source, &run->local.sin_addr) != 1)
		test_fail("not an address: %s", source);
	return run;
}

struct load_process *
load_start(const struct load *load)
{
	struct load_process *process = calloc(1, sizeof(*process));
	struct load_run *run;

	if (process == NULL)
		abort();
	process->shared = mmap(NULL, sizeof(*process->shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (process->shared == MAP_FAILED)
		test_fail("mmap: %s", strerror(errno));
	process->next = processes;
	processes = process;
	run = load_prepare(load, process->shared);
	process->pid = fork();
	if (process->pid == -1)
		test_fail("fork: %s", strerror(errno));
	if (process->pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm((unsigned)test_deadline_ms() / 1000 * 2);
		run_load(run);
		_exit(0);
	}
	return process;
}

uint32_t
load_progress(const struct load_process *process)
{
	return atomic_load(&process->shared->ended);
}

void
load_wait_progress(const struct load_process *process, uint32_t n)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();

	while (load_progress(process) < n) {
		if (test_now_ms() > deadline)
			test_fail("only %u of %u connections have ended",
			    load_progress(process), n);
		poll(NULL, 0, 1);
	}
}

struct load_result
load_finish(struct load_process *process)
{
	int status;

	if (waitpid(process->pid, &status, 0) != process->pid)
		test_fail("waitpid: %s", strerror(errno));
	process->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		test_fail("a load process ended with status %#x after %u "
			  "connections",
		    (unsigned)status, load_progress(process));
	return process->shared->result;
}

void
load_kill_all(void)
{
	struct load_process *process;

	while ((process = processes) != NULL) {
		processes = process->next;
		if (process->pid > 0) {
			kill(process->pid, SIGKILL);
			waitpid(process->pid, NULL, 0);
		}
		munmap(process->shared, sizeof(*process->shared));
		free(process);
	}
}
