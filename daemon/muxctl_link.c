/*
 * muxctl's connection to muxd: lines of JSON.
 */
#include "muxctl_link.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "base/str.h"
#include "proc/request.h"

/* More than muxd sends in one line. */
#define LINK_LINE_MAX (16 << 20)

int
link_open(struct link *link, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int error;

	memset(link, 0, sizeof(*link));
	link->fd = -1;
	if (compat_strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	link->fd = compat_socket(AF_UNIX, SOCK_STREAM, 0);
	if (link->fd == -1)
		return -1;
	if (connect(link->fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return 0;
	error = errno;
	link_close(link);
	errno = error;
	return -1;
}

void
link_close(struct link *link)
{
	if (link->fd != -1)
		(void)close(link->fd);
	mem_free(link->data);
	memset(link, 0, sizeof(*link));
	link->fd = -1;
}

static int
link_wait(const struct link *link, short events, int timeout_ms)
{
	struct pollfd pfd = { .fd = link->fd, .events = events };
	int n = poll(&pfd, 1, timeout_ms);

	if (n == 0)
		errno = timeout_ms == 0 ? EAGAIN : ETIMEDOUT;
	return n > 0 ? 0 : -1;
}

static int
link_send(struct link *link, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(link->fd, data, len, MSG_NOSIGNAL);
		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		/* Who turns us away has said why, and closed. */
		if (errno == EPIPE || errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		if (errno == EAGAIN &&
		    link_wait(link, POLLOUT, LINK_PATIENCE_MS) == -1)
			return -1;
	}
	return 0;
}

int
link_ask(struct link *link, const char *const *words, size_t n)
{
	struct strbuf line = { 0 };
	char *text;
	int result;

	request_write(&line, words, n);
	text = strbuf_steal(&line);
	if (text == NULL)
		return -1;
	result = link_send(link, text, strlen(text));
	mem_free(text);
	return result;
}

static int
link_make_room(struct link *link)
{
	size_t size = link->size == 0 ? 16384 : link->size * 2;
	char *data;

	if (link->len < link->size)
		return 0;
	if (size > LINK_LINE_MAX) {
		errno = EPROTO;
		return -1;
	}
	data = mem_zalloc(size);
	if (data == NULL)
		return -1;
	if (link->len > 0)
		memcpy(data, link->data, link->len);
	mem_free(link->data);
	link->data = data;
	link->size = size;
	return 0;
}

/* Take more of what muxd has sent. */
static int
link_receive(struct link *link, int timeout_ms)
{
	ssize_t n;

	if (link_make_room(link) == -1 ||
	    link_wait(link, POLLIN, timeout_ms) == -1)
		return -1;
	n = recv(link->fd, link->data + link->len, link->size - link->len, 0);
	if (n > 0) {
		link->len += (size_t)n;
		return 0;
	}
	if (n == 0)
		errno = ECONNRESET;
	return -1;
}

json_t *
link_read(struct link *link, int timeout_ms)
{
	char *end = NULL;
	size_t looked = 0, len;
	json_t *line;

	for (;;) {
		if (link->len > looked)
			end = memchr(
			    link->data + looked, '\n', link->len - looked);
		if (end != NULL)
			break;
		looked = link->len;
		if (link_receive(link, timeout_ms) == -1)
			return NULL;
	}
	len = (size_t)(end - link->data);
	line = json_loadb(link->data, len, 0, NULL);
	link->len -= len + 1;
	memmove(link->data, end + 1, link->len);
	if (line == NULL)
		errno = EPROTO;
	return line;
}

bool
link_is_last(const json_t *line)
{
	return json_object_get(line, "ok") != NULL;
}

bool
link_is_ok(const json_t *line)
{
	return json_is_true(json_object_get(line, "ok"));
}

json_t *
link_query(struct link *link, const char *const *words, size_t n)
{
	json_t *line;

	if (link_ask(link, words, n) == -1)
		return NULL;
	while ((line = link_read(link, LINK_PATIENCE_MS)) != NULL) {
		if (link_is_last(line))
			return line;
		json_decref(line);
	}
	return NULL;
}
