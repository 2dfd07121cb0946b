/*
 * A listener that several processes share: each client is served once, and
 * by one that accepts.
 */
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/listener.h"
#include "net/socket.h"

#include "fixture.h"

struct worker {
	pid_t pid;
	char name; /* what it writes to its clients */
};

static void
worker_accepted(struct listener *listener, int fd, const struct addr *peer)
{
	const struct worker *worker = listener->owner;

	(void)peer;
	(void)send(fd, &worker->name, 1, MSG_NOSIGNAL);
	close(fd);
}

static void
worker_failed(struct listener *listener, int error, bool starved)
{
	(void)listener;
	(void)error;
	(void)starved;
	_exit(1);
}

static void
worker_recovered(struct listener *listener)
{
	(void)listener;
	_exit(1);
}

static const struct listener_ops worker_ops = {
	.accepted = worker_accepted,
	.failed = worker_failed,
	.recovered = worker_recovered,
};

/* The child: serves until it is killed. */
static void
worker_main(struct worker *worker, const char *backend, int fd, int ready,
    bool paused, const struct bufpool_grant *grant)
{
	struct listener listener;
	struct net net;
	struct loop *loop = loop_open(backend);

	if (loop == NULL || net_open(&net, loop, grant) == -1 ||
	    listener_open(&listener, &net, fd, true, &worker_ops, worker) == -1)
		_exit(1);
	if (paused)
		listener_pause(&listener);
	/* It waits by now, or does not, as far as others can see. */
	if (loop_turn(loop, 0) == -1 || write(ready, "r", 1) != 1)
		_exit(1);
	(void)loop_run(loop);
	_exit(1);
}

static void
worker_start(
    struct worker *worker, char name, struct fixture *f, int fd, bool paused)
{
	char byte;
	int ready[2];

	worker->name = name;
	assert_int_equal(pipe(ready), 0);
	worker->pid = fork();
	assert_int_not_equal(worker->pid, -1);
	if (worker->pid == 0) {
		alarm(60);
		worker_main(worker, loop_backend_name(f->loop), fd, ready[1],
		    paused, &f->net.pool.grant);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static void
worker_stop(const struct worker *worker)
{
	assert_int_equal(kill(worker->pid, SIGKILL), 0);
	assert_int_equal(waitpid(worker->pid, NULL, 0), worker->pid);
}

/* Bind a UNIX socket in a new folder. */
static int
unix_listener(struct endpoint *endpoint, char *folder)
{
	static const struct socket_options options = { .backlog = 512 };
	static const struct socket_file file = { 0600, (uid_t)-1, (gid_t)-1 };
	int fd;

	assert_non_null(mkdtemp(folder));
	memset(endpoint, 0, sizeof(*endpoint));
	endpoint->transport = TRANSPORT_UNIX;
	endpoint->addr.family = ADDR_UNIX;
	snprintf(endpoint->path, sizeof(endpoint->path), "%s/socket", folder);
	fd = socket_bind_unix(endpoint, &options, &file);
	assert_int_not_equal(fd, -1);
	return fd;
}

/* Connect n times at once; returns how many were served by name. */
static unsigned
served_by(const struct endpoint *endpoint, size_t n, char name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	unsigned served = 0;
	int fds[200];
	size_t i;
	char byte;

	assert_true(n <= COUNT(fds));
	compat_strlcpy(sun.sun_path, endpoint->path, sizeof(sun.sun_path));
	for (i = 0; i < n; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_not_equal(fds[i], -1);
		assert_int_equal(
		    connect(fds[i], (struct sockaddr *)&sun, sizeof(sun)), 0);
	}
	for (i = 0; i < n; i++) {
		assert_int_equal(read(fds[i], &byte, 1), 1);
		served += byte == name;
		assert_int_equal(read(fds[i], &byte, 1), 0);
		close(fds[i]);
	}
	return served;
}

static void
shared_listener_serves_each_client_once(void **state)
{
	struct fixture *f = *state;
	char folder[] = "/tmp/muxd-listener.XXXXXX";
	struct endpoint endpoint;
	struct worker workers[3];
	int fd = unix_listener(&endpoint, folder), i;

	for (i = 0; i < 3; i++)
		worker_start(&workers[i], (char)('a' + i), f, fd, i == 1);
	/* Every answer comes from one of those that accept: the one that
	 * pauses swallows no wake-up. */
	for (i = 0; i < 50; i++)
		assert_int_equal(served_by(&endpoint, 1, 'b'), 0);
	assert_int_equal(served_by(&endpoint, 200, 'b'), 0);
	worker_stop(&workers[0]);
	assert_int_equal(served_by(&endpoint, 50, 'c'), 50);
	worker_stop(&workers[1]);
	worker_stop(&workers[2]);
	close(fd);
	assert_int_equal(unlink(endpoint.path), 0);
	assert_int_equal(rmdir(folder), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(shared_listener_serves_each_client_once),
	};

	return fixture_run_each_backend("shared listener", tests, COUNT(tests));
}
