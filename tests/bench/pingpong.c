/*
 * A client for measuring an echo server: sends one message on each of some
 * active connections, waits for all the answers, and does so again.  Beside
 * them it can hold idle connections.  It checks every byte.
 *
 * With -p it reads the server process's CPU time (schedstat of proc(5), in
 * nanoseconds) before and after, and tells what one round trip cost it.
 *
 * usage: pingpong [-c active] [-i idle] [-n rounds] [-p pid] [-s size]
 *                 [-w] HOST PORT
 *
 * Idle connections come from 127.0.0.1 and on, 10,000 from each address.
 * -w: open the connections, print "open", wait for a line, and then go on.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PER_SOURCE = 10000, SIZE_MAX_BYTES = 65536, EVENTS = 512 };

struct options {
	unsigned active;
	unsigned idle;
	unsigned rounds;
	unsigned size;
	long pid;
	bool wait;
	struct sockaddr_in server;
};

struct connection {
	int fd;
	unsigned received;
};

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "pingpong: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int
open_connection(const struct options *options, unsigned nth)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + nth / PER_SOURCE) };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		die("socket");
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1)
		die("bind");
	if (connect(fd, (const struct sockaddr *)&options->server,
		sizeof(options->server)) == -1)
		die("connect");
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1)
		die("TCP_NODELAY");
	return fd;
}

/* CPU time that the process has had, in nanoseconds. */
static uint64_t
cpu_time(long pid)
{
	char path[64];
	unsigned long long ns = 0;
	FILE *file;

	if (pid == 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%ld/schedstat", pid);
	file = fopen(path, "r");
	if (file == NULL)
		die(path);
	if (fscanf(file, "%llu", &ns) != 1)
		die(path);
	(void)fclose(file);
	return ns;
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
		die("the server closed a connection");
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
			die("send");
	}
	while (missing > 0) {
		n = epoll_wait(epfd, events, EVENTS, 30000);
		if (n <= 0)
			die("waiting for an answer");
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
			options->active = (unsigned)atoi(optarg);
			break;
		case 'i':
			options->idle = (unsigned)atoi(optarg);
			break;
		case 'n':
			options->rounds = (unsigned)atoi(optarg);
			break;
		case 'p':
			options->pid = atol(optarg);
			break;
		case 's':
			options->size = (unsigned)atoi(optarg);
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
	options->server.sin_family = AF_INET;
	options->server.sin_port = htons((uint16_t)atoi(argv[optind + 1]));
	if (inet_pton(AF_INET, argv[optind], &options->server.sin_addr) != 1) {
		fputs("pingpong: HOST is an IPv4 address\n", stderr);
		exit(2);
	}
}

static struct connection *
open_all(const struct options *options, int epfd)
{
	struct connection *connections =
	    calloc(options->active + 1, sizeof(*connections));
	struct epoll_event event = { .events = EPOLLIN };
	unsigned i;

	if (connections == NULL)
		die("calloc");
	for (i = 0; i < options->idle; i++)
		(void)open_connection(options, i);
	for (i = 0; i < options->active; i++) {
		connections[i].fd = open_connection(options, options->idle);
		event.data.u32 = i;
		if (epoll_ctl(epfd, EPOLL_CTL_ADD, connections[i].fd, &event) ==
		    -1)
			die("epoll_ctl");
	}
	return connections;
}

int
main(int argc, char **argv)
{
	struct options options = { .active = 100, .rounds = 1000, .size = 64 };
	struct rlimit limit;
	struct timespec begin, end;
	struct connection *connections;
	uint64_t cpu;
	double trips, seconds;
	unsigned i;
	int epfd = epoll_create1(0);

	parse(argc, argv, &options);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	connections = open_all(&options, epfd);
	/* One round as warm-up: everything is accepted then. */
	run_round(&options, epfd, connections, 0);
	if (options.wait) {
		puts("open");
		(void)fflush(stdout);
		(void)getchar();
	}
	cpu = cpu_time(options.pid);
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 1; i <= options.rounds; i++)
		run_round(&options, epfd, connections, i);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	cpu = cpu_time(options.pid) - cpu;
	trips = (double)options.rounds * options.active;
	seconds = (double)(end.tv_sec - begin.tv_sec) +
	    (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	printf("trips %.0f seconds %.3f rate %.0f cpu_ns_per_trip %.0f\n",
	    trips, seconds, trips / seconds, (double)cpu / trips);
	free(connections);
	return 0;
}
