/*
 * The shared mapping: its shape, its sharing, and what it refuses.
 */
#include <sys/stat.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "state/servers.h"
#include "state/sources.h"
#include "support.h"

static const struct state_shape usual = {
	.workers = 4,
	.services = 20,
	.sessions = 5000,
	.sources = 30000,
	.pools = 5,
	.servers = 50,
};

static void
shape_out_of_range_is_refused(void **state)
{
	static const struct state_shape bad[] = {
		{ 0, 1, 1, 1, 1, 1, 0 },
		{ TALLY_WORKERS + 1, 1, 1, 1, 1, 1, 0 },
		{ 1, 0, 1, 1, 1, 1, 0 },
		{ 1, 65536, 1, 1, 1, 1, 0 },
		{ 1, 1, 0, 1, 1, 1, 0 },
		{ 1, 1, TALLY_MAX + 1, 1, 1, 1, 0 },
		{ 1, 1, 1, UINT32_MAX, 1, 1, 0 },
		{ 1, 1, 1, 1, 65536, 1, 0 },
		{ 1, 1, 1, 1, 1, 65536, 0 },
		{ 1, 1, 1, 1, 1, 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_null(state_create(&bad[i]));
		assert_int_equal(errno, EINVAL);
	}
}

static void
sources_are_rounded_up_to_a_power_of_two(void **state)
{
	struct state *s = state_create(&usual);

	(void)state;
	assert_non_null(s);
	assert_int_equal(s->shape.sources, 32768);
	assert_int_equal(s->shape.sessions, usual.sessions);
	state_close(s);
}

static void
parts_of_different_writers_share_no_cache_line(void **state)
{
	struct state *s = state_create(&usual);

	(void)state;
	assert_non_null(s);
	assert_int_equal((uintptr_t)s->total % 64, 0);
	assert_int_equal((uintptr_t)s->memory % 64, 0);
	assert_int_equal((uintptr_t)s->services % 64, 0);
	assert_int_equal((uintptr_t)s->pools % 64, 0);
	assert_int_equal((uintptr_t)s->servers % 64, 0);
	assert_int_equal((uintptr_t)s->workers % 64, 0);
	assert_int_equal((uintptr_t)s->counters % 64, 0);
	assert_int_equal((uintptr_t)s->server_counters % 64, 0);
	assert_int_equal((uintptr_t)s->past % 64, 0);
	assert_int_equal((uintptr_t)s->sources % 64, 0);
	assert_int_equal((uintptr_t)s->ledger % 64, 0);
	assert_int_equal(sizeof(struct limit) % 64, 0);
	assert_int_equal(sizeof(struct state_service) % 64, 0);
	assert_int_equal(sizeof(struct state_pool) % 64, 0);
	assert_int_equal(sizeof(struct state_server) % 64, 0);
	assert_int_equal(sizeof(struct state_worker) % 64, 0);
	assert_int_equal(sizeof(struct counters) % 64, 0);
	assert_int_equal(sizeof(struct server_counters) % 64, 0);
	assert_int_equal(sizeof(struct state_past) % 64, 0);
	assert_int_equal(sizeof(struct source) % 64, 0);
	state_close(s);
}

static void
every_part_can_be_written_to_its_end(void **state)
{
	const struct state_shape shape = {
		.workers = 2,
		.services = 3,
		.sessions = 5,
		.sources = 16,
		.pools = 2,
		.servers = 4,
	};
	struct state *s = state_create(&shape);
	struct state *other;

	(void)state;
	assert_non_null(s);
	memset(s->total, 1, sizeof(*s->total));
	memset(s->memory, 2, sizeof(*s->memory));
	memset(s->services, 3, 3 * sizeof(*s->services));
	memset(s->workers, 4, 2 * sizeof(*s->workers));
	memset(s->counters, 5, 2 * 3 * sizeof(*s->counters));
	memset(s->sources, 6, 16 * sizeof(*s->sources));
	memset(s->ledger, 7, 2 * 5 * sizeof(*s->ledger));
	memset(s->pools, 8, 2 * sizeof(*s->pools));
	memset(s->servers, 9, 4 * sizeof(*s->servers));
	memset(s->server_counters, 10, 2 * 4 * sizeof(*s->server_counters));
	assert_int_equal(*(unsigned char *)s->total, 1);
	assert_int_equal(*(unsigned char *)s->memory, 2);
	assert_int_equal(*(unsigned char *)s->services, 3);
	assert_int_equal(*(unsigned char *)s->workers, 4);
	assert_int_equal(*(unsigned char *)s->counters, 5);
	assert_int_equal(*(unsigned char *)s->sources, 6);
	assert_int_equal(*(unsigned char *)s->ledger, 7);
	assert_int_equal(*(unsigned char *)s->pools, 8);
	assert_int_equal(*(unsigned char *)s->servers, 9);
	other = state_attach(dup(s->fd));
	assert_non_null(other);
	state_close(other);
	state_close(s);
}

static void
untouched_memory_costs_nothing(void **state)
{
	const struct state_shape shape = { .workers = 64,
		.services = 1000,
		.sessions = 100000,
		.sources = 1000000 };
	struct state *s = state_create(&shape);
	struct stat st;

	(void)state;
	assert_non_null(s);
	assert_true(s->size > 500 * 1000 * 1000);
	assert_int_equal(fstat(s->fd, &st), 0);
	assert_true(st.st_blocks * 512 < 64 * 1024);
	state_close(s);
}

static void
ledger_entry_is_small(void **state)
{
	(void)state;
	assert_in_range(sizeof(struct ledger_entry), 1, 80);
}

static void
attached_state_is_the_same_memory(void **state)
{
	struct state *a = state_create(&usual);
	struct state *b = state_attach(dup(a->fd));

	(void)state;
	assert_non_null(b);
	assert_int_equal(a->size, b->size);
	assert_memory_equal(&a->shape, &b->shape, sizeof(a->shape));
	a->ledger[4 * 5000 - 1].start_us = 42;
	assert_int_equal(b->ledger[4 * 5000 - 1].start_us, 42);
	assert_int_equal(state_service_slot(b, "echo"), 0);
	state_close(b);
	assert_string_equal(a->services[0].name, "echo");
	state_close(a);
}

static void
assert_not_attached(int fd, int error)
{
	errno = 0;
	assert_null(state_attach(fd));
	assert_int_equal(errno, error);
}

static void
attach_refuses_what_is_not_a_state(void **state)
{
	struct state *s = state_create(&usual);
	struct state_header *header = s->header, good = *header;
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	assert_not_attached(-1, EBADF);
	assert_not_attached(fileno(file), EPROTO);
	assert_int_equal(ftruncate(fileno(file), 100000), 0);
	assert_not_attached(fileno(file), EPROTO);
	fclose(file);

	header->magic++;
	assert_not_attached(s->fd, EPROTO);
	*header = good;
	header->version++;
	assert_not_attached(s->fd, EPROTO);
	*header = good;
	header->shape.workers--;
	assert_not_attached(s->fd, EPROTO);
	*header = good;
	header->check++;
	assert_not_attached(s->fd, EPROTO);
	*header = good;
	/* One that is too short for what its header says. */
	file = tmpfile();
	assert_non_null(file);
	assert_int_equal(fwrite(header, sizeof(*header), 1, file), 1);
	assert_int_equal(fflush(file), 0);
	assert_int_equal(ftruncate(fileno(file), (off_t)s->size - 4096), 0);
	assert_not_attached(fileno(file), EPROTO);
	fclose(file);
	state_close(s);
}

static void
service_keeps_its_slot(void **state)
{
	struct state *s = state_create(&usual);

	(void)state;
	assert_int_equal(state_service_slot(s, "echo"), 0);
	assert_int_equal(state_service_slot(s, "www"), 1);
	assert_int_equal(state_service_slot(s, "echo"), 0);
	assert_int_equal(state_service_slot(s, "www2"), 2);
	assert_int_equal(state_service_slot(s, "www"), 1);
	state_close(s);
}

static void
service_names_that_do_not_fit_are_refused(void **state)
{
	struct state *s = state_create(&usual);
	char name[STATE_NAME_MAX + 1];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[STATE_NAME_MAX] = '\0';
	errno = 0;
	assert_int_equal(state_service_slot(s, name), -1);
	assert_int_equal(errno, EINVAL);
	name[STATE_NAME_MAX - 1] = '\0';
	assert_int_equal(state_service_slot(s, name), 0);
	assert_int_equal(state_service_slot(s, ""), -1);
	assert_int_equal(errno, EINVAL);
	state_close(s);
}

/* Who has the slot later begins with nothing of what was known. */
static void
service_that_is_forgotten_leaves_nothing(void **state)
{
	const struct rate rate = { .count = 1, .period_ms = 60000 };
	struct state *s = state_create(&usual);

	(void)state;
	assert_int_equal(state_service_slot(s, "echo"), 0);
	s->services[0].used = 3;
	assert_true(bucket_take(&s->services[0].rate, rate, 1000, NULL));
	assert_false(bucket_take(&s->services[0].rate, rate, 1000, NULL));
	counter_add(&state_counters(s, 1, 0)->events[COUNTER_SESSIONS], 7);
	state_forget(s, 1, 2);
	assert_string_equal(s->services[0].name, "echo");
	state_forget(s, 1, 3);
	assert_int_equal(state_service_slot(s, "www"), 0);
	assert_int_equal(state_sum_events(s, 0, COUNTER_SESSIONS), 0);
	assert_true(bucket_take(&s->services[0].rate, rate, 1000, NULL));
	state_close(s);
}

/* Whoever adds up a worker's counts must never see them fall. */
static void
counts_of_a_service_that_is_forgotten_stay_its_workers(void **state)
{
	struct state *s = state_create(&usual);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(state_service_slot(s, "echo"), 0);
		s->services[0].used = 1;
		counter_add(
		    &state_counters(s, 1, 0)->events[COUNTER_ACCEPTED], 7);
		counter_add(&state_counters(s, 1, 0)->ended[REASON_SERVED], 2);
		assert_int_equal(
		    state_worker_events(s, 1, COUNTER_ACCEPTED), 7 * (i + 1));
		state_forget(s, 1, 1);
		assert_int_equal(state_sum_events(s, 0, COUNTER_ACCEPTED), 0);
		assert_int_equal(state_sum_ended(s, 0, REASON_SERVED), 0);
		assert_int_equal(
		    state_worker_events(s, 1, COUNTER_ACCEPTED), 7 * (i + 1));
		assert_int_equal(
		    state_worker_events(s, 0, COUNTER_ACCEPTED), 0);
	}
	state_close(s);
}

/* One that was killed in between holds no reader up. */
static void
counts_that_a_master_left_half_way_are_read(void **state)
{
	struct state *s = state_create(&usual);

	(void)state;
	assert_int_equal(state_service_slot(s, "echo"), 0);
	s->services[0].used = 1;
	counter_add(&state_counters(s, 1, 0)->events[COUNTER_ACCEPTED], 7);
	atomic_store(&s->past[1].version, 5);
	assert_int_equal(state_worker_events(s, 1, COUNTER_ACCEPTED), 7);
	state_forget(s, 1, 1);
	assert_int_equal(atomic_load(&s->past[1].version) % 2, 0);
	assert_int_equal(state_worker_events(s, 1, COUNTER_ACCEPTED), 7);
	state_close(s);
}

static void
more_services_than_slots_are_refused(void **state)
{
	struct state *s = state_small(1);

	(void)state;
	assert_int_equal(state_service_slot(s, "a"), 0);
	errno = 0;
	assert_int_equal(state_service_slot(s, "b"), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(state_service_slot(s, "a"), 0);
	state_close(s);
}

static void
sums_go_over_all_workers_of_one_service(void **state)
{
	struct state *s = state_create(&usual);

	(void)state;
	for (unsigned i = 0; i < usual.workers; i++) {
		counter_add(&state_counters(s, i, 7)->events[COUNTER_BYTES_IN],
		    UINT64_C(1) << 40);
		counter_add(&state_counters(s, i, 7)->ended[REASON_SERVED], i);
		counter_add(
		    &state_counters(s, i, 8)->events[COUNTER_BYTES_IN], 1);
	}
	assert_int_equal(
	    state_sum_events(s, 7, COUNTER_BYTES_IN), UINT64_C(4) << 40);
	assert_int_equal(state_sum_events(s, 8, COUNTER_BYTES_IN), 4);
	assert_int_equal(state_sum_events(s, 7, COUNTER_BYTES_OUT), 0);
	assert_int_equal(state_sum_ended(s, 7, REASON_SERVED), 6);
	assert_int_equal(state_sum_ended(s, 8, REASON_SERVED), 0);
	state_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shape_out_of_range_is_refused),
		cmocka_unit_test(sources_are_rounded_up_to_a_power_of_two),
		cmocka_unit_test(
		    parts_of_different_writers_share_no_cache_line),
		cmocka_unit_test(every_part_can_be_written_to_its_end),
		cmocka_unit_test(untouched_memory_costs_nothing),
		cmocka_unit_test(ledger_entry_is_small),
		cmocka_unit_test(attached_state_is_the_same_memory),
		cmocka_unit_test(attach_refuses_what_is_not_a_state),
		cmocka_unit_test(service_keeps_its_slot),
		cmocka_unit_test(service_names_that_do_not_fit_are_refused),
		cmocka_unit_test(service_that_is_forgotten_leaves_nothing),
		cmocka_unit_test(
		    counts_of_a_service_that_is_forgotten_stay_its_workers),
		cmocka_unit_test(counts_that_a_master_left_half_way_are_read),
		cmocka_unit_test(more_services_than_slots_are_refused),
		cmocka_unit_test(sums_go_over_all_workers_of_one_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
