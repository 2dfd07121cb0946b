/*
 * A reload that is ordered by hand is answered when it is over, and what was
 * set by hand holds until the files say something else.
 */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "control.h"
#include "records.h"
#include "server.h"

#define VISITS 8

struct scene {
	struct muxd *muxd;
	int a, b;
};

/* Server a with these options, and a second service where more is given. */
static void
write_conf(struct scene *scene, const char *options, const char *more)
{
	muxd_configure(scene->muxd,
	    "workers = 2\n"
	    "defaults { drain_timeout = \"50ms\" }\n"
	    "pool \"p\" {\n"
	    "  server \"a\" { address = \"%s\" %s }\n"
	    "  server \"b\" { address = \"%s\" }\n"
	    "}\n"
	    "service \"relay\" {\n"
	    "  listen = { \"unix:@DIR@/relay.sock\" }\n"
	    "  handler = \"relay\"\n"
	    "  pool = \"p\"\n"
	    "}\n"
	    "%s",
	    address_of(scene->a), options, address_of(scene->b), more);
}

static void
scene_start(struct scene *scene)
{
	scene->a = server_listen("127.0.0.1:0");
	scene->b = server_listen("127.0.0.1:0");
	scene->muxd = muxd_new();
	write_conf(scene, "", "");
	muxd_launch(scene->muxd);
	muxd_wait_ready(scene->muxd);
}

static void
expect_shares(const struct scene *scene, unsigned a, unsigned b)
{
	const int listeners[] = { scene->a, scene->b };

	server_expect_shares(
	    test_format("unix:%s/relay.sock", scene->muxd->dir), a + b,
	    listeners, a);
}

static void
reload_is_answered_when_it_is_in_force(void **state)
{
	struct scene scene;
	int events;
	char buf[512];
	size_t len;

	(void)state;
	scene_start(&scene);
	events = control_connect(scene.muxd);
	(void)control_ask(events, "events");
	write_conf(&scene, "state = \"disabled\"", "");
	assert_non_null(
	    strstr(control_order(scene.muxd, "reload"), "\"messages\":[]"));
	expect_shares(&scene, 0, VISITS);
	assert_int_equal(
	    client_wait(events, buf, sizeof(buf) - 1, &len, test_deadline_ms()),
	    CLIENT_DATA);
	muxd_stop(scene.muxd);
}

static void
refused_reload_says_file_and_line(void **state)
{
	struct scene scene;
	struct muxd_result result;

	(void)state;
	scene_start(&scene);
	write_conf(&scene, "wieght = 2", "");
	control_expect_refused(scene.muxd, "reload", "muxd.conf:4: ");
	result = muxctl_run(scene.muxd, "reload");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.err, "muxd.conf:4: "));
	assert_non_null(strstr(result.err, "weight"));
	expect_shares(&scene, VISITS / 2, VISITS / 2);
	write_conf(&scene, "weight = 3", "");
	result = muxctl_run(scene.muxd, "reload");
	assert_int_equal(result.status, 0);
	assert_string_equal(result.err, "");
	expect_shares(&scene, VISITS / 4 * 3, VISITS / 4);
	muxd_stop(scene.muxd);
}

static void
what_is_set_by_hand_outlives_a_reload_that_does_not_speak_of_it(void **state)
{
	struct scene scene;

	(void)state;
	scene_start(&scene);
	(void)control_order(scene.muxd, "drain p/a");
	write_conf(&scene, "",
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	(void)control_order(scene.muxd, "reload");
	expect_shares(&scene, 0, VISITS);
	write_conf(&scene, "state = \"draining\"", "");
	(void)control_order(scene.muxd, "reload");
	expect_shares(&scene, 0, VISITS);
	write_conf(&scene, "state = \"enabled\"", "");
	(void)control_order(scene.muxd, "reload");
	expect_shares(&scene, VISITS / 2, VISITS / 2);
	(void)control_order(scene.muxd, "set weight p/a 3");
	(void)control_order(scene.muxd, "reload");
	expect_shares(&scene, VISITS / 4 * 3, VISITS / 4);
	muxd_stop(scene.muxd);
}

static void
diff_tells_what_a_reload_would_do(void **state)
{
	struct scene scene;
	struct muxd_result result;

	(void)state;
	scene_start(&scene);
	result = muxctl_run(scene.muxd, "diff");
	assert_int_equal(result.status, 0);
	assert_string_equal(result.out, "a reload would change nothing\n");
	write_conf(&scene, "weight = 3",
	    "event_backend = \"poll\"\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:7\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	result = muxctl_run(scene.muxd, "diff");
	assert_int_equal(result.status, 0);
	assert_non_null(
	    strstr(result.out, "~ pool \"p\" server \"a\" weight: 1 -> 3\n"));
	assert_non_null(strstr(result.out, "+ service \"echo\"\n"));
	assert_null(strstr(result.out, "handler"));
	assert_non_null(strstr(result.out, "opens 127.0.0.1:7\n"));
	assert_null(strstr(result.out, "closes"));
	if (getenv("MUXD_BACKEND") == NULL)
		assert_non_null(strstr(result.out, "takes a restart"));
	/* Nothing of it has happened. */
	expect_shares(&scene, VISITS / 2, VISITS / 2);
	write_conf(&scene, "wieght = 3", "");
	result = muxctl_run(scene.muxd, "diff");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.err, "muxd.conf:4: "));
	muxd_stop(scene.muxd);
}

/* The client of a reload may leave before it is answered. */
static void
client_of_a_reload_may_leave(void **state)
{
	struct scene scene;
	int i, fd;

	(void)state;
	scene_start(&scene);
	for (i = 0; i < 5; i++) {
		fd = control_connect(scene.muxd);
		client_send_text(fd, "reload\n");
		client_close(fd);
	}
	(void)control_order(scene.muxd, "reload");
	expect_shares(&scene, VISITS / 2, VISITS / 2);
	muxd_stop(scene.muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(reload_is_answered_when_it_is_in_force),
		system_test(refused_reload_says_file_and_line),
		system_test(
		    what_is_set_by_hand_outlives_a_reload_that_does_not_speak_of_it),
		system_test(diff_tells_what_a_reload_would_do),
		system_test(client_of_a_reload_may_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
