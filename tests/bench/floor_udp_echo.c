/*
 * The server behind the UDP relays: sends each datagram back, in batches.
 *
 * usage: floor_udp_echo PORT
 */
#include <sys/socket.h>

#include <stdio.h>

#include "bench.h"

enum { BATCH = 64, BUFFER = 2048 };

int
main(int argc, char **argv)
{
	static char buffers[BATCH][BUFFER];
	struct sockaddr_in from[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
	int fd, n, i;

	if (argc != 2) {
		fputs("usage: floor_udp_echo PORT\n", stderr);
		return 2;
	}
	fd = bench_listen(SOCK_DGRAM, (uint16_t)bench_number(argv[1]));
	for (;;) {
		for (i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){ buffers[i], BUFFER };
			messages[i] = (struct mmsghdr){
				.msg_hdr = { .msg_name = &from[i],
				    .msg_namelen = sizeof(from[i]),
				    .msg_iov = &iov[i],
				    .msg_iovlen = 1 }
			};
		}
		n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
		if (n == -1)
			bench_die("recvmmsg");
		for (i = 0; i < n; i++)
			iov[i].iov_len = messages[i].msg_len;
		(void)sendmmsg(fd, messages, (unsigned)n, 0);
	}
}
