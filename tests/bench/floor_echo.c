/*
 * The floor: the smallest edge-triggered epoll loop in C that echoes, or gives
 * each read the same answer.  It checks nothing, limits nothing, logs nothing
 * and loses bytes when a client does not read; it is what the CPU time of
 * muxd's worker is held against, and the server behind the relays.
 *
 * usage: floor_echo PORT [ANSWER]
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum { EVENTS = 512, BUFFER = 65536 };

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

/* NULL echoes. */
static void
answer(int fd, unsigned events, const char *fixed)
{
	static char buffer[BUFFER];
	ssize_t n;

	if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0)
		return;
	do {
		n = recv(fd, buffer, sizeof(buffer), 0);
		if (n > 0)
			(void)send(fd, fixed != NULL ? fixed : buffer,
			    fixed != NULL ? strlen(fixed) : (size_t)n,
			    MSG_NOSIGNAL);
	} while (n == BUFFER || (n > 0 && (events & EPOLLRDHUP) != 0));
	if (n == 0 || (events & (EPOLLHUP | EPOLLERR)) != 0)
		(void)close(fd);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int epfd = epoll_create1(0), listener, n, i;

	if (argc != 2 && argc != 3) {
		fputs("usage: floor_echo PORT [ANSWER]\n", stderr);
		return 2;
	}
	if (epfd == -1)
		bench_die("epoll_create1");
	bench_raise_descriptors();
	listener = bench_listen(
	    SOCK_STREAM | SOCK_NONBLOCK, (uint16_t)bench_number(argv[1]));
	watch(epfd, listener);
	for (;;) {
		n = epoll_wait(epfd, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				accept_all(epfd, listener);
			else
				answer(events[i].data.fd, events[i].events,
				    argc == 3 ? argv[2] : NULL);
		}
	}
}
