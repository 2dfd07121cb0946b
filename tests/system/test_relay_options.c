/*
 * What a server sees of the options of its pool: the PROXY header before the
 * first byte, and how the connection is made.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "server.h"

/* CAP_NET_ADMIN alone. */
#define MARK_CAPS "0000000000001000"

static struct muxd *
start_relay(const char *target, const char *options)
{
	return muxd_start("workers = 1\n"
			  "defaults { drain_timeout = \"50ms\" }\n"
			  "pool \"p\" { server \"s\" { address = \"%s\" }\n"
			  "%s }\n"
			  "service \"relay\" { listen = { \"127.0.0.1:0\" }\n"
			  "handler = \"relay\" pool = \"p\" }\n",
	    target, options);
}

static unsigned
port_of(const char *address)
{
	return address_port(address);
}

/* fault 60 */
static void
proxy_header_of_version_1_comes_before_the_payload(void **state)
{
	int listener = server_listen("127.0.0.1:0"), client, server;
	struct muxd *muxd =
	    start_relay(address_of(listener), "proxy_protocol = \"v1\"");
	const char *address = muxd_address(muxd, "relay", 0);

	(void)state;
	client = client_connect_from(address, "127.0.0.7");
	client_send_text(client, "payload");
	server = server_accept(listener);
	client_expect_text(server,
	    test_format("PROXY TCP4 127.0.0.7 127.0.0.1 %u %u\r\npayload",
		port_of(address_of(client)), port_of(address)));
	client_half_close(client);
	client_expect_eof(server);
	client_close(server);
	muxd_wait_log(muxd, "msg=\"session ended\"", "bytes_in=7");
	muxd_stop(muxd);
}

/* fault 60 */
static void
proxy_header_of_version_2_comes_before_the_payload(void **state)
{
	static const unsigned char signature[] = "\r\n\r\n\0\r\nQUIT\n";
	int listener = server_listen("127.0.0.1:0"), client, server;
	struct muxd *muxd =
	    start_relay(address_of(listener), "proxy_protocol = \"v2\"");
	const char *address = muxd_address(muxd, "relay", 0);
	unsigned char header[28];
	unsigned from, to;

	(void)state;
	client = client_connect_from(address, "127.0.0.7");
	client_send_text(client, "payload");
	from = port_of(address_of(client));
	to = port_of(address);
	memcpy(header, signature, 12);
	memcpy(header + 12, "\x21\x11\0\x0c\x7f\0\0\x07\x7f\0\0\x01", 12);
	header[24] = (unsigned char)(from >> 8);
	header[25] = (unsigned char)from;
	header[26] = (unsigned char)(to >> 8);
	header[27] = (unsigned char)to;
	server = server_accept(listener);
	client_expect(server, header, sizeof(header));
	client_expect_text(server, "payload");
	client_close(client);
	client_expect_eof(server);
	muxd_stop(muxd);
}

/* A server that speaks first gets the header all the same. */
static void
proxy_header_does_not_wait_for_the_client(void **state)
{
	int listener = server_listen("127.0.0.1:0"), client, server;
	struct muxd *muxd =
	    start_relay(address_of(listener), "proxy_protocol = \"v1\"");
	char first[6];

	(void)state;
	client = client_connect(muxd_address(muxd, "relay", 0));
	server = server_accept(listener);
	client_read(server, first, sizeof(first));
	assert_memory_equal(first, "PROXY ", 6);
	client_send_text(server, "hello");
	client_expect_text(client, "hello");
	muxd_stop(muxd);
}

#ifdef IP_PKTOPTIONS
/* The TOS octet of what has come on a connection (ip(7), IP_RECVTOS). */
static int
received_tos(int fd)
{
	union {
		struct cmsghdr header;
		char room[256];
	} control;
	struct msghdr msg = { .msg_control = &control,
		.msg_controllen = sizeof(control) };
	socklen_t len = sizeof(control);
	struct cmsghdr *part;

	if (getsockopt(fd, IPPROTO_IP, IP_PKTOPTIONS, &control, &len) == -1)
		return -1;
	msg.msg_controllen = len;
	for (part = CMSG_FIRSTHDR(&msg); part != NULL;
	     part = CMSG_NXTHDR(&msg, part))
		if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_TOS)
			return *(unsigned char *)CMSG_DATA(part);
	return -1;
}
#endif

static void
source_and_dscp_are_seen_by_the_server(void **state)
{
	int listener = server_listen("127.0.0.1:0"), client, server;
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	struct muxd *muxd;

	(void)state;
#ifdef IP_PKTOPTIONS
	int on = 1;

	setsockopt(listener, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
#endif
	muxd = start_relay(address_of(listener),
	    "socket { source = \"127.0.0.42\" dscp = 46 }");
	client = client_connect(muxd_address(muxd, "relay", 0));
	client_send_text(client, "x");
	server = server_accept(listener);
	client_expect_text(server, "x");
	assert_int_not_equal(
	    getpeername(server, (struct sockaddr *)&peer, &len), -1);
	assert_int_equal(ntohl(peer.sin_addr.s_addr), 0x7f00002a);
#ifdef IP_PKTOPTIONS
	assert_int_equal(received_tos(server), 46 << 2);
#endif
	muxd_stop(muxd);
}

#ifndef WITHOUT_LIBCAP
static void
mark_takes_a_capability_that_workers_keep(void **state)
{
	int listener = server_listen("127.0.0.1:0"), client;
	struct muxd *muxd;
	char caps[32];

	(void)state;
	if (geteuid() != 0 || !procfs_available())
		skip();
	muxd = start_relay(address_of(listener), "socket { mark = 7 }");
	if (!procfs_status(muxd_worker(muxd, 0), "CapEff", caps, sizeof(caps)))
		skip();
	assert_string_equal(caps, MARK_CAPS);
	client = client_connect(muxd_address(muxd, "relay", 0));
	client_send_text(client, "x");
	client_expect_text(server_accept(listener), "x");
	muxd_stop(muxd);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(proxy_header_of_version_1_comes_before_the_payload),
		system_test(proxy_header_of_version_2_comes_before_the_payload),
		system_test(proxy_header_does_not_wait_for_the_client),
		system_test(source_and_dscp_are_seen_by_the_server),
#ifndef WITHOUT_LIBCAP
		system_test(mark_takes_a_capability_that_workers_keep),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
