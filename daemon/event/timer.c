/*
 * The timer wheel.
 *
 * Times are read as groups of six bits.  A timer stands in the ring of the
 * highest group in which its time differs from now, in the slot that this
 * group names:
 *
 *   due  ……  000011 | 010110 | 001000        now  ……  000011 | 010001 | 111010
 *   differs first in group 1  ->  ring 1, slot 010110
 *
 * So all of ring r lies before all of ring r + 1, within a ring slots come in
 * order, and the first slot in use of the first ring in use is the next one.
 *
 * The wheel is turned only when its next timer is due.  Until then it stands
 * still, however much time has passed: what is set meanwhile is sorted by
 * where the wheel stands, and dealt out as it passes by.  So a turn of the
 * loop in which no timer is due costs one comparison.
 *
 * When time reaches a slot of ring 0, its timers are due; a slot of another
 * ring is dealt out over the rings below.  The last ring alone goes around:
 * it also holds what differs above its group, and deals that out again once a
 * revolution, until the time is near.
 */
#include "event/timer.h"

#include <stddef.h>

enum { SLOT_BITS = 6, SLOT_MASK = TIMER_SLOTS - 1, LAST = TIMER_RINGS - 1 };

static inline struct timer *
timer_of(struct list *link)
{
	return container_of(link, struct timer, link);
}

/* The number of the slot that holds time_ms if the ring had no end. */
static inline uint64_t
slot_number(unsigned ring, uint64_t time_ms)
{
	return time_ms >> (ring * SLOT_BITS);
}

void
timer_init(struct timer *timer, void (*call)(struct timer *))
{
	*timer = (struct timer){ .call = call, .slot = TIMER_IDLE };
	list_init(&timer->link);
}

void
timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ms)
{
	*wheel = (struct timer_wheel){
		.now_ms = now_ms, .until_ms = now_ms, .next_ms = UINT64_MAX
	};
	list_init(&wheel->due);
	for (unsigned r = 0; r < TIMER_RINGS; r++)
		for (unsigned s = 0; s < TIMER_SLOTS; s++)
			list_init(&wheel->slots[r][s]);
}

/* Put a timer that is on no list, and due after now, into its slot. */
static void
wheel_insert(struct timer_wheel *wheel, struct timer *timer)
{
	unsigned high, ring, slot;

	high = 63u - (unsigned)__builtin_clzll(timer->due_ms ^ wheel->now_ms);
	ring = high / SLOT_BITS;
	if (ring > LAST)
		ring = LAST;
	slot = slot_number(ring, timer->due_ms) & SLOT_MASK;
	timer->slot = (uint16_t)(ring * TIMER_SLOTS + slot);
	wheel->used[ring] |= UINT64_C(1) << slot;
	list_append(&wheel->slots[ring][slot], &timer->link);
}

void
timer_wheel_set(struct timer_wheel *wheel, struct timer *timer, uint64_t due_ms)
{
	timer_wheel_cancel(wheel, timer);
	if (due_ms <= wheel->until_ms) {
		timer->due_ms = wheel->until_ms;
		timer->slot = TIMER_DUE;
		list_append(&wheel->due, &timer->link);
		return;
	}
	timer->due_ms = due_ms;
	if (due_ms < wheel->next_ms)
		wheel->next_ms = due_ms;
	wheel_insert(wheel, timer);
}

void
timer_wheel_cancel(struct timer_wheel *wheel, struct timer *timer)
{
	unsigned ring, slot;

	if (timer->slot == TIMER_IDLE)
		return;
	list_remove(&timer->link);
	if (timer->slot != TIMER_DUE) {
		ring = timer->slot / TIMER_SLOTS;
		slot = timer->slot % TIMER_SLOTS;
		if (list_empty(&wheel->slots[ring][slot]))
			wheel->used[ring] &= ~(UINT64_C(1) << slot);
	}
	timer->slot = TIMER_IDLE;
}

/* How many slots ahead of now the first one in use of the last ring lies: 1
 * to TIMER_SLOTS, since what is nearer stands in the rings below. */
static unsigned
last_ring_ahead(const struct timer_wheel *wheel)
{
	uint64_t used = wheel->used[LAST];
	unsigned first;

	first = (unsigned)(slot_number(LAST, wheel->now_ms) + 1) & SLOT_MASK;
	used = used >> first | used << (-first & SLOT_MASK);
	return (unsigned)__builtin_ctzll(used) + 1;
}

/* Find the next slot in use: its ring, and the time at which it begins.
 * TIMER_RINGS if there is none. */
static unsigned
wheel_next(const struct timer_wheel *wheel, uint64_t *time_ms)
{
	uint64_t number;
	unsigned r;

	for (r = 0; r < TIMER_RINGS && wheel->used[r] == 0; r++)
		;
	if (r == TIMER_RINGS)
		return r;
	number = slot_number(r, wheel->now_ms);
	if (r == LAST)
		number += last_ring_ahead(wheel);
	else
		number = (number & ~(uint64_t)SLOT_MASK) |
		    (unsigned)__builtin_ctzll(wheel->used[r]);
	*time_ms = number << (r * SLOT_BITS);
	return r;
}

int64_t
timer_wheel_wait_ms(const struct timer_wheel *wheel, uint64_t now_ms)
{
	if (!list_empty(&wheel->due))
		return 0;
	if (wheel->next_ms == UINT64_MAX)
		return -1;
	return wheel->next_ms > now_ms ? (int64_t)(wheel->next_ms - now_ms) : 0;
}

/* Call a timer whose time has come; it is off the wheel. */
static void
wheel_expire(struct timer_wheel *wheel, struct timer *timer)
{
	uint64_t missed;

	if (timer->interval_ms != 0) {
		missed = (wheel->until_ms - timer->due_ms) / timer->interval_ms;
		timer_wheel_set(wheel, timer,
		    timer->due_ms + (missed + 1) * timer->interval_ms);
	}
	timer->call(timer);
}

/* Call what was set for a time already past.  A callback that sets one more
 * sets it for the next advance, on the list of the wheel. */
static void
wheel_expire_due(struct timer_wheel *wheel)
{
	struct list due, *link;

	list_init(&due);
	list_splice(&due, &wheel->due);
	while ((link = list_shift(&due)) != NULL) {
		timer_of(link)->slot = TIMER_IDLE;
		wheel_expire(wheel, timer_of(link));
	}
}

/* Time has reached a slot of ring 0.  Callbacks cannot put a timer into it,
 * only take some out. */
static void
wheel_expire_slot(struct timer_wheel *wheel)
{
	struct list *slot = &wheel->slots[0][wheel->now_ms & SLOT_MASK];
	struct timer *timer;

	while (!list_empty(slot)) {
		timer = timer_of(slot->next);
		timer_wheel_cancel(wheel, timer);
		wheel_expire(wheel, timer);
	}
}

/* Time has reached a slot of a higher ring: deal it out. */
static void
wheel_cascade(struct timer_wheel *wheel, unsigned ring)
{
	unsigned slot = slot_number(ring, wheel->now_ms) & SLOT_MASK;
	struct list timers, *link;
	struct timer *timer;

	list_init(&timers);
	list_splice(&timers, &wheel->slots[ring][slot]);
	wheel->used[ring] &= ~(UINT64_C(1) << slot);
	while ((link = list_shift(&timers)) != NULL) {
		timer = timer_of(link);
		if (timer->due_ms > wheel->now_ms) {
			wheel_insert(wheel, timer);
			continue;
		}
		timer->slot = (uint16_t)(wheel->now_ms & SLOT_MASK);
		wheel->used[0] |= UINT64_C(1) << timer->slot;
		list_append(&wheel->slots[0][timer->slot], &timer->link);
	}
}

/* Turn the wheel up to until_ms. */
static void
wheel_turn(struct timer_wheel *wheel)
{
	uint64_t time_ms = UINT64_MAX;
	unsigned ring;

	while ((ring = wheel_next(wheel, &time_ms)) != TIMER_RINGS &&
	    time_ms <= wheel->until_ms) {
		wheel->now_ms = time_ms;
		if (ring == 0)
			wheel_expire_slot(wheel);
		else
			wheel_cascade(wheel, ring);
	}
	wheel->now_ms = wheel->until_ms;
	wheel->next_ms = ring == TIMER_RINGS ? UINT64_MAX : time_ms;
}

void
timer_wheel_advance(struct timer_wheel *wheel, uint64_t now_ms)
{
	if (now_ms > wheel->until_ms)
		wheel->until_ms = now_ms;
	if (!list_empty(&wheel->due))
		wheel_expire_due(wheel);
	if (wheel->until_ms >= wheel->next_ms)
		wheel_turn(wheel);
}
