/*
 * A count that several processes change and that stays exact when one of
 * them is killed between any two instructions.
 *
 * A plain atomic cannot do that.  A worker adds to the limit and then writes
 * down that it holds one more; if it dies in between, nobody can tell
 * whether the addition took place.  Therefore each change carries its
 * author: the word is
 *
 *      63        40 39      32 31                    0
 *     +------------+----------+-----------------------+
 *     |   count    |  worker  |  the worker's seq      |
 *     +------------+----------+-----------------------+
 *
 * and a change is four steps:
 *
 *   1. intent: the worker's own struct tally_op tells which tally, which
 *      delta, seq, and the holder's value before and after
 *   2. the compare-and-swap.  Who is about to replace another worker's
 *      signature first notes its seq in its own row of helped[], if that
 *      worker may still be at that change, so the evidence outlives the word
 *   3. the holder (what the worker holds of it) is stored
 *   4. the intent is taken back
 *
 * When a worker is dead, the master finds its intent, if any; it took effect
 * if the word still bears its signature or some helped[] row has it, and the
 * holder is put right accordingly.  Then everything the holders say is
 * released.  This is the recoverable compare-and-swap of Attiya, Ben-Baruch
 * and Hendler, "Nesting-Safe Recoverable Linearizability" (PODC 2018).
 *
 * A signature is old when its worker's intent has gone on to another seq:
 * that change is complete, and nobody will ask for evidence of it.  Only the
 * seq that the intent still shows is noted, so a note is never overwritten
 * while it is needed, however long ago the helper met that worker before.
 * What is left is the wrap of seq: somebody who sleeps between reading a
 * word and replacing it while its author makes exactly 2^32 changes.
 */
#ifndef MUXD_STATE_TALLY_H
#define MUXD_STATE_TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_WORKERS 256              /* authors that fit the word */
#define TALLY_MARK    ((1U << 24) - 1) /* not a count: see tally_swap() */
#define TALLY_MAX     (TALLY_MARK - 1) /* highest count */

/* A lock inside the C library would not reach other processes. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
    "atomics of 32 and 64 bits must be lock-free");

struct tally {
	_Atomic uint64_t word;
};

/* The intent of one author, in shared memory.  Offsets count from base of
 * the author, so that every process can follow them. */
struct tally_op {
	_Atomic uint32_t active;
	_Atomic uint32_t seq; /* of the change under way, or the last one */
	_Atomic uint64_t tally_offset;
	_Atomic uint64_t holder_offset;
	_Atomic uint32_t holder_before;
	_Atomic uint32_t holder_after;
};

/* What one author writes.  Zeroed memory is a fresh one; a successor goes on
 * with its predecessor's. */
struct tally_place {
	_Alignas(64) struct tally_op op;
	/* Of each other author, the newest seq whose signature this one has
	 * replaced while it might be needed. */
	_Alignas(64) _Atomic uint32_t helped[TALLY_WORKERS];
};

/* One process's right to change tallies: the shared memory as the process
 * has mapped it, and which of the places in it is its own. */
struct tally_author {
	unsigned char *base;
	size_t size;
	unsigned char *places; /* struct tally_place of author 0 */
	size_t stride;         /* bytes from one author's place to the next */
	unsigned authors;      /* how many there are */
	unsigned worker;       /* this one: 0 … authors - 1 */
};

/* The count in a word, or TALLY_MARK, and who wrote the word. */
static inline uint32_t
tally_word_count(uint64_t word)
{
	return (uint32_t)(word >> 40);
}

static inline unsigned
tally_word_worker(uint64_t word)
{
	return (unsigned)(word >> 32) & 0xff;
}

/* The count, as of some moment between call and return; 0 for a mark. */
uint32_t tally_read(const struct tally *tally);

/*
 * Add n to the tally if it stays <= max, and set *holder to after: both
 * happen or neither does, whenever the process is killed.  holder lies in
 * the shared memory and is written by this author alone.  Returns false,
 * with nothing changed, when the tally is full.
 */
bool tally_take(const struct tally_author *author, struct tally *tally,
    uint32_t n, uint32_t max, _Atomic uint32_t *holder, uint32_t after);

/* Subtract n, which the author holds, and set *holder to after, in the same
 * all-or-nothing way.  Whatever the memory says, no count falls below 0 and a
 * mark stays: the master does this on behalf of workers that may have gone
 * mad. */
void tally_give(const struct tally_author *author, struct tally *tally,
    uint32_t n, _Atomic uint32_t *holder, uint32_t after);

/*
 * One attempt to replace the word seen, which the caller has read from the
 * tally, by one with the given count, and to set *holder to after: both or
 * neither.  Since no word ever comes back, success proves that nobody has
 * changed the tally in between.  TALLY_MARK as count makes the tally one from
 * which nothing can be taken until its author swaps the mark out again.
 * holder may be NULL.
 */
bool tally_swap(const struct tally_author *author, struct tally *tally,
    uint64_t seen, uint32_t count, _Atomic uint32_t *holder, uint32_t after);

/*
 * Finish or undo what the author, whose process must have ended, had under
 * way, so that its holders tell the truth.  Other authors may be at work.
 * The caller can change tallies in the dead author's name afterwards.
 */
void tally_recover(const struct tally_author *dead);

#endif
