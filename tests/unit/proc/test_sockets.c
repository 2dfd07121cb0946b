/*
 * The sockets that the master owns.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compat.h"
#include "proc/sockets.h"

enum { SLOTS = 4, CLIENTS = 60 };

static struct conf_service service;
static struct conf conf;
static struct endpoint where[2];

static void
configure(const char *text)
{
	const char *why;
	int n = endpoint_parse(text, where, &why);

	assert_int_equal(n, 1);
	memset(&service, 0, sizeof(service));
	memset(&conf, 0, sizeof(conf));
	service.name = (char *)(uintptr_t) "test";
	service.listen = where;
	service.nlisten = 1;
	service.socket.backlog = 128;
	service.file = "test.conf";
	service.line = 3;
	conf.services = &service;
	conf.nservices = 1;
}

static void
open_all(struct sockets *sockets, const char *text)
{
	struct conf_errors errors = { 0 };

	configure(text);
	assert_int_equal(
	    sockets_open(sockets, &conf, SLOTS, SLOTS, NULL, &errors), 0);
	assert_int_equal(errors.n, 0);
}

static int
connect_to(const struct addr *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(addr, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return fd;
}

/* Connect often, and count who got how many. */
static void
spread(struct sockets *sockets, unsigned got[SLOTS])
{
	struct owned *owned = &sockets->items[0];
	int clients[CLIENTS], fd;
	unsigned i, slot, total = 0;

	memset(got, 0, SLOTS * sizeof(*got));
	for (i = 0; i < CLIENTS; i++)
		clients[i] = connect_to(&owned->endpoint.addr);
	while (total < CLIENTS) {
		for (slot = 0; slot < SLOTS; slot++) {
			if (!owned->listening[slot])
				continue;
			fd = compat_accept(owned->fds[slot], NULL, NULL);
			if (fd == -1)
				continue;
			got[slot]++;
			total++;
			(void)close(fd);
		}
	}
	for (i = 0; i < CLIENTS; i++)
		(void)close(clients[i]);
}

static void
all_slots_share_the_port_that_the_kernel_chose(void **state)
{
	struct sockets sockets;
	struct addr addr;
	unsigned slot;

	(void)state;
	open_all(&sockets, "127.0.0.1:0");
	assert_int_not_equal(sockets.items[0].endpoint.addr.port, 0);
	for (slot = 0; slot < SLOTS; slot++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);

		assert_int_equal(
		    getsockname(sockets_fd(&sockets.items[0], slot),
			(struct sockaddr *)&ss, &len),
		    0);
		addr_from_sockaddr(&addr, (struct sockaddr *)&ss, len);
		assert_int_equal(
		    addr_compare(&addr, &sockets.items[0].endpoint.addr), 0);
	}
	sockets_close(&sockets);
}

static void
a_slot_that_is_not_ready_gets_no_clients(void **state)
{
	struct sockets sockets;
	const struct owned *failed;
	unsigned got[SLOTS];

	(void)state;
	open_all(&sockets, "127.0.0.1:0");
	assert_int_equal(sockets_listen(&sockets, 2, &failed), 0);
	spread(&sockets, got);
	assert_int_equal(got[2], CLIENTS);
	sockets_close(&sockets);
}

/* fault 3, fault 4 */
static void
sick_slots_are_steered_around_and_back(void **state)
{
	static const bool sick[SLOTS] = { true, false, true, false };
	static const bool well[SLOTS] = { false };
	struct sockets sockets;
	const struct owned *failed;
	unsigned got[SLOTS];

	(void)state;
	open_all(&sockets, "127.0.0.1:0");
	/* The order in the group is that of listen(2), not that of slots. */
	assert_int_equal(sockets_listen(&sockets, 3, &failed), 0);
	assert_int_equal(sockets_listen(&sockets, 1, &failed), 0);
	assert_int_equal(sockets_listen(&sockets, 0, &failed), 0);
	assert_int_equal(sockets_listen(&sockets, 2, &failed), 0);
	if (sockets_steer(&sockets, sick) == -1) {
		sockets_close(&sockets);
		skip();
	}
	spread(&sockets, got);
	assert_int_equal(got[0], 0);
	assert_int_equal(got[2], 0);
	assert_int_equal(got[1] + got[3], CLIENTS);
	assert_int_not_equal(got[1], 0);
	assert_int_not_equal(got[3], 0);
	assert_int_equal(sockets_steer(&sockets, well), 0);
	spread(&sockets, got);
	assert_int_not_equal(got[0] + got[2], 0);
	sockets_close(&sockets);
}

static void
when_all_are_sick_nobody_is_steered(void **state)
{
	static const bool sick[SLOTS] = { true, true, true, true };
	struct sockets sockets;
	const struct owned *failed;
	unsigned got[SLOTS], slot;

	(void)state;
	open_all(&sockets, "127.0.0.1:0");
	for (slot = 0; slot < SLOTS; slot++)
		assert_int_equal(sockets_listen(&sockets, slot, &failed), 0);
	assert_int_equal(sockets_steer(&sockets, sick), 0);
	spread(&sockets, got);
	sockets_close(&sockets);
}

/* fault 12 */
static void
an_address_of_another_daemon_is_told_with_file_and_line(void **state)
{
	struct sockets sockets, second;
	struct conf_errors errors = { 0 };
	const struct owned *failed;
	char text[ENDPOINT_STRLEN];

	(void)state;
	open_all(&sockets, "127.0.0.1:0");
	assert_int_equal(sockets_listen(&sockets, 0, &failed), 0);
	endpoint_format(&sockets.items[0].endpoint, text, sizeof(text));
	configure(text);
	/* Its sockets say SO_REUSEPORT and belong to the same user. */
	assert_int_equal(
	    sockets_open(&second, &conf, SLOTS, SLOTS, NULL, &errors), -1);
	assert_int_equal(errors.nerrors, 1);
	assert_string_equal(errors.items[0].file, "test.conf");
	assert_int_equal(errors.items[0].line, 3);
	assert_non_null(strstr(errors.items[0].text, text));
	assert_non_null(strstr(errors.items[0].text, "in use"));
	conf_errors_free(&errors);
	sockets_close(&second);
	sockets_close(&sockets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    all_slots_share_the_port_that_the_kernel_chose),
		cmocka_unit_test(a_slot_that_is_not_ready_gets_no_clients),
		cmocka_unit_test(sick_slots_are_steered_around_and_back),
		cmocka_unit_test(when_all_are_sick_nobody_is_steered),
		cmocka_unit_test(
		    an_address_of_another_daemon_is_told_with_file_and_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
