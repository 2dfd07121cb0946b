/*
 * See address.h.
 */
#include "address.h"

#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

/* "127.0.0.1:7", "[::1]:7", or without the port. */
socklen_t
address_parse_inet(const char *text, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	char host[64];
	const char *port = strrchr(text, ':');
	bool six = text[0] == '[';

	memset(ss, 0, sizeof(*ss));
	if (port == NULL)
		port = text + strlen(text);
	snprintf(host, sizeof(host), "%.*s", (int)(port - text - (six ? 2 : 0)),
	    text + (six ? 1 : 0));
	if (*port == ':')
		port++;
	if (six) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)atoi(port));
		if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1)
			return sizeof(*in6);
	} else {
		in4->sin_family = AF_INET;
		in4->sin_port = htons((uint16_t)atoi(port));
		if (inet_pton(AF_INET, host, &in4->sin_addr) == 1)
			return sizeof(*in4);
	}
	test_fail("not an address: %s", text);
}

socklen_t
address_parse(const char *address, struct sockaddr_storage *ss, int *type)
{
	struct sockaddr_un *un = (struct sockaddr_un *)ss;

	*type = SOCK_STREAM;
	if (strncmp(address, "unix:", 5) == 0) {
		memset(ss, 0, sizeof(*ss));
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "%s", address + 5);
		return sizeof(*un);
	}
	if (strncmp(address, "udp:", 4) == 0) {
		*type = SOCK_DGRAM;
		address += 4;
	}
	return address_parse_inet(address, ss);
}

unsigned
address_port(const char *address)
{
	return (unsigned)atoi(strrchr(address, ':') + 1);
}

bool
address_has_ipv6(void)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has;

	if (fd == -1)
		return false;
	has = bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;
	close(fd);
	return has;
}

const char *
address_of(int fd)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *in4 = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	socklen_t len = sizeof(ss);
	char host[INET6_ADDRSTRLEN];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		test_fail("getsockname: %s", strerror(errno));
	if (ss.ss_family == AF_INET) {
		inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
		return test_format("%s:%u", host, ntohs(in4->sin_port));
	}
	if (ss.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		return test_format("[%s]:%u", host, ntohs(in6->sin6_port));
	}
	return "unix";
}
