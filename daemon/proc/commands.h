/*
 * What muxctl can say to muxd: one table for the daemon, the usage, the
 * completion and the manual, which a test holds against it.
 */
#ifndef MUXD_PROC_COMMANDS_H
#define MUXD_PROC_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

enum command_id {
	COMMAND_STATUS,
	COMMAND_SHOW_SERVICES,
	COMMAND_SHOW_POOLS,
	COMMAND_SHOW_SERVERS,
	COMMAND_SHOW_SESSIONS,
	COMMAND_SHOW_SOURCES,
	COMMAND_SHOW_LIMITS,
	COMMAND_SHOW_WORKERS,
	COMMAND_SHOW_ERRORS,
	COMMAND_SHOW_BANS,
	COMMAND_SHOW_CONFIG,
	COMMAND_TRY,
	COMMAND_EXPLAIN,
	COMMAND_TOP,
	COMMAND_EVENTS,
	COMMAND_METRICS,
	COMMAND_DRAIN,
	COMMAND_DISABLE,
	COMMAND_ENABLE,
	COMMAND_SET_WEIGHT,
	COMMAND_SET_MAX_CONNECTIONS,
	COMMAND_KILL,
	COMMAND_BAN,
	COMMAND_UNBAN,
	COMMAND_DIFF,
	COMMAND_RELOAD,
	COMMAND_UPGRADE,
	COMMAND_WAIT_DRAINED,
	COMMAND_STOP,
	COMMAND_HELP,
	COMMANDS
};

enum argument {
	ARGUMENT_NONE,
	ARGUMENT_SERVER,  /* POOL/SERVER */
	ARGUMENT_NUMBER,  /* N */
	ARGUMENT_SESSION, /* SESSION, as records have it */
	ARGUMENT_PREFIX,  /* PREFIX, as 192.0.2.0/24 */
	ARGUMENT_CLIENT,  /* src=ADDRESS */
	ARGUMENT_SERVICE  /* service=NAME */
};

#define COMMAND_ARGUMENTS 2

/* Bits: the options that a command takes. */
enum {
	OPTION_BY_WORKER = 1, /* --by-worker */
	OPTION_FOR = 2,       /* --for DURATION */
	OPTION_SOURCE = 4,    /* --source PREFIX */
	OPTION_LAST = 8,      /* --last N */
	OPTION_REFUSE = 16    /* --refuse */
};

struct command {
	enum command_id id;
	const char *name; /* its words: "show services" */
	enum argument arguments[COMMAND_ARGUMENTS];
	size_t required; /* how many of them must be there */
	unsigned options;
	bool local; /* muxctl's own affair */
	const char *help;
};

/* COMMANDS rows, in the order of the ids. */
extern const struct command command_table[];

struct command_option {
	unsigned bit;
	const char *name;  /* "--for" */
	const char *value; /* "DURATION", or NULL if it has none */
};

/* COMMAND_OPTIONS rows. */
#define COMMAND_OPTIONS 5
extern const struct command_option command_options[];

/* "POOL/SERVER"; "" for ARGUMENT_NONE. */
const char *argument_name(enum argument argument);

/* "set weight POOL/SERVER N" into buf; COMMAND_USAGE_MAX suffices.  Returns
 * buf. */
#define COMMAND_USAGE_MAX 128
const char *command_usage(const struct command *command, char *buf, size_t n);

#endif
