/*
 * What a muxd hands over to the one that takes its place.
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
#include "proc/handover.h"
#include "state/bans.h"

#define SLOTS 3

static struct endpoint
endpoint_of(const char *text)
{
	struct endpoint two[2];
	const char *why;

	assert_int_equal(endpoint_parse(text, two, &why), 1);
	return two[0];
}

static struct prefix
prefix_from(const char *text)
{
	struct prefix prefix;
	const char *why;

	assert_int_equal(prefix_parse(text, &prefix, &why), 0);
	return prefix;
}

static struct handover *
hand_over(void)
{
	static int fds[SLOTS] = { 20, -1, 22 }, local[] = { 23 };
	static bool listening[SLOTS] = { true, false, true };
	static bool used[SLOTS] = { true, false, true };
	static uint32_t member[SLOTS] = { 1, 0, 0 };
	static struct fd_pair bells[] = { { 30, 31 }, { 32, 33 } };
	struct owned sockets[2] = {
		{ .id = 7,
		    .service = 4,
		    .asked = endpoint_of("udp:127.0.0.1:0"),
		    .endpoint = endpoint_of("udp:127.0.0.1:4242"),
		    .unordered = true,
		    .fds = fds,
		    .listening = listening,
		    .member = member,
		    .nmembers = 2,
		    .dealt = 2 },
		{ .id = 9,
		    .asked = endpoint_of("unix:/run/muxd/a b.sock"),
		    .endpoint = endpoint_of("unix:/run/muxd/a b.sock"),
		    .shared = true,
		    .activated = true,
		    .fds = local,
		    .listening = listening,
		    .member = member },
	};
	struct handover_page page = {
		.asked = endpoint_of("[::1]:9180"),
		.fd = 40,
	};
	struct handover_ban bans[] = {
		{ prefix_from("192.0.2.0/24"), UINT64_C(1) << 41 },
		{ prefix_from("2001:db8::/32"), BAN_FOR_EVER },
	};
	const struct handover handover = {
		.channel_fd = 10,
		.presence_fd = 11,
		.state_fd = 12,
		.stderr_fd = 13,
		.lock_fd = 14,
		.control_fd = 15,
		.control = (char *)(uintptr_t) "/run/muxd/control.sock",
		.first = SLOTS,
		.slots = SLOTS,
		.generation = UINT32_MAX - 1,
		.started_ms = UINT64_C(1) << 40,
		.detached = true,
		.seed = UINT32_MAX,
		.steered = true,
		.bells = bells,
		.nbells = 2,
		.sockets = sockets,
		.nsockets = 2,
		.used = used,
		.pages = &page,
		.npages = 1,
		.node = NODE_REFUSING,
		.bans = bans,
		.nbans = 2,
		.text = (char *)(uintptr_t) "service \"e\xc3\xa9\" {\n}\n",
	};
	struct handover *got;
	int fd = handover_write(&handover);

	assert_int_not_equal(fd, -1);
	got = handover_read(fd);
	assert_non_null(got);
	assert_int_equal(close(fd), 0);
	return got;
}

static void
all_arrives(void **state)
{
	struct handover *got = hand_over();

	(void)state;
	assert_int_equal(got->channel_fd, 10);
	assert_int_equal(got->presence_fd, 11);
	assert_int_equal(got->state_fd, 12);
	assert_int_equal(got->stderr_fd, 13);
	assert_int_equal(got->lock_fd, 14);
	assert_int_equal(got->control_fd, 15);
	assert_string_equal(got->control, "/run/muxd/control.sock");
	assert_int_equal(got->first, SLOTS);
	assert_int_equal(got->slots, SLOTS);
	assert_int_equal(got->generation, UINT32_MAX - 1);
	assert_true(got->started_ms == UINT64_C(1) << 40);
	assert_true(got->detached);
	assert_int_equal(got->seed, UINT32_MAX);
	assert_true(got->steered);
	assert_int_equal(got->nbells, 2);
	assert_int_equal(got->bells[1].read_fd, 32);
	assert_int_equal(got->bells[1].write_fd, 33);
	assert_true(got->used[0] && !got->used[1] && got->used[2]);
	assert_int_equal(got->npages, 1);
	assert_int_equal(got->pages[0].fd, 40);
	assert_int_equal(got->pages[0].asked.addr.port, 9180);
	assert_string_equal(got->text, "service \"e\xc3\xa9\" {\n}\n");
	handover_free(got);
}

static void
sockets_arrive_with_their_places(void **state)
{
	struct handover *got = hand_over();
	const struct owned *owned = got->sockets;

	(void)state;
	assert_int_equal(got->nsockets, 2);
	assert_int_equal(owned[0].id, 7);
	assert_int_equal(owned[0].service, 4);
	assert_int_equal(owned[0].asked.addr.port, 0);
	assert_int_equal(owned[0].endpoint.transport, TRANSPORT_UDP);
	assert_int_equal(owned[0].endpoint.addr.port, 4242);
	assert_true(owned[0].unordered && !owned[0].shared);
	assert_int_equal(owned[0].fds[0], 20);
	assert_int_equal(owned[0].fds[1], -1);
	assert_int_equal(owned[0].fds[2], 22);
	assert_true(owned[0].listening[2] && !owned[0].listening[1]);
	assert_int_equal(owned[0].member[0], 1);
	assert_int_equal(owned[0].nmembers, 2);
	assert_int_equal(owned[0].dealt, 2);
	assert_true(owned[1].shared && owned[1].activated);
	assert_string_equal(owned[1].endpoint.path, "/run/muxd/a b.sock");
	assert_int_equal(owned[1].fds[0], 23);
	handover_free(got);
}

static void
orders_arrive(void **state)
{
	struct handover *got = hand_over();
	char text[PREFIX_STRLEN];

	(void)state;
	assert_int_equal(got->node, NODE_REFUSING);
	assert_int_equal(got->nbans, 2);
	assert_string_equal(
	    prefix_format(&got->bans[0].prefix, text, sizeof(text)),
	    "192.0.2.0/24");
	assert_true(got->bans[0].until_ms == UINT64_C(1) << 41);
	assert_string_equal(
	    prefix_format(&got->bans[1].prefix, text, sizeof(text)),
	    "2001:db8::/32");
	assert_true(got->bans[1].until_ms == BAN_FOR_EVER);
	handover_free(got);
}

static void
count(int *fd, void *arg)
{
	if (*fd != -1)
		*(int *)arg += *fd;
}

static void
no_descriptor_is_left_out(void **state)
{
	struct handover *got = hand_over();
	int sum = 0;

	(void)state;
	handover_each_fd(got, count, &sum);
	assert_int_equal(sum,
	    10 + 11 + 12 + 13 + 14 + 15 + 20 + 22 + 23 + 30 + 31 + 32 + 33 +
		40);
	handover_free(got);
}

/* Read what text there is. */
static struct handover *
read_text(const char *text)
{
	size_t len = strlen(text) + 1;
	int fd = compat_shared_memory("test", len);
	struct handover *got;
	char *map;

	assert_int_not_equal(fd, -1);
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	memcpy(map, text, len);
	munmap(map, len);
	got = handover_read(fd);
	close(fd);
	return got;
}

static void
what_is_none_is_refused(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{}",
		"{\"format\":2}",
		"{\"format\":1,\"first\":0,\"slots\":100000}" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		errno = 0;
		assert_null(read_text(texts[i]));
		assert_int_equal(errno, EPROTO);
	}
	assert_null(handover_read(-1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_arrives),
		cmocka_unit_test(sockets_arrive_with_their_places),
		cmocka_unit_test(orders_arrive),
		cmocka_unit_test(no_descriptor_is_left_out),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
