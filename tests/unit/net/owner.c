/*
 * See owner.h.
 */
#include "owner.h"

static struct owner *
owner_of(struct stream *stream)
{
	return container_of(stream, struct owner, stream);
}

static void
owner_tell(struct owner *owner, char event)
{
	assert_false(owner->stream.closed);
	if (owner->hook != NULL)
		owner->hook(owner, event);
}

static void
owner_data(struct stream *stream, const unsigned char *data, size_t len)
{
	struct owner *owner = owner_of(stream);
	size_t i;

	assert_true(len > 0);
	for (i = 0; i < len && owner->bytes + i < sizeof(owner->text); i++)
		owner->text[owner->bytes + i] = (char)data[i];
	owner->bytes += len;
	if (owner->echo)
		(void)stream_write(stream, data, len);
	if (owner->hold_at_full && stream_is_full(stream))
		stream_pause(stream);
	owner_tell(owner, 'd');
}

static void
owner_end(struct stream *stream)
{
	struct owner *owner = owner_of(stream);

	owner->ends++;
	if (owner->finish_at_end)
		stream_finish(stream);
	owner_tell(owner, 'e');
}

static void
owner_writable(struct stream *stream)
{
	struct owner *owner = owner_of(stream);

	owner->writables++;
	if (owner->hold_at_full && !stream_is_full(stream))
		stream_resume(stream);
	owner_tell(owner, 'w');
}

static void
owner_failed(struct stream *stream, int error)
{
	struct owner *owner = owner_of(stream);

	owner->failures++;
	owner->error = error;
	owner_tell(owner, 'f');
}

const struct stream_ops owner_ops = {
	.data = owner_data,
	.end = owner_end,
	.writable = owner_writable,
	.failed = owner_failed,
};

void
owner_open(struct owner *owner, struct fixture *f, int fd)
{
	assert_int_equal(stream_open(&owner->stream, &f->net, fd, &owner_ops,
			     NET_SCRATCH_SIZE),
	    0);
}
