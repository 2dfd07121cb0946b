/*
 * Tables for people, out of what muxd tells in JSON.
 */
#ifndef MUXD_MUXCTL_TABLE_H
#define MUXD_MUXCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "proc/commands.h"

/* What a cell is made of. */
enum cell {
	CELL_TEXT,    /* as it is; numbers as they are */
	CELL_BYTES,   /* 1.4M */
	CELL_COUNT,   /* 12.3k */
	CELL_MAX,     /* a number; 0 and nothing: none, "-" */
	CELL_MS,      /* 3m20s */
	CELL_AGE,     /* since so many microseconds of the wall clock */
	CELL_PERCENT, /* of 1 */
	CELL_LIST,    /* texts, with blanks in between */
	CELL_LENGTH,  /* of an array */
	CELL_USABLE,  /* how many of an array of servers are usable */
	CELL_SERVER,  /* POOL/SERVER of the row; the path does not matter */
	CELL_OWNER,   /* of a limit */
	CELL_LIMIT,   /* a number of it, in its own unit; none: "-" */
	CELL_PLACE    /* FILE:LINE of the row */
};

struct column {
	const char *title;
	const char *path; /* "limits.connections.max", "places.0.weight" */
	enum cell cell;
};

struct table {
	const struct column *columns;
	size_t ncolumns;
};

/* The table of a command that shows rows, and the path of these in the
 * answer ("" if they are its items); NULL if it has none.  nth: it may have
 * several. */
const struct table *table_of(enum command_id id, size_t nth, const char **rows);

/* Write the rows, each of them followed by those of its workers if it has any;
 * at most max lines of at most width characters (0: no bound). */
void table_write(FILE *out, const struct table *table, const json_t *rows,
    size_t max, size_t width);

/* A number for people into buf, of which TABLE_CELL_MAX suffice. */
#define TABLE_CELL_MAX 256
const char *format_count(double value, char *buf);
const char *format_bytes(double value, char *buf);
const char *format_ms(double ms, char *buf);

/* What is at a path; NULL if nothing is. */
const json_t *json_at(const json_t *value, const char *path);

#endif
