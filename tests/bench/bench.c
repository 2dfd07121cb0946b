/*
 * What the programs of the benchmarks share.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

void
bench_die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
	    strerror(errno));
	exit(2);
}

unsigned
bench_number(const char *text)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno == 0 && (end == text || *end != '\0' || number > UINT32_MAX))
		errno = EINVAL;
	if (errno != 0)
		bench_die(text);
	return (unsigned)number;
}

void
bench_address(const char *host, const char *port, struct sockaddr_in *address)
{
	memset(address, 0, sizeof(*address));
	address->sin_family = AF_INET;
	address->sin_port = htons((uint16_t)bench_number(port));
	if (inet_pton(AF_INET, host, &address->sin_addr) != 1) {
		errno = EINVAL;
		bench_die(host);
	}
}

void
bench_raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		bench_die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		bench_die("setrlimit");
}

int
bench_listen(int type, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd == -1)
		bench_die("socket");
	if ((type & SOCK_STREAM) != 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ==
		    -1 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ==
		    -1))
		bench_die("setsockopt");
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		bench_die("bind");
	if ((type & SOCK_STREAM) != 0 && listen(fd, 4096) == -1)
		bench_die("listen");
	return fd;
}
