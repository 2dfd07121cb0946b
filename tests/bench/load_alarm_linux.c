/*
 * The alarm as a timerfd, which no slack of the scheduler delays.
 */
#include <sys/timerfd.h>

#include <errno.h>
#include <unistd.h>

#include "load_alarm.h"

enum { NS_PER_S = 1000000000 };

static void
alarm_ring(struct io *io)
{
	struct load_alarm *alarm = container_of(io, struct load_alarm, io);
	uint64_t times;

	while (read(io->fd, &times, sizeof(times)) == -1 && errno == EINTR)
		continue;
	io_drained(io, IO_READ);
	alarm->at_ns = 0;
}

int
load_alarm_open(struct load_alarm *alarm, struct loop *loop)
{
	int fd;

	fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (fd == -1)
		return -1;
	alarm->loop = loop;
	alarm->at_ns = 0;
	io_init(&alarm->io, fd, alarm_ring, 0);
	if (io_add(loop, &alarm->io, IO_READ) == -1) {
		close(fd);
		return -1;
	}
	return 0;
}

void
load_alarm_set(struct load_alarm *alarm, uint64_t at_ns)
{
	struct itimerspec spec = { 0 };

	if (alarm->at_ns != 0 && alarm->at_ns <= at_ns)
		return;
	alarm->at_ns = at_ns;
	spec.it_value.tv_sec = (time_t)(at_ns / NS_PER_S);
	spec.it_value.tv_nsec = (long)(at_ns % NS_PER_S);
	/* Nothing but a bad time can make it fail. */
	(void)timerfd_settime(alarm->io.fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

void
load_alarm_close(struct load_alarm *alarm)
{
	io_close(&alarm->io);
}
