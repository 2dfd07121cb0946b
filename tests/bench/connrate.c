/*
 * A client for measuring short connections: connects, sends one message, waits
 * for the same bytes to come back, and closes, with some connections in flight
 * at any time.  It always waits for the oldest one, so that a connection costs
 * it as few calls as can be, and what it measures is not itself.
 *
 * With -p, which may be repeated, it tells what CPU time a connection cost
 * these processes, and which part of the time they were busy.
 *
 * usage: connrate [-f in flight] [-n connections] [-p pid] [-s size] HOST PORT
 *
 * Connections come from 127.0.0.1 to 127.0.0.8 in turn, since those that are
 * closed keep their ports for a while.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum { SOURCES = 8, SIZE_MAX_BYTES = 4096 };

struct options {
	unsigned in_flight;
	unsigned connections;
	unsigned size;
	struct sockaddr_in server;
	struct meter meter;
};

static unsigned char message[SIZE_MAX_BYTES];

static int
begin(const struct options *options, unsigned nth)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + nth % SOURCES) };
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
	if (send(fd, message, options->size, MSG_NOSIGNAL) !=
	    (ssize_t)options->size)
		bench_die("send");
	return fd;
}

static void
end(const struct options *options, int fd)
{
	unsigned char answer[SIZE_MAX_BYTES];
	ssize_t n;

	n = recv(fd, answer, options->size, MSG_WAITALL);
	if (n == -1)
		bench_die("recv");
	if (n != (ssize_t)options->size ||
	    memcmp(answer, message, options->size) != 0) {
		fputs("connrate: wrong answer\n", stderr);
		exit(1);
	}
	(void)close(fd);
}

static void
run(const struct options *options, int *fds, unsigned total)
{
	unsigned begun = 0, ended = 0;

	while (ended < total) {
		while (begun < total && begun - ended < options->in_flight) {
			fds[begun % options->in_flight] = begin(options, begun);
			begun++;
		}
		end(options, fds[ended % options->in_flight]);
		ended++;
	}
}

static void
parse(int argc, char **argv, struct options *options)
{
	int c;

	while ((c = getopt(argc, argv, "f:n:p:s:")) != -1) {
		switch (c) {
		case 'f':
			options->in_flight = bench_number(optarg);
			break;
		case 'n':
			options->connections = bench_number(optarg);
			break;
		case 'p':
			meter_add(&options->meter, optarg);
			break;
		case 's':
			options->size = bench_number(optarg);
			break;
		default:
			optind = argc;
		}
	}
	if (optind + 2 != argc || options->in_flight == 0 ||
	    options->connections == 0 || options->size == 0 ||
	    options->size > SIZE_MAX_BYTES) {
		fputs("usage: connrate [-f in flight] [-n connections]"
		      " [-p pid] [-s size] HOST PORT\n",
		    stderr);
		exit(2);
	}
	bench_address(argv[optind], argv[optind + 1], &options->server);
}

int
main(int argc, char **argv)
{
	struct options options = {
		.in_flight = 50, .connections = 20000, .size = 64
	};
	double cpu, seconds;
	int *fds;

	parse(argc, argv, &options);
	bench_raise_descriptors();
	memset(message, 'm', sizeof(message));
	fds = calloc(options.in_flight, sizeof(*fds));
	if (fds == NULL)
		bench_die("calloc");
	run(&options, fds, options.in_flight);
	meter_begin(&options.meter);
	run(&options, fds, options.connections);
	meter_end(&options.meter, &cpu, &seconds);
	printf("connections %u seconds %.3f rate %.0f cpu_ns_per_connection"
	       " %.0f busy %.3f\n",
	    options.connections, seconds, options.connections / seconds,
	    cpu / options.connections, cpu / 1e9 / seconds);
	free(fds);
	return 0;
}
