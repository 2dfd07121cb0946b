/*
 * Bulk: a direction whose reads come full again and again is spliced through
 * a leased pipe, until it turns small again.
 *
 *            BULK_READS full reads              BULK_SMALL small moves
 *   copied ─────────────────────────► spliced ────────────────────────► copied
 *                                        └──── cannot be spliced ─────► for good
 *
 * The pipe is leased for one call, and kept beyond it only while the target
 * takes no more; then the source is paused.  So a direction that is silent
 * has none, and a FIN is seen only when the pipe is empty.
 *
 * No byte is lost on the way back: the first step of a direction is as long
 * as the worker's buffer, so if it turns out there that the target cannot be
 * spliced to, what is in the pipe can be read out and written as usual.
 */
#include "base/mem.h"
#include "service/relay.h"

#define BULK_READS 4
#define BULK_SMALL 16 /* moves in a row that tell that it is over */
#define BULK_MOVE  ((size_t)16 * 1024) /* a smaller move is small */

/* More than a pipe can hold: it takes what fits. */
#define BULK_STEP   ((size_t)1024 * 1024)
#define BULK_BUDGET ((size_t)512 * 1024)

struct relay_bulk {
	struct pipe *held[2]; /* with bytes that wait for the target */
	uint8_t small[2];     /* moves in a row */
	bool proven[2];       /* spliced to the target before */
	bool unfit[2];        /* cannot be spliced */
};

static struct services *
bulk_services(const struct relay *relay)
{
	return relay->session->door->service->set;
}

static void
bulk_begin(struct relay *relay, enum relay_direction direction)
{
	/* The session has yet to look at the client's first bytes. */
	if (direction == TO_SERVER && relay->session->guarded)
		return;
	if (relay->bulk == NULL)
		relay->bulk = mem_zalloc(sizeof(*relay->bulk));
	if (relay->bulk == NULL || relay->bulk->unfit[direction])
		return;
	relay->bulk->small[direction] = 0;
	stream_read_raw(relay_source(relay, direction), true);
}

static void
bulk_end(struct relay *relay, enum relay_direction direction)
{
	relay->full_reads[direction] = 0;
	stream_read_raw(relay_source(relay, direction), false);
}

void
relay_bulk_note(struct relay *relay, enum relay_direction direction)
{
	if (++relay->full_reads[direction] < BULK_READS)
		return;
	relay->full_reads[direction] = 0;
	if (relay->picked->pool->conf->splice == SPLICE_OFF ||
	    relay->session->over ||
	    !stream_is_flushed(relay_target(relay, direction)))
		return;
	bulk_begin(relay, direction);
}

void
relay_bulk_always(struct relay *relay)
{
	bulk_begin(relay, TO_SERVER);
	bulk_begin(relay, TO_CLIENT);
}

static void
bulk_count(struct relay *relay, enum relay_direction direction,
    const struct pipe_moved *moved)
{
	if (moved->in > 0 || moved->out > 0)
		stream_moved(&relay->session->client);
	if (direction == TO_SERVER && moved->in > 0)
		session_count_in(relay->session, moved->in);
	if (direction == TO_CLIENT && moved->out > 0)
		session_count_out(relay->session, moved->out);
}

/* These two cannot be spliced: from now on bytes are copied, beginning with
 * those in the pipe. */
static void
bulk_unfit(
    struct relay *relay, enum relay_direction direction, struct pipe *pipe)
{
	struct stream *to = relay_target(relay, direction);
	struct net *net = to->net;
	size_t n;

	relay->bulk->unfit[direction] = true;
	bulk_end(relay, direction);
	while ((n = pipe_take(pipe, net->scratch, NET_SCRATCH_SIZE)) > 0) {
		if (direction == TO_CLIENT)
			session_write(relay->session, net->scratch, n);
		else
			(void)stream_write(to, net->scratch, n);
	}
	if (stream_is_full(to))
		stream_pause(relay_source(relay, direction));
}

/* The target takes no more: keep the pipe, and go on when it does. */
static void
bulk_wait(
    struct relay *relay, enum relay_direction direction, struct pipe *pipe)
{
	relay->bulk->held[direction] = pipe;
	relay->bulk->proven[direction] = true;
	relay->bulk->small[direction] = 0;
	stream_pause(relay_source(relay, direction));
	stream_produce(relay_target(relay, direction), true);
}

/* All there was has been moved. */
static void
bulk_moved(struct relay *relay, enum relay_direction direction, size_t n)
{
	struct relay_bulk *bulk = relay->bulk;

	bulk->proven[direction] = bulk->proven[direction] || n > 0;
	if (n >= BULK_MOVE)
		bulk->small[direction] = 0;
	else if (relay->picked->pool->conf->splice != SPLICE_ON &&
	    ++bulk->small[direction] >= BULK_SMALL)
		bulk_end(relay, direction);
}

static void
bulk_move(struct relay *relay, enum relay_direction direction,
    struct pipe *pipe, struct stream *from)
{
	struct stream *to = relay_target(relay, direction);
	struct pipes *pipes = &bulk_services(relay)->pipes;
	size_t step =
	    relay->bulk->proven[direction] ? BULK_STEP : NET_SCRATCH_SIZE;
	struct pipe_moved moved;
	enum pipe_verdict verdict;

	relay->bulk->held[direction] = NULL;
	verdict = pipe_move(pipe, from, to, step, BULK_BUDGET, &moved);
	bulk_count(relay, direction, &moved);
	if (verdict == PIPE_FULL) {
		bulk_wait(relay, direction, pipe);
		return;
	}
	if (verdict == PIPE_UNFIT)
		bulk_unfit(relay, direction, pipe);
	pipes_return(pipes, pipe);
	switch (verdict) {
	case PIPE_MOVED:
		bulk_moved(relay, direction,
		    moved.in > moved.out ? moved.in : moved.out);
		break;
	case PIPE_ENDED:
		stream_ended(from);
		relay_half_close(relay, direction);
		break;
	case PIPE_FAILED:
		stream_broken(from, moved.error);
		break;
	case PIPE_BROKEN:
		stream_broken(to, moved.error);
		break;
	default:
		break;
	}
}

void
relay_bulk_readable(struct relay *relay, enum relay_direction direction)
{
	struct services *set = bulk_services(relay);
	struct pipe *pipe = NULL;

	/* What waits in the target's queue must go first.  And what may have to
	 * be copied after all has its memory ensured. */
	if (stream_is_flushed(relay_target(relay, direction)) &&
	    bufpool_ready(&set->net.pool))
		pipe = pipes_lease(&set->pipes);
	/* Nothing was read: the loop comes again, and then it is copied. */
	if (pipe == NULL)
		bulk_end(relay, direction);
	else
		bulk_move(
		    relay, direction, pipe, relay_source(relay, direction));
}

bool
relay_bulk_writable(struct relay *relay, enum relay_direction direction)
{
	struct pipe *pipe;

	if (!relay->joined || relay->bulk == NULL ||
	    relay->bulk->held[direction] == NULL)
		return false;
	pipe = relay->bulk->held[direction];
	stream_produce(relay_target(relay, direction), false);
	bulk_move(relay, direction, pipe, NULL);
	if (relay->bulk != NULL && relay->bulk->held[direction] == NULL &&
	    !stream_is_full(relay_target(relay, direction)))
		stream_resume(relay_source(relay, direction));
	return true;
}

void
relay_bulk_over(struct relay *relay, bool lost[2])
{
	struct pipes *pipes = &bulk_services(relay)->pipes;
	int i;

	lost[TO_SERVER] = lost[TO_CLIENT] = false;
	if (relay->bulk == NULL)
		return;
	for (i = 0; i < 2; i++) {
		if (relay->bulk->held[i] == NULL)
			continue;
		lost[i] = relay->bulk->held[i]->len > 0;
		pipes_return(pipes, relay->bulk->held[i]);
	}
	mem_free(relay->bulk);
	relay->bulk = NULL;
}
