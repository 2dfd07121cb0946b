/*
 * Which address goes to which place.
 */
#include "monitor/places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PLACES = 4 };

struct fixture {
	struct state_server servers[PLACES];
	struct places places;
	struct places_change change;
};

static int
setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.places.first = f.servers;
	f.places.n = PLACES;
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	places_change_free(&f->change);
	return 0;
}

static struct place_entry
entry(const char *address, uint64_t weight)
{
	struct place_entry one = { .weight = weight };
	const char *why;

	assert_int_equal(addr_parse(address, &one.addr, &why), 0);
	return one;
}

static void
assign(struct fixture *f, const char *const *addresses)
{
	struct place_entry entries[PLACES];
	size_t n = 0;

	places_change_free(&f->change);
	memset(&f->change, 0, sizeof(f->change));
	for (; addresses[n] != NULL; n++)
		entries[n] = entry(addresses[n], 1);
	places_assign(&f->places, entries, n, 0, &f->change);
}
#define ASSIGN(f, ...) assign((f), (const char *const[]){ __VA_ARGS__, NULL })

static void
assert_in_place(const struct fixture *f, unsigned place, const char *address)
{
	char text[ADDR_STRLEN];
	struct addr addr;
	uint32_t weight;

	if (state_server_get(&f->servers[place], &addr, &weight))
		assert_string_equal(
		    addr_format(&addr, text, sizeof(text)), address);
	else
		assert_string_equal("-", address);
}

/* So many sessions are there. */
static void
hold(struct fixture *f, unsigned place, uint64_t sessions)
{
	atomic_store(&f->servers[place].connections.tally.word, sessions << 40);
}

static void
new_address_goes_where_no_session_is_left(void **state)
{
	struct fixture *f = *state;

	ASSIGN(
	    f, "192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80", "192.0.2.4:80");
	hold(f, 0, 5);
	hold(f, 1, 2);
	hold(f, 2, 0);
	hold(f, 3, 7);
	/* The place of .3 is left at once, that of .2 comes next. */
	ASSIGN(f, "192.0.2.4:80", "192.0.2.8:80", "192.0.2.9:80");
	assert_in_place(f, 0, "-");
	assert_in_place(f, 1, "192.0.2.9:80");
	assert_in_place(f, 2, "192.0.2.8:80");
	assert_in_place(f, 3, "192.0.2.4:80");
	assert_string_equal(f->change.added.text, "192.0.2.8:80, 192.0.2.9:80");
	assert_string_equal(
	    f->change.removed.text, "192.0.2.3:80, 192.0.2.2:80, 192.0.2.1:80");
}

static void
same_addresses_are_no_change(void **state)
{
	struct fixture *f = *state;

	ASSIGN(f, "192.0.2.1:80", "192.0.2.2:80");
	assert_true(f->change.any);
	ASSIGN(f, "192.0.2.2:80", "192.0.2.1:80");
	assert_false(f->change.any);
	assert_int_equal(places_in_use(&f->places), 2);
}

static void
other_port_is_another_address(void **state)
{
	struct fixture *f = *state;

	ASSIGN(f, "192.0.2.1:80");
	ASSIGN(f, "192.0.2.1:81");
	assert_true(f->change.any);
	assert_int_equal(places_in_use(&f->places), 1);
	assert_string_equal(f->change.removed.text, "192.0.2.1:80");
	assert_string_equal(f->change.added.text, "192.0.2.1:81");
}

static void
another_address_is_unburdened(void **state)
{
	struct fixture *f = *state;

	ASSIGN(f, "192.0.2.1:80");
	atomic_store(&f->servers[0].loops, 1);
	atomic_store(&f->servers[0].failures, 3);
	atomic_store(&f->servers[0].ejected_until_ms, 1000);
	ASSIGN(f, "192.0.2.2:80");
	hold(f, 0, 0);
	for (unsigned i = 0; i < PLACES; i++) {
		assert_int_equal(atomic_load(&f->servers[i].loops), 0);
		assert_int_equal(atomic_load(&f->servers[i].failures), 0);
		assert_int_equal(
		    atomic_load(&f->servers[i].ejected_until_ms), 0);
	}
}

static void
order_is_by_weight_then_by_address(void **state)
{
	struct place_entry entries[] = { entry("192.0.2.3:80", 1),
		entry("[2001:db8::1]:80", 1), entry("192.0.2.1:80", 1),
		entry("192.0.2.9:80", 2) };
	static const char *const expected[] = { "192.0.2.9:80", "192.0.2.1:80",
		"192.0.2.3:80", "[2001:db8::1]:80" };
	char text[ADDR_STRLEN];

	(void)state;
	assert_int_equal(places_sort(entries, 4), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_string_equal(
		    addr_format(&entries[i].addr, text, sizeof(text)),
		    expected[i]);
}

static void
weights_are_added_up_and_scaled(void **state)
{
	struct place_entry entries[] = { entry("192.0.2.1:80", 65535 * 256),
		entry("192.0.2.2:80", 65535 * 128), entry("192.0.2.3:80", 1),
		entry("192.0.2.1:80", 65535 * 256) };

	(void)state;
	assert_int_equal(places_sort(entries, 4), 3);
	assert_int_equal(entries[0].weight, PLACES_WEIGHT_MAX);
	assert_int_equal(entries[1].weight, PLACES_WEIGHT_MAX / 4);
	assert_int_equal(entries[2].weight, 1);
	assert_int_equal(places_sort(entries, 0), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(new_address_goes_where_no_session_is_left),
		T(same_addresses_are_no_change),
		T(other_port_is_another_address),
		T(another_address_is_unburdened),
		T(order_is_by_weight_then_by_address),
		T(weights_are_added_up_and_scaled),
#undef T
	};

	return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
