/*
 * Where there is no splice(2): nobody gets a pipe, so nothing else here is
 * ever called with one.
 */
#include <stddef.h>

#include "net/splice.h"

void
pipes_init(struct pipes *pipes)
{
	*pipes = (struct pipes){ .free = NULL };
}

void
pipes_close(struct pipes *pipes)
{
	(void)pipes;
}

struct pipe *
pipes_lease(struct pipes *pipes)
{
	(void)pipes;
	return NULL;
}

void
pipes_return(struct pipes *pipes, struct pipe *pipe)
{
	(void)pipes;
	(void)pipe;
}

enum pipe_verdict
pipe_move(struct pipe *pipe, struct stream *from, struct stream *to,
    size_t step, size_t budget, struct pipe_moved *moved)
{
	(void)pipe;
	(void)from;
	(void)to;
	(void)step;
	(void)budget;
	*moved = (struct pipe_moved){ 0 };
	return PIPE_UNFIT;
}

size_t
pipe_take(struct pipe *pipe, void *buf, size_t size)
{
	(void)pipe;
	(void)buf;
	(void)size;
	return 0;
}
