/*
 * What the files said, before it means anything: settings as text, with the
 * file and line of each.  It lives as long as the configuration made of it,
 * since the dump tells origins.
 */
#ifndef MUXD_CONF_SOURCE_H
#define MUXD_CONF_SOURCE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "conf/options.h"

struct conf_file {
	char *name; /* as errors call it */
	dev_t dev;  /* 0 with ino 0: a text in memory */
	ino_t ino;
	const char *parent; /* the file that includes it, or NULL */
	int line;           /* where */
	unsigned depth;     /* how many files lie above it */
};

/* One value: an option's, or one element of a list. */
struct conf_setting {
	const struct conf_option *option;
	char *text;
	const char *file;
	int line;
	bool bad;      /* it became no value */
	bool implied;  /* it was a default, where its text was dumped */
	size_t first;  /* the elements of the list that it became */
	size_t number; /* their number; a range such as "*:7" gives two */
};

struct conf_opening {
	enum conf_section_id section;
	const char *file;
	int line;
};

/* One set of options: the global ones, or those of one section that has a
 * title. */
struct conf_scope {
	enum conf_section_id section;
	size_t parent; /* the scope around it; the global one is its own */
	char *title;   /* NULL: global */
	const char *file;
	int line;
	bool repeated;   /* another has the same title */
	bool incomplete; /* something in it was left out, or not read at all */
	void *base;      /* the struct made of it, such as a conf_service */
	size_t index;    /* which one of its parent's it is */
	struct conf_setting *settings;
	size_t nsettings;
	struct conf_opening *sections;
	size_t nsections;
};

struct conf_source {
	struct conf_file **files; /* in the order in which they were read */
	size_t nfiles;
	struct conf_scope *scopes; /* the global one, then as they came: each
				      behind the one around it */
	size_t nscopes;
};

struct conf_source *conf_source_new(void);
void conf_source_free(struct conf_source *source);

/* Add a file that is yet to be read; a name for which there is one already
 * is added again.  NULL without memory. */
struct conf_file *conf_source_add_file(
    struct conf_source *source, const char *name);

/* Begin the scope of a section with a title, inside the scope parent.  NULL
 * without memory. */
struct conf_scope *conf_source_add_scope(struct conf_source *source,
    enum conf_section_id section, size_t parent, const char *title);

/* The scope of what base is, which was made of one. */
const struct conf_scope *conf_source_scope(
    const struct conf_source *source, const void *base);

/* The first setting of the option, or NULL. */
const struct conf_setting *conf_scope_find(
    const struct conf_scope *scope, const struct conf_option *option);

/* Where the section was opened, or NULL. */
const struct conf_opening *conf_scope_opening(
    const struct conf_scope *scope, enum conf_section_id section);

/* The setting that an element of a list came from, or NULL. */
const struct conf_setting *conf_scope_element(const struct conf_scope *scope,
    const struct conf_option *option, size_t element);

#endif
