/*
 * The options and sections of the configuration language: one row each, from
 * which the parser, the defaults, the bounds, the dump and the check of the
 * manual derive.  To add an option is to add a row and a member.
 */
#ifndef MUXD_CONF_OPTIONS_H
#define MUXD_CONF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

struct conf_type; /* conf/values.h */

#define CONF_TITLE_MAX 63 /* bytes of the name of a service, pool or server */

enum conf_section_id {
	SECTION_GLOBAL,
	SECTION_LOG,
	SECTION_LIMITS,
	SECTION_DEFAULTS,
	SECTION_RESOLVER,
	SECTION_STATUS,
	SECTION_SERVICE,
	SECTION_SERVICE_LIMIT,
	SECTION_SERVICE_SOCKET,
	SECTION_SERVICE_ECHO,
	SECTION_SERVICE_HTTP,
	SECTION_POOL,
	SECTION_POOL_SERVER,
	SECTION_POOL_CHECK,
	SECTION_POOL_SOCKET,
	SECTION_POOL_UDP,
	SECTION_COUNT
};

struct conf_section {
	const char *path; /* "service.limit" */
	enum conf_section_id parent;
	bool titled;  /* stands once for each title, not once */
	bool handler; /* its name is the handler's it belongs to */
};

/* By enum conf_section_id. */
extern const struct conf_section conf_sections[SECTION_COUNT];

/* The last part of its path: the name it has inside its parent. */
const char *conf_section_name(enum conf_section_id section);

/* The section of that name inside parent, or -1. */
int conf_section_find(enum conf_section_id parent, const char *name);

/*
 * The section whose scope its options belong to: itself if it has a title,
 * or else the one around it that has, or the global one.  That section also
 * says what struct the values land in: conf, conf_service, conf_pool or
 * conf_server.
 */
enum conf_section_id conf_section_scope(enum conf_section_id section);

struct conf_option {
	enum conf_section_id section;
	const char *name;
	const struct conf_type *type;
	const char *fallback; /* the default; NULL: none, or inherited */
	enum conf_applies applies;

	/* Where the value lands, in the struct of its scope; for what has a
	 * length, count is where that lands. */
	size_t offset;
	size_t size;
	size_t count;

	/* Bounds: of the number, of the bytes of a text, of the elements of
	 * a list.  zero: 0 is allowed besides, and zero_word is how it is
	 * written if not as a number. */
	uint64_t min;
	uint64_t max;
	bool zero;
	const char *zero_word;

	/* The words it may be, by value; NULL behind the last. */
	const char *(*word)(unsigned value);

	/* A further check of a text: what is wrong with it, or NULL. */
	const char *(*check)(const char *text);

	enum conf_section_id inherits; /* takes its default from there */
	unsigned transports;           /* has an effect on these; 0: all */
	unsigned checks; /* is for these types of check, 1 << type; 0: all */
	bool required;
	const char *replaces; /* gives the value of that option of its section;
				 the dump writes it there */
};

/* The rows, ordered by section. */
extern const struct conf_option conf_options[];
extern const size_t conf_noptions;

/* The option of that name in the section, or NULL. */
const struct conf_option *conf_option_find(
    enum conf_section_id section, const char *name);

/* The same for a name that is in the table for certain: one that stands in
 * the program. */
const struct conf_option *conf_option_get(
    enum conf_section_id section, const char *name);

#endif
