/*
 * splice(2) between two sockets.
 *
 * The pipe is emptied before more is put into it, so that EAGAIN from the
 * source can only mean that the source is empty, and EAGAIN from the target
 * that the target is full.
 *
 * A reset or a FIN of the target while bytes are on their way gives EPIPE
 * and, since splice(2) knows no MSG_NOSIGNAL, SIGPIPE: the process must
 * ignore that one.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "net/splice.h"

#define PIPE_SIZE    (512 * 1024)
#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK)

void
pipes_init(struct pipes *pipes)
{
	*pipes = (struct pipes){ .free = NULL };
}

static void
pipe_free(struct pipe *pipe)
{
	close(pipe->fds[0]);
	close(pipe->fds[1]);
	mem_free(pipe);
}

void
pipes_close(struct pipes *pipes)
{
	struct pipe *pipe;

	while ((pipe = pipes->free) != NULL) {
		pipes->free = pipe->next;
		pipe_free(pipe);
	}
	pipes_init(pipes);
}

static struct pipe *
pipe_new(void)
{
	struct pipe *pipe = mem_zalloc(sizeof(*pipe));

	if (pipe == NULL)
		return NULL;
	if (compat_pipe(pipe->fds) == -1) {
		mem_free(pipe);
		return NULL;
	}
	/* The more it holds, the fewer calls; where the system grants less
	 * (pipe(7), pipe-user-pages-soft), it works as it is. */
	(void)fcntl(pipe->fds[0], F_SETPIPE_SZ, PIPE_SIZE);
	return pipe;
}

struct pipe *
pipes_lease(struct pipes *pipes)
{
	struct pipe *pipe = pipes->free;

	if (pipe != NULL) {
		pipes->free = pipe->next;
		pipes->nfree--;
		return pipe;
	}
	if (pipes->n >= PIPES_MAX || (pipe = pipe_new()) == NULL)
		return NULL;
	pipes->n++;
	return pipe;
}

void
pipes_return(struct pipes *pipes, struct pipe *pipe)
{
	if (pipe->len > 0 || pipes->nfree >= PIPES_KEEP) {
		pipes->n--;
		pipe_free(pipe);
		return;
	}
	pipe->next = pipes->free;
	pipes->free = pipe;
	pipes->nfree++;
}

static ssize_t
splice_retry(int from, int to, size_t len)
{
	ssize_t n;

	do {
		n = splice(from, NULL, to, NULL, len, SPLICE_FLAGS);
	} while (n == -1 && errno == EINTR);
	return n;
}

/* Whether the error says that splice(2) is not for these sockets. */
static bool
is_unfit(int error)
{
	return error == EINVAL || error == ENOSYS || error == EPERM ||
	    error == EOPNOTSUPP;
}

/* Empty the pipe into the target. */
static enum pipe_verdict
pipe_write(struct pipe *pipe, struct stream *to, struct pipe_moved *moved)
{
	ssize_t n;

	while (pipe->len > 0) {
		n = splice_retry(pipe->fds[0], to->io.fd, pipe->len);
		if (n == -1 && errno == EAGAIN) {
			io_drained(&to->io, IO_WRITE);
			return PIPE_FULL;
		}
		if (n == -1) {
			moved->error = errno;
			return is_unfit(errno) ? PIPE_UNFIT : PIPE_BROKEN;
		}
		pipe->len -= (size_t)n;
		moved->out += (size_t)n;
	}
	return PIPE_MOVED;
}

/* splice(2) does not get past urgent data, and says EAGAIN before it.  Whether
 * there is input to peek at would not tell: it may have come since. */
static bool
is_at_mark(const struct stream *stream)
{
	int mark = 0;

	return ioctl(stream->io.fd, SIOCATMARK, &mark) != -1 && mark != 0;
}

/* Fill the empty pipe from the source. */
static enum pipe_verdict
pipe_read(struct pipe *pipe, struct stream *from, size_t step,
    struct pipe_moved *moved, bool *drained)
{
	ssize_t n = splice_retry(from->io.fd, pipe->fds[1], step);

	if (n == -1 && errno == EAGAIN) {
		if ((moved->in == 0 || from->io.eof) && is_at_mark(from))
			return PIPE_UNFIT;
		io_drained(&from->io, IO_READ);
		*drained = true;
		return PIPE_MOVED;
	}
	if (n == -1) {
		moved->error = errno;
		return is_unfit(errno) ? PIPE_UNFIT : PIPE_FAILED;
	}
	if (n == 0)
		return PIPE_ENDED;
	pipe->len = (size_t)n;
	moved->in += (size_t)n;
	return PIPE_MOVED;
}

enum pipe_verdict
pipe_move(struct pipe *pipe, struct stream *from, struct stream *to,
    size_t step, size_t budget, struct pipe_moved *moved)
{
	enum pipe_verdict verdict;
	bool drained = false;

	*moved = (struct pipe_moved){ 0 };
	for (;;) {
		verdict = pipe_write(pipe, to, moved);
		if (verdict != PIPE_MOVED || drained || from == NULL ||
		    moved->in >= budget)
			break;
		verdict = pipe_read(pipe, from, step, moved, &drained);
		if (verdict != PIPE_MOVED)
			break;
	}
	return verdict;
}

size_t
pipe_take(struct pipe *pipe, void *buf, size_t size)
{
	ssize_t n;

	if (pipe->len == 0)
		return 0;
	do {
		n = read(
		    pipe->fds[0], buf, size < pipe->len ? size : pipe->len);
	} while (n == -1 && errno == EINTR);
	if (n <= 0)
		return 0;
	pipe->len -= (size_t)n;
	return (size_t)n;
}
