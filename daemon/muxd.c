/*
 * muxd: the command line.  It loads the configuration and either tells about
 * it (-t, -T) or becomes the master (proc/master.c).
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "event/loop.h"
#include "proc/detach.h"
#include "proc/inherit.h"
#include "proc/master.h"
#include "proc/program.h"
#include "proc/status_sockets.h"

enum command { COMMAND_RUN, COMMAND_CHECK, COMMAND_DUMP };

struct arguments {
	const char *conf_path;
	const char *event_backend; /* NULL: the configuration's */
	enum command command;
	bool detach;
	struct program program;
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "detach", no_argument, NULL, 'd' },
	{ "dump", no_argument, NULL, 'T' },
	{ "event-backend", required_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ "test", no_argument, NULL, 't' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void
print_usage(FILE *out)
{
	fputs("usage: muxd [-dTt] [-c file] [-e backend]\n"
	      "       muxd -h | -V\n"
	      "\n"
	      "  -c, --config file            configuration"
	      " (" MUXD_CONF_PATH ")\n"
	      "  -d, --detach                 detach once it serves\n"
	      "  -e, --event-backend backend  auto, epoll, kqueue,"
	      " epoll-level, poll, select\n"
	      "  -T, --dump                   check, and print the effective"
	      " configuration\n"
	      "  -t, --test                   check the configuration\n"
	      "  -V, --version                print the version\n"
	      "  -h, --help                   print this\n",
	    out);
}

/* Returns -1 to go on, else the exit status. */
static int
parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:de:hTtV", long_options, NULL)) !=
	    -1) {
		switch (c) {
		case 'c':
			arguments->conf_path = optarg;
			break;
		case 'd':
			arguments->detach = true;
			break;
		case 'e':
			arguments->event_backend = optarg;
			break;
		case 'T':
			arguments->command = COMMAND_DUMP;
			break;
		case 't':
			arguments->command = COMMAND_CHECK;
			break;
		case 'V':
			puts("muxd " PACKAGE_VERSION);
			return MUXD_EXIT_OK;
		case 'h':
			print_usage(stdout);
			return MUXD_EXIT_OK;
		default:
			print_usage(stderr);
			return MUXD_EXIT_INVALID;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "muxd: unexpected argument \"%s\"\n", argv[optind]);
	print_usage(stderr);
	return MUXD_EXIT_INVALID;
}

/* What the caller left blocked or ignored must not decide whether the daemon
 * hears its signals; and neither a log nor a socket that is gone ends it. */
static void
settle_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

/* A descriptor 0, 1 or 2 that is closed would be given to a socket, which
 * then gets whatever is printed. */
static int
hold_stdio(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd == -1)
			return -1;
	} while (fd <= STDERR_FILENO);
	return close(fd);
}

static int
dump(const struct conf *conf)
{
	if (conf_dump(conf, stdout, true) == 0 && fflush(stdout) == 0)
		return MUXD_EXIT_OK;
	fprintf(stderr, "muxd: cannot print the configuration: %s\n",
	    strerror(errno));
	return MUXD_EXIT_ENVIRONMENT;
}

/* Detached, there is no terminal to write the log to. */
static bool
may_detach(const struct conf *conf)
{
	if (conf->log.target != LOG_TARGET_STDERR || !isatty(STDERR_FILENO))
		return true;
	fputs("muxd: -d with log.target = \"stderr\" on a terminal: choose"
	      " another target\n",
	    stderr);
	return false;
}

static int
run_as(struct master_options *options, bool detach)
{
	int status;

	/* One that takes over is what the other one is. */
	if (!detach || options->handover != NULL)
		return master_run(options);
	if (!may_detach(options->conf))
		return MUXD_EXIT_INVALID;
	switch (detach_begin(&options->ready_fd, &status)) {
	case 0:
		return master_run(options);
	case 1:
		return status;
	default:
		fprintf(stderr, "muxd: cannot detach: %s\n", strerror(errno));
		return MUXD_EXIT_ENVIRONMENT;
	}
}

/* Take what was handed over, before a process that detaches would take it for
 * somebody else's. */
static int
run(const struct conf *conf, const struct arguments *arguments)
{
	struct inherit inherit;
	struct master_options options = {
		.conf = conf,
		.conf_path = arguments->conf_path,
		.event_backend = arguments->event_backend,
		.inherit = &inherit,
		.program = &arguments->program,
		.ready_fd = -1,
	};
	const char *broken;
	char *why;
	int status;

	options.handover = successor_find(&broken);
	if (broken != NULL) {
		fprintf(stderr, "muxd: what " HANDOVER_ENV " hands over: %s\n",
		    broken);
		return MUXD_EXIT_ENVIRONMENT;
	}
	if (inherit_read(&inherit, &why) == -1) {
		fprintf(stderr, "muxd: cannot take what was handed over: %s\n",
		    why != NULL ? why : strerror(ENOMEM));
		mem_free(why);
		return MUXD_EXIT_ENVIRONMENT;
	}
	status = run_as(&options, arguments->detach);
	inherit_close(&inherit);
	return status;
}

/* What the command line said to do with a valid configuration. */
static int
obey(const struct conf *conf, struct arguments *arguments)
{
	if (arguments->event_backend == NULL)
		arguments->event_backend = conf->event_backend;
	if (!loop_has_backend(arguments->event_backend)) {
		fprintf(stderr,
		    "muxd: this build has no event backend \"%s\"\n",
		    arguments->event_backend);
		return MUXD_EXIT_INVALID;
	}
	switch (arguments->command) {
	case COMMAND_CHECK:
		printf("%s is valid\n", arguments->conf_path);
		return MUXD_EXIT_OK;
	case COMMAND_DUMP:
		return dump(conf);
	case COMMAND_RUN:
	default:
		return run(conf, arguments);
	}
}

static int
load_and_obey(struct arguments *arguments)
{
	struct conf_errors errors = { 0 };
	struct conf *conf;
	int status;

	conf = conf_load(arguments->conf_path, &errors);
	if (conf != NULL && status_sockets_check(conf, &errors) == -1) {
		conf_free(conf);
		conf = NULL;
	}
	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	if (conf == NULL)
		return MUXD_EXIT_INVALID;
	status = obey(conf, arguments);
	conf_free(conf);
	return status;
}

int
main(int argc, char **argv, char **envp)
{
	struct arguments arguments = { .conf_path = MUXD_CONF_PATH };
	int status;

	settle_signals();
	if (hold_stdio() == -1)
		return MUXD_EXIT_ENVIRONMENT;
	compat_title_init(argc, argv, envp);
	/* What cannot be found cannot be upgraded; it runs nevertheless. */
	(void)program_remember(&arguments.program, argv);
	status = parse_arguments(argc, argv, &arguments);
	if (status == -1)
		status = load_and_obey(&arguments);
	program_forget(&arguments.program);
	return status;
}
