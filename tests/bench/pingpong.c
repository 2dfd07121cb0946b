/*
 * A client for measuring an echo server: sends one message on each of some
 * active connections, waits for all the answers, and does so again.  Beside
 * them it can hold idle connections.  It checks every byte.
 *
 * With -p, which may be repeated, it reads the CPU time of these processes
 * (schedstat of proc(5), in nanoseconds) before and after, and tells what one
 * round trip cost them.
 *
 * usage: pingpong [-c active] [-i idle] [-n rounds] [-p pid] [-s size]
 *                 [-w] HOST PORT
 *
 * Idle connections come from 127.0.0.1 and on, 10,000 from each address.
 * -w: open the connections, print "open", wait for a line, and then go on.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum { PER_SOURCE = 10000, SIZE_MAX_BYTES = 65536, EVENTS = 512 };

struct options {
	unsigned active;
	unsigned idle;
	unsigned rounds;
	unsigned size;
	bool wait;
	struct meter meter;
	struct sockaddr_in server;
};

struct connection {
	int fd;
	unsigned received;
};

static int
open_connection(const struct options *options, unsigned nth)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + nth / PER_SOURCE) };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		bench_die("socket");
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1)
		bench_die("bind");
	if (connect(fd, (const struct sockaddr *)&options->server,
		sizeof(options->server)) == -1)
		bench_die("connect");
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1)
		bench_die("TCP_NODELAY");
	return fd;
}

static void
receive(struct connection *connection, unsigned size, unsigned char expected,
    unsigned *missing)
{
	static unsigned char buffer[SIZE_MAX_BYTES];
	ssize_t n, i;

	n = recv(
	    connection->fd, buffer, size - connection->received, MSG_DONTWAIT);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0)
		bench_die("the server closed a connection");
	for (i = 0; i < n; i++) {
		if (buffer[i] != expected) {
			fputs("pingpong: wrong answer\n", stderr);
			exit(1);
		}
	}
	connection->received += (unsigned)n;
	if (connection->received == size)
		--*missing;
}

static void
run_round(const struct options *options, int epfd,
    struct connection *connections, unsigned round)
{
	static unsigned char message[SIZE_MAX_BYTES];
	struct epoll_event events[EVENTS];
	unsigned i, missing = options->active;
	unsigned char fill = (unsigned char)(round % 251 + 1);
	int n, k;

	memset(message, fill, options->size);
	for (i = 0; i < options->active; i++) {
		connections[i].received = 0;
		if (send(connections[i].fd, message, options->size,
			MSG_NOSIGNAL) != (ssize_t)options->size)
			bench_die("send");
	}
	while (missing > 0) {
		n = epoll_wait(epfd, events, EVENTS, 30000);
		if (n <= 0)
			bench_die("waiting for an answer");
		for (k = 0; k < n; k++)
			receive(&connections[events[k].data.u32], options->size,
			    fill, &missing);
	}
}

static void
parse(int argc, char **argv, struct options *options)
{
	int c;

	while ((c = getopt(argc, argv, "c:i:n:p:s:w")) != -1) {
		switch (c) {
		case 'c':
			options->active = bench_number(optarg);
			break;
		case 'i':
			options->idle = bench_number(optarg);
			break;
		case 'n':
			options->rounds = bench_number(optarg);
			break;
		case 'p':
			meter_add(&options->meter, optarg);
			break;
		case 's':
			options->size = bench_number(optarg);
			break;
		case 'w':
			options->wait = true;
			break;
		default:
			optind = argc;
		}
	}
	if (optind + 2 != argc || options->size == 0 ||
	    options->size > SIZE_MAX_BYTES) {
		fputs("usage: pingpong [-c active] [-i idle] [-n rounds]"
		      " [-p pid] [-s size] [-w] HOST PORT\n",
		    stderr);
		exit(2);
	}
	bench_address(argv[optind], argv[optind + 1], &options->server);
}

static struct connection *
open_all(const struct options *options, int epfd)
{
	struct connection *connections =
	    calloc(options->active + 1, sizeof(*connections));
	struct epoll_event event = { .events = EPOLLIN };
	unsigned i;

	if (connections == NULL)
		bench_die("calloc");
	for (i = 0; i < options->idle; i++)
		(void)open_connection(options, i);
	for (i = 0; i < options->active; i++) {
		connections[i].fd = open_connection(options, options->idle);
		event.data.u32 = i;
		if (epoll_ctl(epfd, EPOLL_CTL_ADD, connections[i].fd, &event) ==
		    -1)
			bench_die("epoll_ctl");
	}
	return connections;
}

int
main(int argc, char **argv)
{
	struct options options = { .active = 100, .rounds = 1000, .size = 64 };
	struct connection *connections;
	double trips, cpu, seconds;
	unsigned i;
	int epfd = epoll_create1(0);

	parse(argc, argv, &options);
	bench_raise_descriptors();
	connections = open_all(&options, epfd);
	/* One round as warm-up: everything is accepted then. */
	run_round(&options, epfd, connections, 0);
	if (options.wait) {
		puts("open");
		(void)fflush(stdout);
		(void)getchar();
	}
	meter_begin(&options.meter);
	for (i = 1; i <= options.rounds; i++)
		run_round(&options, epfd, connections, i);
	meter_end(&options.meter, &cpu, &seconds);
	trips = (double)options.rounds * options.active;
	printf("trips %.0f seconds %.3f rate %.0f cpu_ns_per_trip %.0f\n",
	    trips, seconds, trips / seconds, cpu / trips);
	free(connections);
	return 0;
}
