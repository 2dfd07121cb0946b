/*
 * What children are told of a configuration.
 */
#include <sys/mman.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compat.h"
#include "conf/change.h"
#include "proc/brief.h"

static const char configuration[] =
    "pool \"p\" { server \"a\" { address = \"192.0.2.1:80\" }\n"
    "server \"b\" { address = \"192.0.2.2:80\" } }\n"
    "service \"r\" { listen = { \"127.0.0.1:7\", \"[::1]:7\" }\n"
    "handler = relay pool = p }\n"
    "service \"e\" { listen = \"udp:127.0.0.1:7\" handler = echo }\n";

static unsigned services[] = { 4, 9 }, pools[] = { 2 }, places[] = { 7, 3 };

/* The descriptor of a brief. */
static int
write_brief(struct brief_door *doors)
{
	struct conf_errors errors = { 0 };
	struct conf *conf = conf_parse(configuration, "test.conf", &errors);
	const struct brief brief = {
		.number = 17,
		.connections_max = 12345678901,
		.slots = { services, pools, places },
		.doors = doors,
		.ndoors = 3,
	};
	char *text;
	int fd;

	assert_non_null(conf);
	text = conf_text_with_origins(conf);
	assert_non_null(text);
	fd = brief_write(&brief, conf, text);
	assert_int_not_equal(fd, -1);
	free(text);
	conf_free(conf);
	conf_errors_free(&errors);
	return fd;
}

static void
all_that_was_written_is_read(void **state)
{
	struct brief_door doors[3] = { { .service = 0, .id = 5 },
		{ .service = 0, .id = 6, .fresh = 1 },
		{ .service = 1, .id = 7, .shared = 1 } };
	struct conf_errors errors = { 0 };
	struct brief brief;
	int fd;

	(void)state;
	fd = write_brief(doors);
	assert_int_equal(brief_read(&brief, fd, &errors), 0);
	assert_int_equal(brief.number, 17);
	assert_int_equal(brief.connections_max, 12345678901);
	assert_int_equal(brief.conf->nservices, 2);
	assert_string_equal(brief.conf->services[1].name, "e");
	/* As if the child had read the file itself. */
	assert_string_equal(brief.conf->services[1].file, "test.conf");
	assert_int_equal(brief.conf->services[1].line, 5);
	assert_string_equal(brief.conf->pools[0].servers[1].file, "test.conf");
	assert_int_equal(brief.conf->pools[0].servers[1].line, 2);
	assert_memory_equal(brief.slots.services, services, sizeof(services));
	assert_memory_equal(brief.slots.pools, pools, sizeof(pools));
	assert_memory_equal(brief.slots.places, places, sizeof(places));
	assert_int_equal(brief.ndoors, 3);
	assert_memory_equal(brief.doors, doors, sizeof(doors));
	brief_free(&brief);
	conf_errors_free(&errors);
	(void)close(fd);
}

static void
a_door_of_no_service_is_refused(void **state)
{
	struct brief_door doors[3] = { { .service = 2 } };
	struct conf_errors errors = { 0 };
	struct brief brief;
	int fd;

	(void)state;
	fd = write_brief(doors);
	assert_int_equal(brief_read(&brief, fd, &errors), -1);
	assert_int_equal(errno, EPROTO);
	conf_errors_free(&errors);
	(void)close(fd);
}

/* Whatever byte of the lengths is another one, nothing is read beyond the
 * end. */
static void
a_damaged_brief_is_refused(void **state)
{
	struct brief_door doors[3] = { { .service = 0 } };
	struct conf_errors errors = { 0 };
	struct brief brief;
	unsigned char *map;
	size_t i;
	int fd;

	(void)state;
	fd = write_brief(doors);
	map = mmap(NULL, 48, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	for (i = 0; i < 48; i++) {
		/* The number and the limit may be any. */
		if (i >= 16 && i < 28)
			continue;
		map[i] ^= 0x55;
		assert_int_equal(brief_read(&brief, fd, &errors), -1);
		assert_int_equal(errno, EPROTO);
		map[i] ^= 0x55;
	}
	assert_int_equal(munmap(map, 48), 0);
	assert_int_equal(brief_read(&brief, fd, &errors), 0);
	brief_free(&brief);
	conf_errors_free(&errors);
	(void)close(fd);
}

static void
something_else_is_no_brief(void **state)
{
	struct conf_errors errors = { 0 };
	struct brief brief;
	int fd;

	(void)state;
	fd = compat_shared_memory("test", 3);
	assert_int_not_equal(fd, -1);
	assert_int_equal(brief_read(&brief, fd, &errors), -1);
	assert_int_equal(errno, EPROTO);
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_was_written_is_read),
		cmocka_unit_test(a_door_of_no_service_is_refused),
		cmocka_unit_test(a_damaged_brief_is_refused),
		cmocka_unit_test(something_else_is_no_brief),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
