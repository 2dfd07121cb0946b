/*
 * Asking the status page: see status.h.
 */
#include "status.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "records.h"

/* A reload does not change it, so records from before one count too. */
const char *
status_address(struct muxd *muxd)
{
	size_t mark = muxd->mark;
	const char *address;

	muxd->mark = 0;
	address =
	    log_field(muxd_wait_log(muxd, "msg=\"status page\""), "address");
	muxd->mark = mark;
	return address;
}

void
status_wait_healthy(struct muxd *muxd)
{
	int64_t end = test_now_ms() + test_deadline_ms();

	while (status_get(muxd, "/healthz", NULL) != 200) {
		if (test_now_ms() > end)
			test_fail("muxd never becomes healthy");
		(void)poll(NULL, 0, 20);
	}
}

char *
status_exchange(struct muxd *muxd, const char *request)
{
	int fd = client_connect(status_address(muxd));
	char *answer;
	size_t len;

	client_send_text(fd, request);
	answer = client_read_all(fd, &len);
	client_close(fd);
	return answer;
}

unsigned
status_get(struct muxd *muxd, const char *path, char **body)
{
	char *answer = status_exchange(muxd,
	    test_format("GET %s HTTP/1.1\r\nHost: localhost\r\n"
			"Connection: close\r\n\r\n",
		path));
	char *end = strstr(answer, "\r\n\r\n");
	unsigned code;

	if (end == NULL || sscanf(answer, "HTTP/1.1 %3u ", &code) != 1)
		test_fail("no answer to %s: %s", path, answer);
	if (body != NULL)
		*body = end + 4;
	return code;
}

double
status_metric(struct muxd *muxd, const char *name)
{
	const char *found;
	char *body;

	assert_int_equal(status_get(muxd, "/metrics", &body), 200);
	found = strstr(body, test_format("\n%s ", name));
	if (found == NULL)
		test_fail("there is no metric %s:\n%s", name, body);
	return strtod(found + strlen(name) + 2, NULL);
}

void
status_wait_metric(struct muxd *muxd, const char *name, double value)
{
	int64_t end = test_now_ms() + test_deadline_ms();

	while (status_metric(muxd, name) != value) {
		if (test_now_ms() > end)
			test_fail("%s never becomes %g", name, value);
		(void)poll(NULL, 0, 20);
	}
}
