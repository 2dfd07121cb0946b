/*
 * See client.h.  The table of open descriptors is for the teardown alone.
 */
#include "client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "support.h"

#define CLIENT_FD_MAX 20000

static unsigned char opened[CLIENT_FD_MAX];

static int
remember(int fd)
{
	if (fd >= CLIENT_FD_MAX)
		test_fail("too many clients");
	if (fd >= 0)
		opened[fd] = 1;
	return fd;
}

void
client_adopt(int fd)
{
	(void)remember(fd);
}

void
client_close_all(void)
{
	int fd;

	for (fd = 0; fd < CLIENT_FD_MAX; fd++)
		if (opened[fd])
			client_close(fd);
}

void
client_close(int fd)
{
	opened[fd] = 0;
	close(fd);
}

void
client_reset(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	client_close(fd);
}

static int
client_socket(const char *address, const char *source,
    struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_storage local;
	socklen_t local_len;
	int type, fd, on = 1;

	*len = address_parse(address, ss, &type);
	fd = socket(ss->ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		test_fail("socket: %s", strerror(errno));
	remember(fd);
	if (source == NULL)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Let connect(2) choose the port: many tests come from here. */
	if (type == SOCK_STREAM && strchr(source, ':') == NULL)
		setsockopt(
		    fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	local_len = address_parse_inet(source, &local);
	if (bind(fd, (struct sockaddr *)&local, local_len) == -1)
		test_fail("bind %s: %s", source, strerror(errno));
	return fd;
}

int
client_begin_connect(const char *address, const char *source)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd = client_socket(address, source, &ss, &len);

	if (connect(fd, (struct sockaddr *)&ss, len) == -1 &&
	    errno != EINPROGRESS)
		test_fail("connect %s: %s", address, strerror(errno));
	return fd;
}

/* Wait for an event until the deadline; 0 if there was none. */
static int
wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&pollfd, 1, timeout_ms);
	while (n == -1 && errno == EINTR);
	return n == 1 ? pollfd.revents : 0;
}

int
client_try_connect(const char *address, const char *source)
{
	struct sockaddr_storage ss;
	socklen_t len, error_len = sizeof(int);
	int fd = client_socket(address, source, &ss, &len), error = 0;

	if (connect(fd, (struct sockaddr *)&ss, len) == -1)
		error = errno;
	if (error == EINPROGRESS || error == EAGAIN) {
		if (error == EAGAIN)
			test_fail("connect %s: its queue is full", address);
		if (wait_for(fd, POLLOUT, test_deadline_ms()) == 0)
			test_fail("connect %s: no answer", address);
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
	}
	if (error == 0)
		return fd;
	client_close(fd);
	errno = error;
	return -1;
}

int
client_connect_from(const char *address, const char *source)
{
	int fd = client_try_connect(address, source);

	if (fd == -1)
		test_fail("connect %s: %s", address, strerror(errno));
	return fd;
}

int
client_connect(const char *address)
{
	return client_connect_from(address, NULL);
}

void
client_half_close(int fd)
{
	if (shutdown(fd, SHUT_WR) == -1)
		test_fail("shutdown: %s", strerror(errno));
}

size_t
client_send_some(int fd, const void *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	if (n == -1 && errno != EAGAIN)
		test_fail("send: %s", strerror(errno));
	return n == -1 ? 0 : (size_t)n;
}

void
client_send(int fd, const void *data, size_t len)
{
	const char *at = data;
	size_t n;

	do {
		n = client_send_some(fd, at, len);
		at += n;
		len -= n;
		if (len > 0 && n == 0 &&
		    wait_for(fd, POLLOUT, test_deadline_ms()) == 0)
			test_fail("send: muxd does not read");
	} while (len > 0);
}

void
client_send_text(int fd, const char *text)
{
	client_send(fd, text, strlen(text));
}

enum client_event
client_wait(int fd, void *data, size_t size, size_t *len, int timeout_ms)
{
	ssize_t n;

	*len = 0;
	for (;;) {
		n = recv(fd, data, size, 0);
		if (n > 0 || (n == 0 && size == 0)) {
			*len = (size_t)n;
			return CLIENT_DATA;
		}
		if (n == 0)
			return CLIENT_EOF;
		if (errno == ECONNRESET || errno == EPIPE)
			return CLIENT_RESET;
		if (errno != EAGAIN && errno != EINTR)
			test_fail("recv: %s", strerror(errno));
		if (errno == EAGAIN && wait_for(fd, POLLIN, timeout_ms) == 0)
			return CLIENT_SILENT;
	}
}

bool
client_stays_silent(int fd, int timeout_ms)
{
	return wait_for(fd, POLLIN, timeout_ms) == 0;
}

enum client_event
client_peek(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK);

	if (n == 1)
		return CLIENT_DATA;
	if (n == 0)
		return CLIENT_EOF;
	if (errno == EAGAIN)
		return CLIENT_SILENT;
	if (errno != ECONNRESET && errno != EPIPE)
		test_fail("recv: %s", strerror(errno));
	return CLIENT_RESET;
}

void
client_read(int fd, void *data, size_t len)
{
	char *at = data;
	size_t n, left = len;

	while (left > 0) {
		switch (client_wait(fd, at, left, &n, test_deadline_ms())) {
		case CLIENT_DATA:
			break;
		case CLIENT_SILENT:
			test_fail("%zu of %zu bytes came", len - left, len);
		case CLIENT_EOF:
			test_fail("end of file after %zu of %zu bytes",
			    len - left, len);
		case CLIENT_RESET:
			test_fail(
			    "reset after %zu of %zu bytes", len - left, len);
		}
		at += n;
		left -= n;
	}
}

void
client_expect(int fd, const void *data, size_t len)
{
	char *got = test_alloc(len + 1);

	client_read(fd, got, len);
	assert_memory_equal(got, data, len);
}

void
client_expect_text(int fd, const char *text)
{
	char *got = test_alloc(strlen(text) + 1);

	client_read(fd, got, strlen(text));
	assert_string_equal(got, text);
}

enum client_event
client_wait_end(int fd)
{
	char buf[65536];
	enum client_event event;
	size_t len;

	do
		event =
		    client_wait(fd, buf, sizeof(buf), &len, test_deadline_ms());
	while (event == CLIENT_DATA);
	if (event == CLIENT_SILENT)
		test_fail("the connection does not end");
	return event;
}

/* The very next thing must be the end. */
static void
expect_end(int fd, enum client_event end)
{
	static const char *const names[] = { "silence", "data", "end of file",
		"reset" };
	enum client_event event;
	size_t len;
	char byte;

	event = client_wait(fd, &byte, 1, &len, test_deadline_ms());
	if (event != end)
		test_fail("expected %s, got %s", names[end], names[event]);
}

void
client_expect_eof(int fd)
{
	expect_end(fd, CLIENT_EOF);
}

void
client_expect_reset(int fd)
{
	expect_end(fd, CLIENT_RESET);
}

void
client_expect_refused(const char *address, const char *source)
{
	int fd = client_try_connect(address, source);

	if (fd == -1) {
		assert_int_equal(errno, ECONNRESET);
		return;
	}
	/* UNIX sockets know no reset without unread bytes. */
	expect_end(
	    fd, strncmp(address, "unix:", 5) == 0 ? CLIENT_EOF : CLIENT_RESET);
	client_close(fd);
}

char *
client_read_all(int fd, size_t *len)
{
	size_t room = 65536, have = 0, n;
	char *data = test_alloc(room), *more;
	enum client_event event;

	for (;;) {
		event = client_wait(
		    fd, data + have, room - 1 - have, &n, test_deadline_ms());
		if (event == CLIENT_EOF)
			break;
		if (event != CLIENT_DATA)
			test_fail("%s after %zu bytes",
			    event == CLIENT_RESET ? "reset" : "silence", have);
		have += n;
		if (have < room - 1)
			continue;
		more = test_alloc(room * 4);
		memcpy(more, data, have);
		data = more;
		room *= 4;
	}
	if (len != NULL)
		*len = have;
	return data;
}

enum client_event
client_try_echo(int fd, const char *text)
{
	size_t want = strlen(text), have = 0, n;
	char *got = test_alloc(want + 1);
	enum client_event event;

	if (send(fd, text, want, MSG_NOSIGNAL) != (ssize_t)want) {
		if (errno == ECONNRESET || errno == EPIPE)
			return CLIENT_RESET;
		test_fail("send: %s", strerror(errno));
	}
	while (have < want) {
		event = client_wait(
		    fd, got + have, want - have, &n, test_deadline_ms());
		if (event != CLIENT_DATA)
			return event;
		have += n;
	}
	assert_string_equal(got, text);
	return CLIENT_DATA;
}

void
client_echo(int fd, const char *text)
{
	client_send_text(fd, text);
	client_expect_text(fd, text);
}

void
client_exchange(int fd, const void *data, size_t len)
{
	const char *bytes = data;
	size_t sent = 0, got = 0, n;
	char buf[65536];
	short events;

	while (got < len) {
		events = sent < len ? POLLIN | POLLOUT : POLLIN;
		if (wait_for(fd, events, test_deadline_ms()) == 0)
			test_fail("%zu of %zu bytes came back", got, len);
		if (sent < len)
			sent += client_send_some(fd, bytes + sent, len - sent);
		if (client_peek(fd) == CLIENT_SILENT)
			continue;
		if (client_wait(fd, buf, sizeof(buf), &n, 0) != CLIENT_DATA)
			test_fail("%zu of %zu bytes came back", got, len);
		if (n > len - got)
			test_fail("more came back than was sent");
		assert_memory_equal(buf, bytes + got, n);
		got += n;
	}
}

void
client_visit(const char *address, const char *source, const char *text)
{
	int fd = client_connect_from(address, source);

	client_echo(fd, text);
	client_close(fd);
}

size_t
client_receive(int fd, void *data, size_t size)
{
	ssize_t n;

	if (wait_for(fd, POLLIN, test_deadline_ms()) == 0)
		test_fail("no datagram came");
	n = recv(fd, data, size, 0);
	if (n == -1)
		test_fail("recv: %s", strerror(errno));
	return (size_t)n;
}

void
client_forge(const char *source, const char *target, const char *text)
{
	unsigned char packet[512] = { 0 };
	struct sockaddr_storage from, to;
	struct udphdr *udp = (struct udphdr *)(packet + sizeof(struct iphdr));
	struct iphdr *ip = (struct iphdr *)packet;
	size_t len = sizeof(*ip) + sizeof(*udp) + strlen(text);
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), type;

	(void)address_parse(source, &from, &type);
	(void)address_parse(target, &to, &type);
	if (fd == -1 || len > sizeof(packet))
		test_fail("raw socket: %s", strerror(errno));
	/* The kernel fills in length and checksum (raw(7)); a UDP checksum
	 * of zero is none. */
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_UDP;
	ip->saddr = ((struct sockaddr_in *)&from)->sin_addr.s_addr;
	ip->daddr = ((struct sockaddr_in *)&to)->sin_addr.s_addr;
	udp->source = ((struct sockaddr_in *)&from)->sin_port;
	udp->dest = ((struct sockaddr_in *)&to)->sin_port;
	udp->len = htons((uint16_t)(len - sizeof(*ip)));
	memcpy(udp + 1, text, strlen(text));
	if (sendto(fd, packet, len, 0, (struct sockaddr *)&to,
		sizeof(struct sockaddr_in)) != (ssize_t)len)
		test_fail("sendto: %s", strerror(errno));
	close(fd);
}
