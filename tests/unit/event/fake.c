/*
 * The backend and clock of fake.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "fake.h"

struct fake fake;

static int
refuse(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

static int
fake_open(struct loop *loop)
{
	loop->data = &fake;
	return refuse(fake.fail_open);
}

static void
fake_close(struct loop *loop)
{
	assert_ptr_equal(loop->data, &fake);
}

static int
fake_add_level(struct loop *loop, struct io *io)
{
	(void)loop;
	(void)io;
	fake.adds++;
	return refuse(fake.fail_add);
}

static int
fake_add_edge(struct loop *loop, struct io *io)
{
	io->armed = (uint8_t)(IO_READ | io->wanted);
	return fake_add_level(loop, io);
}

static void
fake_remove(struct loop *loop, struct io *io, bool closing)
{
	(void)loop;
	(void)closing;
	fake.removes++;
	for (size_t i = 0; i < fake.nnext; i++)
		assert_ptr_not_equal(fake.next[i].io, io);
}

static void
fake_interest_level(struct loop *loop, struct io *io)
{
	assert_ptr_equal(io->loop, loop);
	fake.interests++;
}

static void
fake_interest_edge(struct loop *loop, struct io *io)
{
	fake_interest_level(loop, io);
	assert_int_equal(io_interest(io) & ~(unsigned)io->armed, IO_WRITE);
	io->armed |= IO_WRITE;
}

static int
fake_wait(struct loop *loop, int timeout_ms)
{
	fake.waits++;
	fake.timeout_ms = timeout_ms;
	if (fake.nnext == 0 && timeout_ms > 0)
		fake.now_ms += (uint64_t)timeout_ms;
	for (size_t i = 0; i < fake.nnext; i++)
		loop_mark(loop, fake.next[i].io, fake.next[i].events);
	fake.nnext = 0;
	fake.now_ms += fake.stall_ms;
	return refuse(fake.fail_wait);
}

static uint64_t
fake_clock(void)
{
	fake.reads++;
	return fake.now_ms;
}

const struct event_backend fake_edge = {
	.name = "fake",
	.edge = true,
	.tells_hangup = true,
	.hint = "use a real one",
	.open = fake_open,
	.close = fake_close,
	.add = fake_add_edge,
	.remove = fake_remove,
	.interest = fake_interest_edge,
	.wait = fake_wait,
};

const struct event_backend fake_level = {
	.name = "fake-level",
	.edge = false,
	.tells_hangup = true,
	.open = fake_open,
	.close = fake_close,
	.add = fake_add_level,
	.remove = fake_remove,
	.interest = fake_interest_level,
	.wait = fake_wait,
};

struct loop *
fake_loop(const struct event_backend *backend)
{
	return loop_open_with(backend, fake_clock);
}

void
fake_report(struct io *io, unsigned events)
{
	assert_true(fake.nnext < FAKE_EVENTS);
	fake.next[fake.nnext].io = io;
	fake.next[fake.nnext].events = events;
	fake.nnext++;
}

void
fake_note(char c)
{
	size_t len = strlen(fake.trace);

	assert_true(len < sizeof(fake.trace) - 1);
	fake.trace[len] = c;
	fake.trace[len + 1] = '\0';
}

static void
on_io(struct io *io)
{
	struct owner *owner = container_of(io, struct owner, io);

	fake_note(owner->name);
	owner->calls++;
	io_drained(io, owner->drain);
	if (owner->unwanting)
		io_want(io, 0);
	if (owner->wakes != NULL)
		io_want(&owner->wakes->io, IO_READ);
	if (owner->adds != NULL)
		assert_int_equal(
		    io_add(fake.loop, &owner->adds->io, IO_READ), 0);
	owner->adds = NULL;
	if (owner->closes != NULL)
		io_remove(&owner->closes->io);
	if (owner->stops)
		loop_stop(fake.loop);
}

void
owner_init(struct owner *owner, char name)
{
	memset(owner, 0, sizeof(*owner));
	owner->name = name;
	owner->drain = IO_READ;
	io_init(&owner->io, name, on_io, 0);
}

void
owner_add(struct owner *owner, char name, unsigned wanted)
{
	owner_init(owner, name);
	assert_int_equal(io_add(fake.loop, &owner->io, wanted), 0);
}

int
fake_set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.now_ms = 1000000;
	fake.loop = fake_loop(&fake_edge);
	return fake.loop == NULL ? -1 : 0;
}

int
fake_tear_down(void **state)
{
	(void)state;
	loop_close(fake.loop);
	fake.loop = NULL;
	return 0;
}
