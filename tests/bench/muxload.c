/*
 * muxload, a load client: thousands of sockets in one process, over TCP, UDP
 * and UNIX sockets, each answer checked.  See muxload(1), and load_run.h for
 * how it goes.
 */
#include <sys/resource.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "load_lines.h"
#include "load_options.h"
#include "load_report.h"
#include "load_run.h"
#include "load_tcp.h"
#include "load_udp.h"

enum { STATUS_GOOD, STATUS_FAILED, STATUS_USAGE };

/* Descriptors beside those of connections. */
enum { SPARE_DESCRIPTORS = 16 };

static int
complain(const char *what)
{
	fprintf(stderr, "muxload: %s: %s\n", what, strerror(errno));
	return STATUS_USAGE;
}

/* Let the process open as many descriptors as it may at all. */
static int
raise_descriptors(const struct load_options *options)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return complain("RLIMIT_NOFILE");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		return complain("RLIMIT_NOFILE");
	if (limit.rlim_cur != RLIM_INFINITY &&
	    limit.rlim_cur < (rlim_t)options->connections + SPARE_DESCRIPTORS) {
		fprintf(stderr,
		    "muxload: %u connections need more descriptors than this"
		    " process may have, which is %ju\n",
		    options->connections, (uintmax_t)limit.rlim_cur);
		return STATUS_USAGE;
	}
	return STATUS_GOOD;
}

/* Whether the processes are there, before work has begun. */
static int
try_meter(const struct load_options *options)
{
	struct load_meter meter = options->meter;
	pid_t pid;

	if (load_meter_begin(&meter, &pid) != -1)
		return STATUS_GOOD;
	fprintf(
	    stderr, "muxload: process %ld: %s\n", (long)pid, strerror(errno));
	return STATUS_USAGE;
}

static int
measure(const struct load_options *options)
{
	struct load_progress progress;
	static struct load_run run;
	int status;

	if (load_run_open(&run, options,
		options->udp ? &load_driver_udp : &load_driver_tcp) == -1)
		return complain("set-up");
	load_progress_open(&progress, &run);
	if (load_run_go(&run) == -1)
		status = complain("event loop");
	else
		status = STATUS_GOOD;
	load_progress_close(&progress);
	load_report_print(&run);
	if (status == STATUS_GOOD && !load_report_is_good(&run))
		status = STATUS_FAILED;
	if (options->histogram != NULL &&
	    load_report_write_histogram(&run) == -1)
		status = complain(options->histogram);
	load_run_close(&run);
	return status;
}

static int
lines(const struct load_options *options)
{
	bool good;

	if (load_lines_run(options, &good) == -1)
		return complain("set-up");
	return good ? STATUS_GOOD : STATUS_FAILED;
}

int
main(int argc, char **argv)
{
	struct load_options options;
	char why[256];
	int status = STATUS_GOOD;

	switch (load_options_parse(&options, argc, argv, why, sizeof(why))) {
	case LOAD_OPTIONS_RUN:
		break;
	case LOAD_OPTIONS_HELP:
		fputs(load_options_usage, stdout);
		goto done;
	case LOAD_OPTIONS_BAD:
		fprintf(stderr, "muxload: %s; see muxload --help\n", why);
		status = STATUS_USAGE;
		goto done;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	status = raise_descriptors(&options);
	if (status == STATUS_GOOD)
		status = try_meter(&options);
	if (status == STATUS_GOOD)
		status = options.lines ? lines(&options) : measure(&options);
done:
	load_options_free(&options);
	return status;
}
