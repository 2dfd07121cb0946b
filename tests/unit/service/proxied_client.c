/*
 * Clients with PROXY headers.
 */
#include "proxied_client.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_format.h"

void
proxied_send(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

int
proxied_connect(struct fixture *f, const void *data, size_t len)
{
	int fd = fixture_connect(&f->services, 0, "127.0.0.1");

	if (len > 0)
		proxied_send(fd, data, len);
	return fd;
}

int
proxied_connect_as(struct fixture *f, const char *address)
{
	char header[128];
	int len = snprintf(header, sizeof(header),
	    "PROXY TCP4 %s 192.0.2.254 1000 7\r\n", address);

	return proxied_connect(f, header, (size_t)len);
}

void
assert_echo(struct fixture *f, int fd, const void *data, size_t len)
{
	char buf[4096];
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = fixture_read(f, fd, buf + got, sizeof(buf) - got);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_int_equal(got, len);
	assert_memory_equal(buf, data, len);
	assert_true(is_waiting(f, fd));
}

bool
is_served(struct fixture *f, int fd)
{
	char byte = 'x';

	if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
		return false;
	return fixture_read(f, fd, &byte, 1) == 1 && byte == 'x';
}

bool
is_waiting(struct fixture *f, int fd)
{
	char byte;

	fixture_settle(f);
	return recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

void
assert_refused(struct fixture *f, int fd, enum reason reason)
{
	uint64_t begun = sessions(f), before;

	before = fixture_ended(f, reason);
	assert_int_equal(fixture_read_end(f, fd), ECONNRESET);
	(void)close(fd);
	fixture_settle(f);
	assert_int_equal(sessions(f), begun);
	/* The reset may have been on its way already. */
	assert_in_range(fixture_ended(f, reason), before, before + 1);
	assert_true(fixture_ended(f, reason) > 0);
}

uint32_t
connections(const struct fixture *f)
{
	return tally_read(&f->state->total->tally);
}

uint64_t
sessions(const struct fixture *f)
{
	return state_sum_events(f->state, f->slots[0], COUNTER_SESSIONS);
}

void
assert_client(const struct fixture *f, const char *client)
{
	char text[ADDR_STRLEN];

	assert_string_equal(
	    addr_format(&fixture_session(f)->entry->client, text, sizeof(text)),
	    client);
}

/* The line of the record with that message among those in data, or NULL. */
static const char *
line_of(const unsigned char *data, size_t len, const char *message)
{
	static char line[LOG_LINE_MAX];
	struct log_view view;
	size_t n;

	while ((n = log_view_next(data, len, &view)) > 0) {
		if (strcmp(view.message, message) == 0) {
			(void)log_format_line(&view, LOG_FORMAT_LOGFMT, line);
			return line;
		}
		data += n;
		len -= n;
	}
	return NULL;
}

const char *
record_line(struct fixture *f, const char *message)
{
	unsigned char data[65536];
	const char *line = NULL;
	ssize_t n;

	while (line == NULL) {
		fixture_settle(f);
		log_flush(&f->log);
		n = recv(f->log_fd, data, sizeof(data), MSG_DONTWAIT);
		if (n > 0)
			line = line_of(data, (size_t)n, message);
		else
			assert_int_equal(errno, EAGAIN);
	}
	return line;
}
