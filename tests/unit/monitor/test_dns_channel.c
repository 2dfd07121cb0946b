/*
 * What a name is tried with: the search list of resolv.conf(5).
 */
#include "monitor/dns_channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"

struct fixture {
	char path[64];
	struct loop *loop;
	struct dns_channel channel;
};

static int
setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	/* They come before the file. */
	if (unsetenv("LOCALDOMAIN") == -1 || unsetenv("RES_OPTIONS") == -1)
		return -1;
	f.loop = loop_open("auto");
	*state = &f;
	return f.loop == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	dns_channel_close(&f->channel);
	loop_close(f->loop);
	return unlink(f->path);
}

static void
open_channel(struct fixture *f, const char *resolv_conf, const char *servers)
{
	const struct dns_channel_options options = {
		.servers = servers,
		.resolv_conf = f->path,
		.timeout_ms = 1000,
		.tries = 2,
	};
	FILE *file;
	int fd;

	(void)strcpy(f->path, "/tmp/muxd-resolv.conf.XXXXXX");
	fd = mkstemp(f->path);
	assert_int_not_equal(fd, -1);
	file = fdopen(fd, "w");
	assert_non_null(file);
	assert_true(fputs(resolv_conf, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(
	    dns_channel_open(&f->channel, f->loop, &options), ARES_SUCCESS);
}

/* All candidates, one after the other with a blank in between. */
static void
assert_candidates(
    const struct fixture *f, const char *name, const char *expected)
{
	char one[DNS_CANDIDATE_SIZE];
	struct strbuf all = { 0 };

	for (size_t i = 0; dns_channel_candidate(&f->channel, name, i, one);
	     i++)
		strbuf_printf(&all, "%s%s", i > 0 ? " " : "", one);
	assert_string_equal(all.text, expected);
	strbuf_free(&all);
}

static void
search_list_is_tried(void **state)
{
	struct fixture *f = *state;

	open_channel(f,
	    "nameserver 127.0.0.1\nsearch a.test b.test\noptions ndots:2\n",
	    NULL);
	assert_candidates(f, "db", "db.a.test db.b.test db");
	assert_candidates(f, "db.x", "db.x.a.test db.x.b.test db.x");
	assert_candidates(f, "db.x.y", "db.x.y db.x.y.a.test db.x.y.b.test");
	assert_candidates(f, "db.", "db.");
}

static void
own_servers_are_asked_for_the_name_alone(void **state)
{
	struct fixture *f = *state;

	open_channel(f, "nameserver 127.0.0.1\nsearch a.test\n",
	    "127.0.0.1:5353,[::1]:5354");
	assert_candidates(f, "db", "db");
	assert_candidates(f, "db.x", "db.x");
}

static void
name_beyond_all_bounds_is_cut(void **state)
{
	struct fixture *f = *state;
	char name[2000], one[DNS_CANDIDATE_SIZE];

	open_channel(f, "search a.test\n", NULL);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_true(dns_channel_candidate(&f->channel, name, 0, one));
	assert_int_equal(strlen(one), DNS_CANDIDATE_SIZE - 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(search_list_is_tried),
		T(own_servers_are_asked_for_the_name_alone),
		T(name_beyond_all_bounds_is_cut),
#undef T
	};

	return cmocka_run_group_tests_name("dns_channel", tests, NULL, NULL);
}
