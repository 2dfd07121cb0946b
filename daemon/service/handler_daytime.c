/*
 * daytime, RFC 867: the date and time as text, then the connection ends.
 *
 * The RFC leaves the text open; this is the one that inetd and xinetd send,
 * "21 NOV 2026 06:20:06 UTC", in the local time zone, ended by CR LF.
 */
#include "service/handler.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* In English whatever the locale. */
static const char *const month_names[] = { "JAN", "FEB", "MAR", "APR", "MAY",
	"JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC" };

enum { DAYTIME_SIZE = 64 };

static size_t
daytime_answer(char out[DAYTIME_SIZE])
{
	time_t now = (time_t)(clock_wall_us() / 1000000);
	struct tm tm;
	int n;

	if (localtime_r(&now, &tm) == NULL)
		return 0;
	n = snprintf(out, DAYTIME_SIZE, "%02d %s %d %02d:%02d:%02d %.8s\r\n",
	    tm.tm_mday, month_names[tm.tm_mon % 12], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_zone);
	return n < 0 ? 0 : (size_t)n;
}

/* Read the time zone's file while there is access to files. */
static int
daytime_setup(struct service *service)
{
	(void)service;
	tzset();
	return 0;
}

static void
daytime_open(struct session *session)
{
	char answer[DAYTIME_SIZE];

	session_write(session, answer, daytime_answer(answer));
	session_finish(session, REASON_SERVED);
}

/* A request shorter than the answer gets none: see service/datagrams.h. */
static void
daytime_datagram(struct service *service, struct dgram_message *message)
{
	(void)service;
	message->reply_len = daytime_answer((char *)message->reply);
}

const struct handler handler_daytime = {
	.kind = HANDLER_DAYTIME,
	.setup = daytime_setup,
	.open = daytime_open,
	.datagram = daytime_datagram,
};
