/*
 * See capture.h.  Lines are never moved or freed before the end, so that
 * pointers to them may leave the lock.
 */
#include "capture.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct capture {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char **lines;
	size_t nlines;
	size_t room;
	char *partial; /* of the last, unfinished line */
	size_t partial_len;
	bool ended;
	int fd;
};

static void *
must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static void
capture_add_line(struct capture *capture)
{
	if (capture->nlines == capture->room) {
		capture->room = capture->room * 2 + 64;
		capture->lines = must(realloc(
		    capture->lines, capture->room * sizeof(capture->lines[0])));
	}
	capture->partial =
	    must(realloc(capture->partial, capture->partial_len + 1));
	capture->partial[capture->partial_len] = '\0';
	capture->lines[capture->nlines++] = capture->partial;
	capture->partial = NULL;
	capture->partial_len = 0;
}

static void
capture_take(struct capture *capture, const char *data, size_t len)
{
	size_t part;
	const char *end;

	while (len > 0) {
		end = memchr(data, '\n', len);
		part = end == NULL ? len : (size_t)(end - data);
		capture->partial = must(
		    realloc(capture->partial, capture->partial_len + part + 1));
		memcpy(capture->partial + capture->partial_len, data, part);
		capture->partial_len += part;
		if (end == NULL)
			return;
		capture_add_line(capture);
		data += part + 1;
		len -= part + 1;
	}
}

static void *
capture_run(void *arg)
{
	struct capture *capture = arg;
	char buf[65536];
	ssize_t n;

	do {
		n = read(capture->fd, buf, sizeof(buf));
		if (n == -1 && errno == EINTR)
			continue;
		pthread_mutex_lock(&capture->lock);
		if (n > 0)
			capture_take(capture, buf, (size_t)n);
		else if (capture->partial_len > 0)
			capture_add_line(capture);
		if (n <= 0)
			capture->ended = true;
		pthread_cond_broadcast(&capture->changed);
		pthread_mutex_unlock(&capture->lock);
	} while (n > 0 || (n == -1 && errno == EINTR));
	return NULL;
}

struct capture *
capture_open(int fd)
{
	struct capture *capture = must(calloc(1, sizeof(*capture)));
	pthread_condattr_t attributes;

	capture->fd = fd;
	if (pthread_condattr_init(&attributes) != 0 ||
	    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
	    pthread_mutex_init(&capture->lock, NULL) != 0 ||
	    pthread_cond_init(&capture->changed, &attributes) != 0 ||
	    pthread_create(&capture->thread, NULL, capture_run, capture) != 0) {
		free(capture);
		abort();
	}
	pthread_condattr_destroy(&attributes);
	return capture;
}

void
capture_close(struct capture *capture)
{
	size_t i;

	pthread_join(capture->thread, NULL);
	pthread_cond_destroy(&capture->changed);
	pthread_mutex_destroy(&capture->lock);
	close(capture->fd);
	for (i = 0; i < capture->nlines; i++)
		free(capture->lines[i]);
	free(capture->lines);
	free(capture->partial);
	free(capture);
}

bool
capture_line_has(const char *line, const char *token)
{
	size_t len = strlen(token);
	bool open = len > 0 && token[len - 1] == '*';
	const char *at;

	if (open)
		len--;
	if (open && *token == '*')
		return memmem(line, strlen(line), token + 1, len - 1) != NULL;
	for (at = line; *at != '\0'; at++)
		if ((at == line || at[-1] == ' ') &&
		    strncmp(at, token, len) == 0 &&
		    (open || at[len] == '\0' || at[len] == ' '))
			return true;
	return false;
}

static bool
line_fits(const char *line, const char *const *tokens)
{
	for (; *tokens != NULL; tokens++)
		if (!capture_line_has(line, *tokens))
			return false;
	return true;
}

static void
deadline_after(struct timespec *deadline, int timeout_ms)
{
	clock_gettime(CLOCK_MONOTONIC, deadline);
	deadline->tv_sec += timeout_ms / 1000;
	deadline->tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (deadline->tv_nsec >= 1000000000) {
		deadline->tv_sec++;
		deadline->tv_nsec -= 1000000000;
	}
}

const char *
capture_wait(struct capture *capture, size_t from, size_t n,
    const char *const *tokens, int timeout_ms)
{
	struct timespec deadline;
	const char *found = NULL;
	size_t at = from, fit = 0;
	int error = 0;

	deadline_after(&deadline, timeout_ms);
	pthread_mutex_lock(&capture->lock);
	for (;;) {
		for (; found == NULL && at < capture->nlines; at++)
			if (line_fits(capture->lines[at], tokens) && ++fit == n)
				found = capture->lines[at];
		if (found != NULL || capture->ended || error != 0)
			break;
		error = pthread_cond_timedwait(
		    &capture->changed, &capture->lock, &deadline);
	}
	pthread_mutex_unlock(&capture->lock);
	return found;
}

size_t
capture_count(struct capture *capture, size_t from, const char *const *tokens)
{
	size_t at, fit = 0;

	pthread_mutex_lock(&capture->lock);
	for (at = from; at < capture->nlines; at++)
		if (line_fits(capture->lines[at], tokens))
			fit++;
	pthread_mutex_unlock(&capture->lock);
	return fit;
}

size_t
capture_lines(struct capture *capture)
{
	size_t n;

	pthread_mutex_lock(&capture->lock);
	n = capture->nlines;
	pthread_mutex_unlock(&capture->lock);
	return n;
}

const char *
capture_line(struct capture *capture, size_t at)
{
	const char *line;

	pthread_mutex_lock(&capture->lock);
	line = at < capture->nlines ? capture->lines[at] : NULL;
	pthread_mutex_unlock(&capture->lock);
	return line;
}

bool
capture_wait_end(struct capture *capture, int timeout_ms)
{
	struct timespec deadline;
	bool ended;
	int error = 0;

	deadline_after(&deadline, timeout_ms);
	pthread_mutex_lock(&capture->lock);
	while (!capture->ended && error == 0)
		error = pthread_cond_timedwait(
		    &capture->changed, &capture->lock, &deadline);
	ended = capture->ended;
	pthread_mutex_unlock(&capture->lock);
	return ended;
}
