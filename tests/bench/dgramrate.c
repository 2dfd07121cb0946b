/*
 * A client for measuring datagrams: each of its sockets has a window of
 * datagrams under way to a server that sends them back; for each that returns
 * it sends another one.  It checks every byte.
 *
 * What does not come back for a while is taken for lost, counted, and replaced.
 *
 * With -p, which may be repeated, it tells what CPU time a datagram that came
 * back cost these processes, and which part of the time they were busy.
 *
 * usage: dgramrate [-c sockets] [-n datagrams] [-p pid] [-s size] [-w window]
 *                  HOST PORT
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { WINDOW_MAX = 64, SIZE_MAX_BYTES = 1472, EVENTS = 256 };

/* Seconds after which what is silent has lost its datagrams, and after which a
 * server that is silent is none. */
enum { PATIENCE = 1, DESPAIR = 10 };

struct options {
	unsigned sockets;
	unsigned datagrams;
	unsigned size;
	unsigned window;
	struct sockaddr_in server;
	struct meter meter;
};

struct flow {
	int fd;
	unsigned under_way;
	time_t heard;
};

struct run {
	const struct options *options;
	int epfd;
	struct flow *flows;
	time_t heard;
	unsigned received;
	unsigned lost;
};

static unsigned char message[SIZE_MAX_BYTES];

static time_t
now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return time.tv_sec;
}

static void
fill_window(const struct options *options, struct flow *flow)
{
	struct iovec iov = { message, options->size };
	struct mmsghdr messages[WINDOW_MAX];
	unsigned i, missing = options->window - flow->under_way;
	int n;

	for (i = 0; i < missing; i++)
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov,
						    .msg_iovlen = 1 } };
	n = sendmmsg(flow->fd, messages, missing, MSG_DONTWAIT);
	if (n == -1 && errno != EAGAIN)
		bench_die("sendmmsg");
	if (n > 0)
		flow->under_way += (unsigned)n;
}

static void
take(struct run *run, struct flow *flow)
{
	static unsigned char answers[WINDOW_MAX][SIZE_MAX_BYTES];
	struct iovec iov[WINDOW_MAX];
	struct mmsghdr messages[WINDOW_MAX];
	unsigned size = run->options->size, got;
	int n, i;

	for (i = 0; i < WINDOW_MAX; i++) {
		iov[i] = (struct iovec){ answers[i], SIZE_MAX_BYTES };
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i],
						    .msg_iovlen = 1 } };
	}
	n = recvmmsg(flow->fd, messages, WINDOW_MAX, MSG_DONTWAIT, NULL);
	if (n == -1) {
		if (errno == EAGAIN)
			return;
		bench_die("recvmmsg");
	}
	for (i = 0; i < n; i++) {
		if (messages[i].msg_len != size ||
		    memcmp(answers[i], message, size) != 0) {
			fputs("dgramrate: wrong answer\n", stderr);
			exit(1);
		}
	}
	got = (unsigned)n;
	run->received += got;
	/* One that was given up may come after all. */
	flow->under_way -= got < flow->under_way ? got : flow->under_way;
	flow->heard = now();
	run->heard = flow->heard;
}

static void
give_up_lost(struct run *run, time_t time)
{
	struct flow *flow;
	unsigned i;

	if (time - run->heard > DESPAIR) {
		errno = ETIMEDOUT;
		bench_die("waiting for answers");
	}
	for (i = 0; i < run->options->sockets; i++) {
		flow = &run->flows[i];
		if (time - flow->heard > PATIENCE) {
			run->lost += flow->under_way;
			flow->under_way = 0;
			flow->heard = time;
			fill_window(run->options, flow);
		}
	}
}

/* Go on until so many more have come back. */
static void
go_on(struct run *run, unsigned datagrams)
{
	struct epoll_event events[EVENTS];
	struct flow *flow;
	unsigned goal = run->received + datagrams;
	time_t looked = now(), time;
	int n, i;

	while (run->received < goal) {
		n = epoll_wait(run->epfd, events, EVENTS, 1000);
		if (n == -1)
			bench_die("epoll_wait");
		for (i = 0; i < n; i++) {
			flow = &run->flows[events[i].data.u32];
			take(run, flow);
			fill_window(run->options, flow);
		}
		time = now();
		if (time != looked) {
			give_up_lost(run, time);
			looked = time;
		}
	}
}

static void
open_all(struct run *run)
{
	const struct options *options = run->options;
	struct epoll_event event = { .events = EPOLLIN };
	struct flow *flow;
	unsigned i;

	for (i = 0; i < options->sockets; i++) {
		flow = &run->flows[i];
		flow->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (flow->fd == -1 ||
		    connect(flow->fd, (const struct sockaddr *)&options->server,
			sizeof(options->server)) == -1)
			bench_die("connect");
		event.data.u32 = i;
		if (epoll_ctl(run->epfd, EPOLL_CTL_ADD, flow->fd, &event) == -1)
			bench_die("epoll_ctl");
		flow->heard = now();
		fill_window(options, flow);
	}
}

static void
parse(int argc, char **argv, struct options *options)
{
	int c;

	while ((c = getopt(argc, argv, "c:n:p:s:w:")) != -1) {
		switch (c) {
		case 'c':
			options->sockets = bench_number(optarg);
			break;
		case 'n':
			options->datagrams = bench_number(optarg);
			break;
		case 'p':
			meter_add(&options->meter, optarg);
			break;
		case 's':
			options->size = bench_number(optarg);
			break;
		case 'w':
			options->window = bench_number(optarg);
			break;
		default:
			optind = argc;
		}
	}
	if (optind + 2 != argc || options->sockets == 0 ||
	    options->size > SIZE_MAX_BYTES || options->window == 0 ||
	    options->window > WINDOW_MAX) {
		fputs("usage: dgramrate [-c sockets] [-n datagrams] [-p pid]"
		      " [-s size] [-w window] HOST PORT\n",
		    stderr);
		exit(2);
	}
	bench_address(argv[optind], argv[optind + 1], &options->server);
}

int
main(int argc, char **argv)
{
	struct options options = {
		.sockets = 16, .datagrams = 200000, .size = 64, .window = 8
	};
	struct run run = { .options = &options, .epfd = epoll_create1(0) };
	double cpu, seconds;
	unsigned received;

	parse(argc, argv, &options);
	bench_raise_descriptors();
	memset(message, 'm', sizeof(message));
	run.flows = calloc(options.sockets, sizeof(*run.flows));
	if (run.epfd == -1 || run.flows == NULL)
		bench_die("start");
	run.heard = now();
	open_all(&run);
	/* As warm-up, until there is a session for every socket. */
	go_on(&run, 10 * options.sockets * options.window);
	received = run.received;
	meter_begin(&options.meter);
	go_on(&run, options.datagrams);
	meter_end(&options.meter, &cpu, &seconds);
	received = run.received - received;
	printf("datagrams %u seconds %.3f rate %.0f cpu_ns_per_datagram %.0f"
	       " busy %.3f lost %u\n",
	    received, seconds, received / seconds, cpu / received,
	    cpu / 1e9 / seconds, run.lost);
	free(run.flows);
	return 0;
}
