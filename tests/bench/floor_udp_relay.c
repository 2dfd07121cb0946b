/*
 * The floor of a UDP relay: a connected socket to the server for each client
 * port, datagrams taken in batches and passed on.  It knows clients of
 * 127.0.0.1 alone, forgets none, checks nothing and limits nothing.
 *
 * usage: floor_udp_relay PORT SERVER_PORT
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <stdio.h>

#include "bench.h"

enum { EVENTS = 512, BATCH = 64, BUFFER = 2048, PORTS = 65536 };

static char buffers[BATCH][BUFFER];
static struct sockaddr_in from[BATCH];
static struct iovec iov[BATCH];
static struct mmsghdr messages[BATCH];

/* By the client's port in network byte order: the socket to the server, or
 * 0. */
static int upstream[PORTS];

static int
receive(int fd)
{
	int n, i;

	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ buffers[i], BUFFER };
		messages[i] =
		    (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i],
					  .msg_namelen = sizeof(from[i]),
					  .msg_iov = &iov[i],
					  .msg_iovlen = 1 } };
	}
	n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++)
		iov[i].iov_len = messages[i].msg_len;
	return n;
}

static int
connect_to(int epfd, const struct sockaddr_in *server, uint16_t client)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = client };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd == -1 ||
	    connect(fd, (const struct sockaddr *)server, sizeof(*server)) ==
		-1 ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == -1)
		bench_die("connect");
	return fd;
}

static void
from_clients(int epfd, int listener, const struct sockaddr_in *server)
{
	int n = receive(listener), first = 0, i;
	int *fd;

	/* Neighbours of one client go in one call. */
	for (i = 0; i < n; i++) {
		messages[i].msg_hdr.msg_name = NULL;
		messages[i].msg_hdr.msg_namelen = 0;
		if (i + 1 < n && from[i + 1].sin_port == from[i].sin_port)
			continue;
		fd = &upstream[from[i].sin_port];
		if (*fd == 0)
			*fd = connect_to(epfd, server, from[i].sin_port);
		(void)sendmmsg(
		    *fd, &messages[first], (unsigned)(i + 1 - first), 0);
		first = i + 1;
	}
}

static void
from_server(uint16_t client, int listener)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = client,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int n = receive(upstream[client]), i;

	for (i = 0; i < n; i++) {
		messages[i].msg_hdr.msg_name = &to;
		messages[i].msg_hdr.msg_namelen = sizeof(to);
	}
	if (n > 0)
		(void)sendmmsg(listener, messages, (unsigned)n, 0);
}

int
main(int argc, char **argv)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = PORTS };
	struct epoll_event events[EVENTS];
	struct sockaddr_in server;
	int epfd = epoll_create1(0), listener, n, i;

	if (argc != 3) {
		fputs("usage: floor_udp_relay PORT SERVER_PORT\n", stderr);
		return 2;
	}
	bench_address("127.0.0.1", argv[2], &server);
	listener = bench_listen(SOCK_DGRAM, (uint16_t)bench_number(argv[1]));
	if (epfd == -1 ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &event) == -1)
		bench_die("epoll");
	for (;;) {
		n = epoll_wait(epfd, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.u64 == PORTS)
				from_clients(epfd, listener, &server);
			else
				from_server(
				    (uint16_t)events[i].data.u64, listener);
		}
	}
}
