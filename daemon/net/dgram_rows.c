/*
 * Rows of datagrams: see dgram_rows.h.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "net/dgram_rows.h"
#include "net/dgram_segment.h"

/* What one message may have: the kernel takes 64 datagrams, and no more bytes
 * than one datagram may have. */
#define ROW_DATAGRAMS 64
#define ROW_BYTES     65000

/* Batches after which it is tried again what was refused. */
#define ROWS_PAUSE 4096

static_assert(DGRAM_BATCH <= ROW_DATAGRAMS, "a batch can be one row");

void
dgram_rows_init(struct dgram_rows *rows)
{
	memset(rows, 0, sizeof(*rows));
	rows->works = dgram_segment_works();
	rows->size_max = SIZE_MAX;
}

static size_t
slot_size(const struct dgram_slot *slot)
{
	size_t i, size = 0;

	for (i = 0; i < slot->msg.msg_iovlen; i++)
		size += slot->msg.msg_iov[i].iov_len;
	return size;
}

static bool
slots_are_neighbours(const struct dgram_slot *a, const struct dgram_slot *b)
{
	return a->msg.msg_name == b->msg.msg_name &&
	    a->msg.msg_control == b->msg.msg_control &&
	    a->msg.msg_iov + a->msg.msg_iovlen == b->msg.msg_iov;
}

/* How many of the slots, the first included, make a row; their size goes to
 * *size.  All but the last must be of one size. */
static size_t
row_length(const struct dgram_rows *rows, const struct dgram_slot *slots,
    size_t n, size_t *size)
{
	size_t i, next, bytes;

	*size = bytes = slot_size(&slots[0]);
	if (bytes == 0 || bytes > rows->size_max)
		return 1;
	for (i = 1; i < n && slots_are_neighbours(&slots[i - 1], &slots[i]);
	     i++) {
		next = slot_size(&slots[i]);
		bytes += next;
		if (next == 0 || next > *size || bytes > ROW_BYTES)
			break;
		if (next < *size)
			return i + 1;
	}
	return i;
}

/* Make messages of the slots; their number. */
static size_t
rows_make(struct dgram_rows *rows, const struct dgram_slot *slots, size_t n)
{
	size_t i, j, length, size, made = 0;
	struct msghdr *msg;

	for (i = 0; i < n; i += length) {
		length = row_length(rows, slots + i, n - i, &size);
		msg = &rows->slots[made].msg;
		*msg = slots[i].msg;
		for (j = i + 1; j < i + length; j++)
			msg->msg_iovlen += slots[j].msg.msg_iovlen;
		if (length > 1)
			dgram_segment_write(
			    msg, &rows->rooms[made], (uint16_t)size);
		rows->counts[made++] = (uint8_t)length;
	}
	return made;
}

/* A row was refused, for a reason that lies in rows. */
static void
rows_refused(struct dgram_rows *rows, const struct dgram_slot *first, int error)
{
	rows->size_max =
	    error == EINVAL || error == EMSGSIZE ? slot_size(first) - 1 : 0;
	rows->pause = ROWS_PAUSE;
}

static bool
is_rows_error(int error)
{
	return error == EINVAL || error == EMSGSIZE || error == EIO ||
	    error == EOPNOTSUPP;
}

void
dgram_rows_send(struct dgram_rows *rows, int fd, struct dgram_slot *slots,
    size_t n, struct dgram_sent *sent)
{
	size_t at = 0, done = 0, made;
	int taken;

	if (rows->pause > 0 && --rows->pause == 0)
		rows->size_max = SIZE_MAX;
	made = rows->works && n > 1 ? rows_make(rows, slots, n) : n;
	if (made == n) {
		dgram_send(fd, slots, n, sent);
		return;
	}
	while (at < made) {
		taken = dgram_io_send(fd, rows->slots + at, made - at);
		if (taken == -1) {
			if (errno == EAGAIN || errno == ENOBUFS)
				break;
			if (rows->counts[at] > 1 && is_rows_error(errno))
				rows_refused(rows, &slots[done], errno);
			else if (errno != EINTR)
				sent->error = errno;
			/* As if there were no rows; what keeps each of them
			 * from being sent is met again. */
			dgram_send(fd, slots + done, rows->counts[at], sent);
			done += rows->counts[at++];
			continue;
		}
		for (; taken > 0; taken--) {
			sent->n += rows->counts[at];
			sent->bytes += rows->slots[at].len;
			done += rows->counts[at++];
		}
	}
	sent->left += n - done;
}
