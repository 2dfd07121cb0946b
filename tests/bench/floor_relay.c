/*
 * The floor of a relay: the smallest edge-triggered epoll loop in C that
 * connects each client to a server and copies, one recv and one send for what
 * has come.  It waits for the server to accept, ends both sides at the first
 * end of either, checks nothing, limits nothing, logs nothing, and loses bytes
 * when somebody does not read; it is what the CPU time of muxd's worker is
 * held against.
 *
 * usage: floor_relay PORT SERVER_PORT
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"

enum { EVENTS = 512, BUFFER = 65536, DESCRIPTORS = 65536 };

/* By descriptor: the one on the other side. */
static int other[DESCRIPTORS];

static void
watch(int epfd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET,
		.data.fd = fd };

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == -1)
		bench_die("epoll_ctl");
}

static int
connect_to(const struct sockaddr_in *server)
{
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1 ||
	    connect(fd, (const struct sockaddr *)server, sizeof(*server)) == -1)
		bench_die("connect");
	return fd;
}

static void
accept_all(int epfd, int listener, const struct sockaddr_in *server)
{
	int client, upstream;

	while ((client = accept4(listener, NULL, NULL, 0)) != -1) {
		upstream = connect_to(server);
		if (client >= DESCRIPTORS || upstream >= DESCRIPTORS) {
			(void)close(client);
			(void)close(upstream);
			continue;
		}
		other[client] = upstream;
		other[upstream] = client;
		watch(epfd, client);
		watch(epfd, upstream);
	}
}

/* A stale event of a pair that has ended in this batch finds nothing to
 * read. */
static void
copy(int from)
{
	static char buffer[BUFFER];
	ssize_t n;

	n = recv(from, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (n > 0)
		n = send(other[from], buffer, (size_t)n,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (n == 0) {
		(void)close(other[from]);
		(void)close(from);
	}
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct sockaddr_in server;
	int epfd = epoll_create1(0), listener, n, i;

	if (argc != 3) {
		fputs("usage: floor_relay PORT SERVER_PORT\n", stderr);
		return 2;
	}
	if (epfd == -1)
		bench_die("epoll_create1");
	bench_raise_descriptors();
	bench_address("127.0.0.1", argv[2], &server);
	listener = bench_listen(
	    SOCK_STREAM | SOCK_NONBLOCK, (uint16_t)bench_number(argv[1]));
	watch(epfd, listener);
	for (;;) {
		n = epoll_wait(epfd, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				accept_all(epfd, listener, &server);
			else
				copy(events[i].data.fd);
		}
	}
}
