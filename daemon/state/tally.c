/*
 * Recoverable counting, as tally.h describes it.  Every line here may be the
 * last one that a process executes; what matters is the order in which the
 * stores become visible, so each store to shared memory is a release and each
 * compare-and-swap sequentially consistent.  No lock, no system call, and no
 * loop that does not end as soon as the others make progress.
 */
#include "state/tally.h"

static uint64_t
word_make(uint32_t count, unsigned worker, uint32_t seq)
{
	return (uint64_t)count << 40 | (uint64_t)worker << 32 | seq;
}

static struct tally_place *
place_of(const struct tally_author *author, unsigned worker)
{
	return (void *)(author->places + worker * author->stride);
}

static uint64_t
offset_of(const struct tally_author *author, const void *p)
{
	return (uint64_t)((const unsigned char *)p - author->base);
}

/* The aligned object of size bytes at that offset, or NULL: a dead worker's
 * memory is not trusted. */
static void *
at_offset(const struct tally_author *author, uint64_t offset, size_t size)
{
	if (offset > author->size - size || offset % size != 0)
		return NULL;
	return author->base + offset;
}

static void
store32(_Atomic uint32_t *cell, uint32_t value)
{
	atomic_store_explicit(cell, value, memory_order_release);
}

static void
store64(_Atomic uint64_t *cell, uint64_t value)
{
	atomic_store_explicit(cell, value, memory_order_release);
}

/*
 * Keep the evidence of the change whose signature is about to be replaced,
 * if its author may not have finished it.  An author that is no longer at
 * this seq when we look never will be again; one that is at it now and goes
 * on before we store gets a note that nobody reads.
 */
static void
note_change(const struct tally_author *author, uint64_t word)
{
	unsigned other = tally_word_worker(word);
	uint32_t seq = (uint32_t)word;

	if (other == author->worker || other >= author->authors)
		return;
	if (atomic_load(&place_of(author, other)->op.seq) == seq)
		store32(&place_of(author, author->worker)->helped[other], seq);
}

/* Begin the author's next change: it gets a number that no other change of
 * the author had, never 0, which fresh memory bears. */
static uint32_t
op_number(struct tally_op *op)
{
	uint32_t seq = atomic_load_explicit(&op->seq, memory_order_relaxed) + 1;

	if (seq == 0)
		seq = 1;
	store32(&op->seq, seq);
	return seq;
}

static void
op_intend(struct tally_op *op, const struct tally_author *author,
    const struct tally *tally, const _Atomic uint32_t *holder, uint32_t after)
{
	store64(&op->tally_offset, offset_of(author, tally));
	store64(&op->holder_offset, offset_of(author, holder));
	store32(&op->holder_before,
	    atomic_load_explicit(holder, memory_order_relaxed));
	store32(&op->holder_after, after);
	store32(&op->active, 1);
}

uint32_t
tally_read(const struct tally *tally)
{
	uint32_t count = tally_word_count(atomic_load(&tally->word));

	return count == TALLY_MARK ? 0 : count;
}

bool
tally_swap(const struct tally_author *author, struct tally *tally,
    uint64_t seen, uint32_t count, _Atomic uint32_t *holder, uint32_t after)
{
	struct tally_op *op = &place_of(author, author->worker)->op;
	uint32_t seq = op_number(op);
	bool done;

	if (holder != NULL)
		op_intend(op, author, tally, holder, after);
	note_change(author, seen);
	done = atomic_compare_exchange_strong(
	    &tally->word, &seen, word_make(count, author->worker, seq));
	if (holder != NULL) {
		if (done)
			store32(holder, after);
		store32(&op->active, 0);
	}
	return done;
}

bool
tally_take(const struct tally_author *author, struct tally *tally, uint32_t n,
    uint32_t max, _Atomic uint32_t *holder, uint32_t after)
{
	uint64_t seen, count;

	if (max > TALLY_MAX)
		max = TALLY_MAX;
	do {
		seen = atomic_load(&tally->word);
		count = (uint64_t)tally_word_count(seen) + n;
		if (count > max)
			return false;
	} while (
	    !tally_swap(author, tally, seen, (uint32_t)count, holder, after));
	return true;
}

void
tally_give(const struct tally_author *author, struct tally *tally, uint32_t n,
    _Atomic uint32_t *holder, uint32_t after)
{
	uint64_t seen;
	uint32_t count;

	do {
		seen = atomic_load(&tally->word);
		count = tally_word_count(seen);
		/* Nobody holds anything of it, whatever the author says. */
		if (count == TALLY_MARK) {
			store32(holder, after);
			return;
		}
		count = count > n ? count - n : 0;
	} while (!tally_swap(author, tally, seen, count, holder, after));
}

/*
 * Whether the change took effect.  The word comes first: whoever replaced
 * the signature before we read the word had left a note before that.
 */
static bool
op_happened(
    const struct tally_author *dead, const struct tally *tally, uint32_t seq)
{
	uint64_t word = atomic_load(&tally->word);

	if (tally_word_worker(word) == dead->worker && (uint32_t)word == seq)
		return true;
	for (unsigned i = 0; i < dead->authors; i++) {
		if (i != dead->worker &&
		    atomic_load(&place_of(dead, i)->helped[dead->worker]) ==
			seq)
			return true;
	}
	return false;
}

void
tally_recover(const struct tally_author *dead)
{
	struct tally_op *op = &place_of(dead, dead->worker)->op;
	_Atomic uint32_t *holder;
	struct tally *tally;

	if (atomic_load(&op->active) == 0)
		return;
	tally = at_offset(dead, atomic_load(&op->tally_offset), sizeof(*tally));
	holder =
	    at_offset(dead, atomic_load(&op->holder_offset), sizeof(*holder));
	if (tally != NULL && holder != NULL)
		store32(holder,
		    op_happened(dead, tally, atomic_load(&op->seq))
			? atomic_load(&op->holder_after)
			: atomic_load(&op->holder_before));
	store32(&op->active, 0);
}
