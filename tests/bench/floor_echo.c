/*
 * The floor: the smallest edge-triggered epoll loop in C that echoes.  It
 * checks nothing, limits nothing, logs nothing and loses bytes when a client
 * does not read; it is what the CPU time of muxd's worker is held against.
 *
 * usage: floor_echo PORT
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EVENTS = 512, BUFFER = 65536 };

static int
listen_on(unsigned short port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 4096) == -1)
		return -1;
	return fd;
}

static void
watch(int epfd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
		    EPOLLET,
		.data.fd = fd };

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == -1)
		(void)close(fd);
}

static void
accept_all(int epfd, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1)
		watch(epfd, fd);
}

static void
echo(int fd, unsigned events)
{
	static char buffer[BUFFER];
	ssize_t n;

	if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0)
		return;
	do {
		n = recv(fd, buffer, sizeof(buffer), 0);
		if (n > 0)
			(void)send(fd, buffer, (size_t)n, MSG_NOSIGNAL);
	} while (n == BUFFER || (n > 0 && (events & EPOLLRDHUP) != 0));
	if (n == 0 || (events & (EPOLLHUP | EPOLLERR)) != 0)
		(void)close(fd);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int epfd = epoll_create1(0), listener, n, i;

	if (argc != 2) {
		fputs("usage: floor_echo PORT\n", stderr);
		return 2;
	}
	listener = listen_on((unsigned short)atoi(argv[1]));
	if (epfd == -1 || listener == -1) {
		perror("floor_echo");
		return 2;
	}
	watch(epfd, listener);
	for (;;) {
		n = epoll_wait(epfd, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				accept_all(epfd, listener);
			else
				echo(events[i].data.fd, events[i].events);
		}
	}
}
