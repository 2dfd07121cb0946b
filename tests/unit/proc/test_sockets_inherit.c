/*
 * Sockets that one muxd leaves and another one takes, and those that a service
 * manager has bound.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compat.h"
#include "base/mem.h"
#include "proc/sockets_inherit.h"

enum { SLOTS = 4, CLIENTS = 60, SERVICES = 2 };

static struct conf_service services[SERVICES];
static struct endpoint where[SERVICES][2];
static struct conf conf;

/* What is handed from one to the other, and the other. */
struct scene {
	struct inherit inherit;
	struct inherited_sockets set;
	struct sockets sockets;
	struct conf_errors errors;
	struct log log;
};

static void
configure_service(size_t i, const char *name, const char *address)
{
	struct conf_service *service = &services[i];
	const char *why;

	memset(service, 0, sizeof(*service));
	assert_int_equal(endpoint_parse(address, where[i], &why), 1);
	service->name = (char *)(uintptr_t)name;
	service->listen = where[i];
	service->nlisten = 1;
	service->socket.backlog = 128;
	service->file = "test.conf";
	service->line = (int)i + 3;
	conf.services = services;
	conf.nservices = i + 1;
}

static void
hand_over(struct scene *scene, int fd, const char *name)
{
	struct inherited *item = mem_push(
	    (void *)&scene->inherit.items, &scene->inherit.n, sizeof(*item));

	assert_non_null(item);
	item->fd = fd;
	item->name = mem_strdup(name);
}

static void
hand_over_copy(void *arg, int fd, const char *name, bool activated)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 10);

	(void)activated;
	assert_int_not_equal(copy, -1);
	hand_over(arg, copy, name);
}

static void
begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	log_open_stderr(&scene->log, LOG_LEVEL_ERROR);
}

/* The sockets of one muxd, which listen in that order, as it leaves them. */
static struct addr
leave(struct scene *scene, const unsigned *order, unsigned n)
{
	struct sockets sockets;
	const struct owned *failed;
	struct addr addr;
	unsigned i;

	assert_int_equal(
	    sockets_open(&sockets, &conf, n, SLOTS, NULL, &scene->errors), 0);
	for (i = 0; i < n; i++)
		assert_int_equal(
		    sockets_listen(&sockets, order[i], &failed), 0);
	sockets_each_name(&sockets, hand_over_copy, scene);
	addr = sockets.items[0].endpoint.addr;
	sockets_close(&sockets);
	return addr;
}

static int
sort_them(struct scene *scene)
{
	return inherited_sockets_sort(
	    &scene->set, &scene->inherit, &conf, &scene->log, &scene->errors);
}

static int
take(struct scene *scene, unsigned workers)
{
	if (sort_them(scene) == -1)
		return -1;
	return sockets_open(&scene->sockets, &conf, workers, SLOTS, &scene->set,
	    &scene->errors);
}

static void
end(struct scene *scene)
{
	sockets_close(&scene->sockets);
	inherited_sockets_free(&scene->set);
	inherit_close(&scene->inherit);
	conf_errors_free(&scene->errors);
}

static size_t
count_left(struct scene *scene)
{
	size_t at = 0, n = 0;

	while (inherited_sockets_next(&scene->set, &at) != NULL)
		n++;
	return n;
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

/* Accept until so many have come, and count who got how many. */
static void
accept_all(struct sockets *sockets, unsigned got[SLOTS], unsigned total)
{
	struct owned *owned = &sockets->items[0];
	unsigned slot;
	int fd;

	memset(got, 0, SLOTS * sizeof(*got));
	while (total > 0) {
		for (slot = 0; slot < SLOTS; slot++) {
			if (owned->fds[slot] == -1 || !owned->listening[slot])
				continue;
			fd = compat_accept(owned->fds[slot], NULL, NULL);
			if (fd == -1)
				continue;
			got[slot]++;
			total--;
			(void)close(fd);
		}
	}
}

static void
spread(struct sockets *sockets, const struct addr *addr, unsigned got[SLOTS])
{
	int clients[CLIENTS];
	unsigned i;

	for (i = 0; i < CLIENTS; i++)
		clients[i] = connect_to(addr);
	accept_all(sockets, got, CLIENTS);
	for (i = 0; i < CLIENTS; i++)
		(void)close(clients[i]);
}

static const unsigned in_order[SLOTS] = { 0, 1, 2, 3 };
static const unsigned odd_order[SLOTS] = { 3, 1, 0, 2 };

/* fault 15 */
static void
who_waited_is_found_by_the_next_one(void **state)
{
	struct scene scene;
	struct addr addr;
	unsigned got[SLOTS], i;
	int clients[CLIENTS];

	(void)state;
	begin(&scene);
	configure_service(0, "test", "127.0.0.1:0");
	addr = leave(&scene, in_order, SLOTS);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = connect_to(&addr);
	assert_int_equal(take(&scene, SLOTS), 0);
	/* The port that the kernel had chosen stays. */
	assert_int_equal(scene.sockets.items[0].endpoint.addr.port, addr.port);
	assert_int_equal(count_left(&scene), 0);
	accept_all(&scene.sockets, got, CLIENTS);
	for (i = 0; i < CLIENTS; i++)
		(void)close(clients[i]);
	end(&scene);
}

static void
steering_knows_the_order_in_which_they_once_listened(void **state)
{
	static const bool sick[SLOTS] = { true, false, true, false };
	static const bool well[SLOTS] = { false };
	struct scene scene, next;
	struct addr addr;
	unsigned got[SLOTS];

	(void)state;
	begin(&scene);
	begin(&next);
	configure_service(0, "test", "127.0.0.1:0");
	addr = leave(&scene, odd_order, SLOTS);
	assert_int_equal(take(&scene, SLOTS), 0);
	assert_false(scene.sockets.items[0].unordered);
	if (sockets_steer(&scene.sockets, sick) == -1) {
		end(&scene);
		skip();
	}
	spread(&scene.sockets, &addr, got);
	assert_int_equal(got[0] + got[2], 0);
	assert_int_not_equal(got[1], 0);
	assert_int_not_equal(got[3], 0);
	/* And another generation later, with the steering as it is. */
	sockets_each_name(&scene.sockets, hand_over_copy, &next);
	end(&scene);
	assert_int_equal(take(&next, SLOTS), 0);
	assert_true(next.sockets.steered);
	assert_int_equal(sockets_steer(&next.sockets, well), 0);
	spread(&next.sockets, &addr, got);
	assert_int_not_equal(got[0] + got[2], 0);
	end(&next);
}

static void
fewer_workers_are_steered_to_and_more_get_sockets(void **state)
{
	static const bool well[SLOTS] = { false };
	struct scene scene;
	const struct owned *failed;
	struct addr addr;
	unsigned got[SLOTS], slot;

	(void)state;
	begin(&scene);
	configure_service(0, "test", "127.0.0.1:0");
	addr = leave(&scene, odd_order, SLOTS);
	assert_int_equal(take(&scene, 2), 0);
	assert_int_equal(sockets_count_slots(&scene.sockets), SLOTS);
	if (sockets_steer(&scene.sockets, well) == -1) {
		end(&scene);
		skip();
	}
	spread(&scene.sockets, &addr, got);
	assert_int_equal(got[2] + got[3], 0);
	end(&scene);

	begin(&scene);
	addr = leave(&scene, in_order, 2);
	assert_int_equal(take(&scene, SLOTS), 0);
	for (slot = 0; slot < SLOTS; slot++)
		assert_int_equal(
		    sockets_listen(&scene.sockets, slot, &failed), 0);
	assert_int_equal(scene.sockets.items[0].nmembers, SLOTS);
	spread(&scene.sockets, &addr, got);
	for (slot = 0; slot < SLOTS; slot++)
		assert_int_not_equal(got[slot], 0);
	end(&scene);
}

static void
without_one_of_them_nothing_is_steered(void **state)
{
	static const bool sick[SLOTS] = { true, false, false, false };
	struct scene scene;
	struct addr addr;
	unsigned got[SLOTS];

	(void)state;
	begin(&scene);
	configure_service(0, "test", "127.0.0.1:0");
	addr = leave(&scene, in_order, SLOTS);
	(void)close(scene.inherit.items[1].fd);
	scene.inherit.items[1].fd = -1;
	assert_int_equal(take(&scene, SLOTS), 0);
	assert_true(scene.sockets.items[0].unordered);
	assert_int_equal(sockets_steer(&scene.sockets, sick), 0);
	spread(&scene.sockets, &addr, got);
	end(&scene);
}

static void
what_has_no_place_any_more_is_left(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	configure_service(0, "test", "127.0.0.1:0");
	(void)leave(&scene, in_order, SLOTS);
	/* Nothing but the service tells whose port it was. */
	configure_service(0, "other", "127.0.0.1:0");
	assert_int_equal(take(&scene, SLOTS), 0);
	assert_int_equal(count_left(&scene), SLOTS);
	end(&scene);
}

/* fault 15 */
static void
a_name_that_does_not_fit_its_socket_is_not_believed(void **state)
{
	static const char *const names[] = {
		"muxd,udp,127.0.0.1%3A0,service=test,slot=0,member=0",
		"muxd,tcp,127.0.0.2%3A0,service=test,slot=0,member=0",
		"muxd,tcp,127.0.0.1%3A1,service=test,slot=0,member=0",
		"muxd,unix,/run/x,service=test",
		"muxd,what,ever",
		"stored",
	};
	struct scene scene;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		begin(&scene);
		configure_service(0, "test", "127.0.0.1:0");
		(void)leave(&scene, in_order, 1);
		mem_free(scene.inherit.items[0].name);
		scene.inherit.items[0].name = mem_strdup(names[i]);
		assert_int_equal(take(&scene, 1), 0);
		assert_int_equal(scene.inherit.items[0].fd, -1);
		assert_int_equal(scene.set.taken, 0);
		end(&scene);
	}
	/* And one that is no socket at all. */
	begin(&scene);
	hand_over(&scene, open("/dev/null", O_RDONLY | O_CLOEXEC),
	    "muxd,tcp,127.0.0.1%3A0,service=test,slot=0,member=0");
	assert_int_equal(take(&scene, 1), 0);
	assert_int_equal(scene.inherit.items[0].fd, -1);
	end(&scene);
}

/* fault 18 */
static void
datagrams_wait_for_the_next_one(void **state)
{
	struct scene scene;
	struct addr addr;
	struct sockaddr_storage ss;
	struct pollfd polls[SLOTS];
	socklen_t len;
	unsigned i;
	int fd;

	(void)state;
	begin(&scene);
	configure_service(0, "test", "udp:127.0.0.1:0");
	addr = leave(&scene, in_order, SLOTS);
	len = addr_to_sockaddr(&addr, &ss);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&ss, len), 1);
	assert_int_equal(take(&scene, SLOTS), 0);
	assert_int_equal(scene.sockets.items[0].nmembers, SLOTS);
	assert_int_equal(scene.sockets.items[0].dealt, SLOTS);
	for (i = 0; i < SLOTS; i++)
		polls[i] = (struct pollfd){
			.fd = scene.sockets.items[0].fds[i],
			.events = POLLIN,
		};
	assert_int_equal(poll(polls, SLOTS, 5000), 1);
	(void)close(fd);
	end(&scene);
}

/* ---- activation ---- */

static int
bind_as_a_manager(int type, const char *ip, struct addr *addr, bool listens)
{
	char text[64];
	struct sockaddr_storage ss;
	socklen_t len;
	const char *why;
	int fd;

	(void)snprintf(text, sizeof(text), "%s:0", ip);
	assert_int_equal(addr_parse(text, addr, &why), 0);
	len = addr_to_sockaddr(addr, &ss);
	fd = socket(ss.ss_family, type | SOCK_CLOEXEC, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	len = sizeof(ss);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	addr_from_sockaddr(addr, (struct sockaddr *)&ss, len);
	if (listens && type == SOCK_STREAM)
		assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void
configure_at(
    size_t i, const char *name, const char *prefix, const struct addr *addr)
{
	char text[ADDR_STRLEN + 8], address[ADDR_STRLEN];

	(void)snprintf(text, sizeof(text), "%s%s", prefix,
	    addr_format(addr, address, sizeof(address)));
	configure_service(i, name, text);
}

/* fault 16 */
static void
activated_sockets_are_matched_in_any_order(void **state)
{
	struct scene scene;
	struct addr one, two;
	int first, second, client, fd;

	(void)state;
	begin(&scene);
	first = bind_as_a_manager(SOCK_STREAM, "127.0.0.1", &one, true);
	second = bind_as_a_manager(SOCK_DGRAM, "127.0.0.1", &two, true);
	configure_at(0, "www", "", &one);
	configure_at(1, "dns", "udp:", &two);
	hand_over(&scene, second, "dns");
	hand_over(&scene, first, "www");
	client = connect_to(&one);
	assert_int_equal(take(&scene, SLOTS), 0);
	assert_int_equal(scene.errors.n, 0);
	assert_int_equal(sockets_fd(&scene.sockets.items[0], 0), first);
	assert_int_equal(sockets_fd(&scene.sockets.items[0], 3), first);
	assert_int_equal(sockets_fd(&scene.sockets.items[1], 2), second);
	assert_true(scene.sockets.items[0].activated);
	/* It waits for nobody. */
	fd = compat_accept(first, NULL, NULL);
	assert_int_not_equal(fd, -1);
	assert_int_equal(compat_accept(first, NULL, NULL), -1);
	(void)close(fd);
	(void)close(client);
	end(&scene);
}

static void
assert_refused(struct scene *scene, const char *what, const char *address)
{
	assert_int_equal(sort_them(scene), -1);
	assert_int_equal(scene->errors.nerrors, 1);
	if (strstr(scene->errors.items[0].text, what) == NULL)
		fail_msg("%s", scene->errors.items[0].text);
	if (address != NULL)
		assert_non_null(strstr(scene->errors.items[0].text, address));
	end(scene);
}

/* fault 16 */
static void
activated_sockets_that_fit_nothing_are_errors(void **state)
{
	struct scene scene;
	struct addr addr, other;
	char text[ADDR_STRLEN];
	int fd;

	(void)state;
	begin(&scene);
	hand_over(&scene,
	    bind_as_a_manager(SOCK_STREAM, "127.0.0.1", &addr, true), "ww");
	configure_at(0, "www", "", &addr);
	assert_refused(&scene, "no service of that name",
	    addr_format(&addr, text, sizeof(text)));

	begin(&scene);
	hand_over(&scene,
	    bind_as_a_manager(SOCK_DGRAM, "127.0.0.1", &addr, true), "www");
	configure_at(0, "www", "", &addr);
	assert_refused(&scene, "listens at 127.0.0.1:", "udp:127.0.0.1:");

	begin(&scene);
	hand_over(&scene,
	    bind_as_a_manager(SOCK_STREAM, "127.0.0.1", &addr, true), "www");
	other = addr;
	other.ip[3] = 2;
	configure_at(0, "www", "", &other);
	assert_refused(&scene,
	    "listens at 127.0.0.2:", addr_format(&addr, text, sizeof(text)));

	begin(&scene);
	hand_over(&scene,
	    bind_as_a_manager(SOCK_STREAM, "127.0.0.1", &addr, false), "www");
	configure_at(0, "www", "", &addr);
	assert_refused(&scene, "it does not listen", NULL);

	begin(&scene);
	fd = bind_as_a_manager(SOCK_STREAM, "127.0.0.1", &addr, true);
	hand_over(&scene, fd, "www");
	hand_over(&scene, fcntl(fd, F_DUPFD_CLOEXEC, 10), "www");
	configure_at(0, "www", "", &addr);
	assert_refused(&scene, "another one for the same address", NULL);

	begin(&scene);
	hand_over(&scene, open("/dev/null", O_RDONLY | O_CLOEXEC), "www");
	assert_refused(&scene, "it is no socket", NULL);
}

/* fault 10 */
static void
one_that_takes_ipv4_too_is_no_socket_of_ipv6(void **state)
{
	struct scene scene;
	struct addr addr;
	int fd;

	(void)state;
	begin(&scene);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd == -1)
		skip();
	(void)close(fd);
	fd = bind_as_a_manager(SOCK_STREAM, "[::]", &addr, true);
	hand_over(&scene, fd, "www");
	configure_at(0, "www", "", &addr);
	assert_refused(&scene, "it takes IPv4 too", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_waited_is_found_by_the_next_one),
		cmocka_unit_test(
		    steering_knows_the_order_in_which_they_once_listened),
		cmocka_unit_test(
		    fewer_workers_are_steered_to_and_more_get_sockets),
		cmocka_unit_test(without_one_of_them_nothing_is_steered),
		cmocka_unit_test(what_has_no_place_any_more_is_left),
		cmocka_unit_test(
		    a_name_that_does_not_fit_its_socket_is_not_believed),
		cmocka_unit_test(datagrams_wait_for_the_next_one),
		cmocka_unit_test(activated_sockets_are_matched_in_any_order),
		cmocka_unit_test(activated_sockets_that_fit_nothing_are_errors),
		cmocka_unit_test(one_that_takes_ipv4_too_is_no_socket_of_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
