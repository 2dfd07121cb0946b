/*
 * The table of commands.  To add one: a row here, its function in
 * control_commands.c (or muxctl.c, if it is local), its entry in muxctl(8).
 */
#include "proc/commands.h"

#include <stdarg.h>
#include <stdio.h>

const struct command command_table[] = {
	{ COMMAND_STATUS, "status", { 0 }, 0, 0, false,
	    "the daemon as a whole" },
	{ COMMAND_SHOW_SERVICES, "show services", { 0 }, 0, OPTION_BY_WORKER,
	    false, "services, their sessions and counters" },
	{ COMMAND_SHOW_POOLS, "show pools", { 0 }, 0, OPTION_BY_WORKER, false,
	    "pools, and how many of their servers are usable" },
	{ COMMAND_SHOW_SERVERS, "show servers", { 0 }, 0, OPTION_BY_WORKER,
	    false, "servers, their health and counters" },
	{ COMMAND_SHOW_SESSIONS, "show sessions", { 0 }, 0, OPTION_SOURCE,
	    false, "live sessions, or those of a prefix" },
	{ COMMAND_SHOW_SOURCES, "show sources", { 0 }, 0, 0, false,
	    "the clients that hold the most connections" },
	{ COMMAND_SHOW_LIMITS, "show limits", { 0 }, 0, 0, false,
	    "limits, and how full they are" },
	{ COMMAND_SHOW_WORKERS, "show workers", { 0 }, 0, 0, false,
	    "worker processes and their balance" },
	{ COMMAND_SHOW_ERRORS, "show errors", { 0 }, 0, OPTION_BY_WORKER, false,
	    "what went wrong: bad ends, refusals, failed connects" },
	{ COMMAND_SHOW_BANS, "show bans", { 0 }, 0, 0, false,
	    "prefixes that are banned" },
	{ COMMAND_SHOW_CONFIG, "show config", { 0 }, 0, 0, false,
	    "the configuration in force" },
	{ COMMAND_TRY, "explain --try", { ARGUMENT_CLIENT, ARGUMENT_SERVICE },
	    2, 0, false, "what would happen to a client now" },
	{ COMMAND_EXPLAIN, "explain", { ARGUMENT_PREFIX }, 1, OPTION_LAST,
	    false, "how the last sessions of a client went, and ended" },
	{ COMMAND_TOP, "top", { 0 }, 0, 0, true,
	    "services and servers, once a second" },
	{ COMMAND_EVENTS, "events", { 0 }, 0, 0, false,
	    "what happens, as it happens" },
	{ COMMAND_METRICS, "metrics", { 0 }, 0, 0, false,
	    "all counters in the text format of Prometheus" },
	{ COMMAND_DRAIN, "drain", { ARGUMENT_SERVER }, 0, OPTION_REFUSE, false,
	    "no new sessions for a server, or for muxd" },
	{ COMMAND_DISABLE, "disable", { ARGUMENT_SERVER }, 1, 0, false,
	    "no new sessions and no health checks for a server" },
	{ COMMAND_ENABLE, "enable", { ARGUMENT_SERVER }, 0, 0, false,
	    "new sessions for a server, or for muxd, again" },
	{ COMMAND_SET_WEIGHT, "set weight",
	    { ARGUMENT_SERVER, ARGUMENT_NUMBER }, 2, 0, false,
	    "change the weight of a server" },
	{ COMMAND_SET_MAX_CONNECTIONS, "set max-connections",
	    { ARGUMENT_SERVER, ARGUMENT_NUMBER }, 2, 0, false,
	    "change how many sessions a server may have; 0: no bound" },
	{ COMMAND_KILL, "kill", { ARGUMENT_SESSION }, 0, OPTION_SOURCE, false,
	    "end a session, or all of a prefix" },
	{ COMMAND_BAN, "ban", { ARGUMENT_PREFIX }, 1, OPTION_FOR, false,
	    "refuse new clients of a prefix" },
	{ COMMAND_UNBAN, "unban", { ARGUMENT_PREFIX }, 1, 0, false,
	    "take a ban back" },
	{ COMMAND_DIFF, "diff", { 0 }, 0, 0, false,
	    "what a reload would change" },
	{ COMMAND_RELOAD, "reload", { 0 }, 0, 0, false,
	    "put what the files say in force, or say what is wrong" },
	{ COMMAND_UPGRADE, "upgrade", { 0 }, 0, 0, false,
	    "have the program on the disk take over, or say what is wrong" },
	{ COMMAND_WAIT_DRAINED, "wait drained", { ARGUMENT_SERVER }, 0,
	    OPTION_FOR, false, "wait until a server, or all, has no session" },
	{ COMMAND_STOP, "stop", { 0 }, 0, 0, false,
	    "drain and stop the daemon; twice: at once" },
	{ COMMAND_HELP, "help", { 0 }, 0, 0, true, "this list" },
};

_Static_assert(sizeof(command_table) / sizeof(command_table[0]) == COMMANDS,
    "one row for each command");

const struct command_option command_options[] = {
	{ OPTION_BY_WORKER, "--by-worker", NULL },
	{ OPTION_FOR, "--for", "DURATION" },
	{ OPTION_SOURCE, "--source", "PREFIX" },
	{ OPTION_LAST, "--last", "N" },
	{ OPTION_REFUSE, "--refuse", NULL },
};

_Static_assert(
    sizeof(command_options) / sizeof(command_options[0]) == COMMAND_OPTIONS,
    "COMMAND_OPTIONS rows");

const char *
argument_name(enum argument argument)
{
	static const char *const names[] = {
		[ARGUMENT_NONE] = "",
		[ARGUMENT_SERVER] = "POOL/SERVER",
		[ARGUMENT_NUMBER] = "N",
		[ARGUMENT_SESSION] = "SESSION",
		[ARGUMENT_PREFIX] = "PREFIX",
		[ARGUMENT_CLIENT] = "src=ADDRESS",
		[ARGUMENT_SERVICE] = "service=NAME",
	};

	if ((size_t)argument >= sizeof(names) / sizeof(names[0]))
		return "";
	return names[argument];
}

static void __attribute__((format(printf, 4, 5)))
usage_add(char *buf, size_t n, size_t *len, const char *fmt, ...)
{
	va_list ap;
	int written;

	va_start(ap, fmt);
	written = vsnprintf(buf + *len, n - *len, fmt, ap);
	va_end(ap);
	if (written > 0)
		*len +=
		    (size_t)written < n - *len ? (size_t)written : n - *len - 1;
}

const char *
command_usage(const struct command *command, char *buf, size_t n)
{
	const struct command_option *option;
	size_t len = 0, i;
	bool needed;

	usage_add(buf, n, &len, "%s", command->name);
	for (i = 0;
	     i < COMMAND_ARGUMENTS && command->arguments[i] != ARGUMENT_NONE;
	     i++) {
		needed = i < command->required;
		usage_add(buf, n, &len, " %s%s%s", needed ? "" : "[",
		    argument_name(command->arguments[i]), needed ? "" : "]");
	}
	for (i = 0; i < COMMAND_OPTIONS; i++) {
		option = &command_options[i];
		if ((command->options & option->bit) != 0)
			usage_add(buf, n, &len, " [%s%s%s]", option->name,
			    option->value != NULL ? " " : "",
			    option->value != NULL ? option->value : "");
	}
	return buf;
}
