/*
 * What a reload does to the sockets of the master.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/sockets_change.h"

enum { SLOTS = 2 };

struct scene {
	struct conf *conf;
	struct conf *next;
	struct sockets sockets;
	struct sockets_change change;
	struct conf_errors errors;
};

static struct conf *
parse(const char *text)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = conf_parse(text, "test.conf", &errors);

	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	assert_non_null(conf);
	return conf;
}

static void
open_scene(struct scene *scene, const char *text)
{
	const struct owned *failed;
	unsigned slot;

	memset(scene, 0, sizeof(*scene));
	scene->conf = parse(text);
	assert_int_equal(sockets_open(&scene->sockets, scene->conf, SLOTS,
			     SLOTS, NULL, &scene->errors),
	    0);
	for (slot = 0; slot < SLOTS; slot++)
		assert_int_equal(
		    sockets_listen(&scene->sockets, slot, &failed), 0);
}

static int
prepare(struct scene *scene, const char *text)
{
	scene->next = parse(text);
	return sockets_prepare(
	    &scene->sockets, scene->next, &scene->change, &scene->errors);
}

static void
commit(struct scene *scene)
{
	unsigned slot;

	for (slot = 0; slot < SLOTS; slot++)
		assert_int_equal(
		    sockets_listen_fresh(&scene->change, slot, &scene->errors),
		    0);
	sockets_commit(&scene->change, &scene->errors);
	conf_free(scene->conf);
	scene->conf = scene->next;
	scene->next = NULL;
}

static void
close_scene(struct scene *scene)
{
	sockets_remove_files(&scene->sockets);
	sockets_close(&scene->sockets);
	conf_errors_free(&scene->errors);
	conf_free(scene->next);
	conf_free(scene->conf);
}

static bool
answers(const struct addr *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(addr, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0);
	bool result = connect(fd, (struct sockaddr *)&ss, len) == 0;

	(void)close(fd);
	return result;
}

/* The next descriptor that will be given: it tells of leaks. */
static int
next_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	(void)close(fd);
	return fd;
}

static void
what_stays_keeps_its_sockets(void **state)
{
	struct scene scene;
	int fds[SLOTS];
	struct addr gone;

	(void)state;
	open_scene(&scene,
	    "service \"a\" { handler = echo\n"
	    "listen = { \"127.0.0.1:0\", \"127.0.0.2:0\" } }");
	memcpy(fds, scene.sockets.items[1].fds, sizeof(fds));
	gone = scene.sockets.items[0].endpoint.addr;
	/* In another order, and with one that is new. */
	assert_int_equal(prepare(&scene,
			     "service \"a\" { handler = echo\n"
			     "listen = { \"127.0.0.3:0\", \"127.0.0.2:0\" } }"),
	    0);
	assert_true(sockets_change_is_fresh(&scene.change, 0));
	assert_false(sockets_change_is_fresh(&scene.change, 1));
	assert_int_equal(sockets_change_owned(&scene.change, 0)->id, 3);
	assert_int_equal(sockets_change_owned(&scene.change, 1)->id, 2);
	commit(&scene);
	assert_int_equal(scene.sockets.n, 2);
	assert_memory_equal(scene.sockets.items[1].fds, fds, sizeof(fds));
	assert_int_equal(scene.sockets.nleftover, 1);
	assert_true(answers(&scene.sockets.items[0].endpoint.addr));
	assert_true(answers(&scene.sockets.items[1].endpoint.addr));
	/* Until it is let go, who comes is not refused. */
	assert_true(answers(&gone));
	sockets_close_leftover(&scene.sockets);
	assert_false(answers(&gone));
	close_scene(&scene);
}

static void
a_change_that_is_given_up_leaves_nothing(void **state)
{
	static const char before[] = "service \"a\" { handler = echo\n"
				     "listen = \"127.0.0.1:0\"\n"
				     "socket { keepalive = \"0\" } }";
	struct scene scene;
	socklen_t len = sizeof(int);
	int next, on = -1;

	(void)state;
	open_scene(&scene, before);
	next = next_descriptor();
	assert_int_equal(
	    prepare(&scene,
		"service \"a\" { handler = echo\n"
		"listen = { \"127.0.0.1:0\", \"unix:/tmp/muxd-test-change\",\n"
		"\"udp:127.0.0.1:0\" } socket { keepalive = \"1m\" } }"),
	    0);
	assert_int_equal(access("/tmp/muxd-test-change", F_OK), 0);
	assert_int_equal(getsockopt(scene.sockets.items[0].fds[0], SOL_SOCKET,
			     SO_KEEPALIVE, &on, &len),
	    0);
	assert_int_equal(on, 1);
	sockets_abandon(&scene.change);
	assert_int_equal(access("/tmp/muxd-test-change", F_OK), -1);
	assert_int_equal(getsockopt(scene.sockets.items[0].fds[0], SOL_SOCKET,
			     SO_KEEPALIVE, &on, &len),
	    0);
	assert_int_equal(on, 0);
	assert_int_equal(next_descriptor(), next);
	assert_true(answers(&scene.sockets.items[0].endpoint.addr));
	close_scene(&scene);
}

/* Options of a socket that stays are those of the new text, also where that
 * says nothing of them. */
static void
options_are_set_and_taken_back(void **state)
{
	struct scene scene;
	socklen_t len = sizeof(int);
	int fd, value;

	(void)state;
	open_scene(&scene,
	    "service \"a\" { handler = echo listen = \"127.0.0.1:0\"\n"
	    "socket { nodelay = true user_timeout = \"7s\" } }");
	fd = scene.sockets.items[0].fds[1];
	assert_int_equal(
	    prepare(&scene,
		"service \"a\" { handler = echo listen = \"127.0.0.1:0\"\n"
		"socket { nodelay = false } }"),
	    0);
	commit(&scene);
	assert_int_equal(
	    getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
	assert_int_equal(value, 0);
#ifdef TCP_USER_TIMEOUT
	assert_int_equal(
	    getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &len), 0);
	assert_int_equal(value, 0);
#endif
	close_scene(&scene);
}

/* All that cannot be is told, each with its file and line. */
static void
an_address_that_is_taken_is_refused(void **state)
{
	struct scene scene, other;
	char text[256], name[ENDPOINT_STRLEN];
	int next;

	(void)state;
	open_scene(&other,
	    "service \"x\" { handler = echo listen = { \"127.0.0.1:0\",\n"
	    "\"udp:127.0.0.1:0\" } }");
	open_scene(&scene,
	    "service \"a\" { handler = echo listen = \"127.0.0.1:0\" }");
	next = next_descriptor();
	(void)snprintf(text, sizeof(text),
	    "service \"a\" { handler = echo listen = \"127.0.0.1:0\" }\n"
	    "service \"b\" { handler = echo listen = { \"%s\",\n",
	    endpoint_format(
		&other.sockets.items[0].endpoint, name, sizeof(name)));
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
	    "\"%s\" } }",
	    endpoint_format(
		&other.sockets.items[1].endpoint, name, sizeof(name)));
	assert_int_equal(prepare(&scene, text), -1);
	assert_int_equal(scene.errors.nerrors, 2);
	assert_string_equal(scene.errors.items[0].file, "test.conf");
	assert_int_equal(scene.errors.items[0].line, 2);
	sockets_abandon(&scene.change);
	assert_int_equal(next_descriptor(), next);
	close_scene(&scene);
	close_scene(&other);
}

/* An exact address where all were, and the other way round: what is ours does
 * not stand in its own way. */
static void
a_wildcard_may_take_the_place_of_an_address(void **state)
{
	struct scene scene;
	char text[256];
	unsigned port;

	(void)state;
	open_scene(&scene,
	    "service \"a\" { handler = echo listen = \"127.0.0.1:0\" }");
	port = scene.sockets.items[0].endpoint.addr.port;
	(void)snprintf(text, sizeof(text),
	    "service \"a\" { handler = echo listen = \"0.0.0.0:%u\" }", port);
	assert_int_equal(prepare(&scene, text), 0);
	commit(&scene);
	sockets_close_leftover(&scene.sockets);
	(void)snprintf(text, sizeof(text),
	    "service \"a\" { handler = echo listen = \"127.0.0.1:%u\" }", port);
	assert_int_equal(prepare(&scene, text), 0);
	commit(&scene);
	sockets_close_leftover(&scene.sockets);
	assert_true(answers(&scene.sockets.items[0].endpoint.addr));
	close_scene(&scene);
}

static void
an_address_may_change_its_service(void **state)
{
	struct scene scene;
	char text[256];
	int fd;

	(void)state;
	open_scene(&scene,
	    "service \"a\" { handler = echo listen = \"127.0.0.1:0\" }");
	(void)snprintf(text, sizeof(text),
	    "service \"b\" { handler = echo listen = \"127.0.0.1:%u\" }",
	    scene.sockets.items[0].endpoint.addr.port);
	/* As it was asked for, the port was any. */
	scene.sockets.items[0].asked = scene.sockets.items[0].endpoint;
	fd = scene.sockets.items[0].fds[0];
	assert_int_equal(prepare(&scene, text), 0);
	assert_false(sockets_change_is_fresh(&scene.change, 0));
	commit(&scene);
	assert_int_equal(scene.sockets.items[0].fds[0], fd);
	assert_int_equal(scene.sockets.nleftover, 0);
	close_scene(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stays_keeps_its_sockets),
		cmocka_unit_test(a_change_that_is_given_up_leaves_nothing),
		cmocka_unit_test(options_are_set_and_taken_back),
		cmocka_unit_test(an_address_that_is_taken_is_refused),
		cmocka_unit_test(a_wildcard_may_take_the_place_of_an_address),
		cmocka_unit_test(an_address_may_change_its_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
