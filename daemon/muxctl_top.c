/*
 * muxctl top: services and servers with what they do in a second, drawn anew
 * once a second.  A muxd that is restarted is found again.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "muxctl.h"
#include "muxctl_table.h"
#include "muxctl_term.h"

#define TOP_PERIOD_MS 1000
#define TOP_ROWS_MAX  10000

#define SCREEN_ENTER  "\033[?1049h\033[?25l"
#define SCREEN_LEAVE  "\033[?25h\033[?1049l"
#define SCREEN_HOME   "\033[H"
#define LINE_END      "\033[K\n"
#define SCREEN_END    "\033[J"

enum top_sort { TOP_BY_FILE, TOP_BY_NOW, TOP_BY_RATE, TOP_BY_BYTES };

static const char *const sort_names[] = {
	[TOP_BY_FILE] = "the order of the configuration",
	[TOP_BY_NOW] = "sessions",
	[TOP_BY_RATE] = "new sessions",
	[TOP_BY_BYTES] = "bytes",
};

/* What a second has brought: a counter, and where its rate goes. */
struct top_rate {
	const char *counter;
	const char *rate;
};

struct top_kind {
	const char *key; /* of the answer */
	const char *words[2];
	struct top_rate rates[3]; /* new ones, bytes, bytes */
	struct table table;
};

static const struct column service_columns[] = {
	{ "SERVICE", "name", CELL_TEXT },
	{ "HANDLER", "handler", CELL_TEXT },
	{ "NOW", "connections", CELL_COUNT },
	{ "MAX", "limits.connections.max", CELL_MAX },
	{ "NEW/S", "new_rate", CELL_COUNT },
	{ "IN/S", "in_rate", CELL_BYTES },
	{ "OUT/S", "out_rate", CELL_BYTES },
	{ "SESSIONS", "sessions", CELL_COUNT },
};

static const struct column server_columns[] = {
	{ "SERVER", "", CELL_SERVER },
	{ "STATUS", "status", CELL_TEXT },
	{ "NOW", "connections", CELL_COUNT },
	{ "MAX", "places.0.connections.max", CELL_MAX },
	{ "NEW/S", "new_rate", CELL_COUNT },
	{ "TO/S", "in_rate", CELL_BYTES },
	{ "FROM/S", "out_rate", CELL_BYTES },
	{ "FAILED", "failed", CELL_COUNT },
};

#define COLUMNS(columns)                                        \
	{                                                       \
		columns, sizeof(columns) / sizeof((columns)[0]) \
	}

static const struct top_kind kinds[] = {
	{ "services", { "show", "services" },
	    { { "accepted", "new_rate" }, { "bytes_in", "in_rate" },
		{ "bytes_out", "out_rate" } },
	    COLUMNS(service_columns) },
	{ "servers", { "show", "servers" },
	    { { "sessions", "new_rate" }, { "bytes_to", "in_rate" },
		{ "bytes_from", "out_rate" } },
	    COLUMNS(server_columns) },
};

#define TOP_KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct top {
	struct muxctl *muxctl;
	enum top_sort sort;
	bool paused;
	json_t *status;
	json_t *now[TOP_KINDS]; /* arrays of rows, with their rates */
	uint64_t read_ms[TOP_KINDS];
};

/* ---- what there is to see ---- */

static bool
same_text(const json_t *a, const json_t *b, const char *key)
{
	const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);

	return x == NULL ? y == NULL : json_equal(x, y) != 0;
}

static const json_t *
row_before(const json_t *rows, const json_t *row)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)rows, i, one)
	{
		if (same_text(one, row, "name") && same_text(one, row, "pool"))
			return one;
	}
	return NULL;
}

static void
row_rate(
    json_t *row, const json_t *before, const struct top_rate *rate, uint64_t ms)
{
	double now = json_number_value(json_object_get(row, rate->counter));
	double was = json_number_value(json_object_get(before, rate->counter));
	double value = 0;

	/* Where it counts less than before, it has begun anew. */
	if (before != NULL && ms > 0 && now > was)
		value = (now - was) * 1000 / (double)ms;
	(void)json_object_set_new(row, rate->rate, json_real(value));
}

static void
rows_rate(const struct top_kind *kind, json_t *rows, const json_t *before,
    uint64_t ms)
{
	const json_t *was;
	json_t *row;
	size_t i, k;

	json_array_foreach(rows, i, row)
	{
		was = row_before(before, row);
		for (k = 0; k < 3; k++)
			row_rate(row, was, &kind->rates[k], ms);
	}
}

/* The part of an answer, of which this takes the reference. */
static json_t *
part_of(json_t *answer, const char *key)
{
	json_t *part = json_object_get(answer, key);

	json_incref(part);
	json_decref(answer);
	return part;
}

static int
top_read(struct top *top)
{
	static const char *const words[] = { "status" };
	struct link *link = &top->muxctl->link;
	json_t *rows, *status;
	uint64_t now;
	size_t i;

	status = part_of(link_query(link, words, 1), "status");
	if (status == NULL)
		return -1;
	json_decref(top->status);
	top->status = status;
	for (i = 0; i < TOP_KINDS; i++) {
		rows =
		    part_of(link_query(link, kinds[i].words, 2), kinds[i].key);
		if (rows == NULL)
			return -1;
		now = clock_mono_ms();
		rows_rate(&kinds[i], rows, top->now[i], now - top->read_ms[i]);
		json_decref(top->now[i]);
		top->now[i] = rows;
		top->read_ms[i] = now;
	}
	return 0;
}

static void
top_forget(struct top *top)
{
	size_t i;

	json_decref(top->status);
	top->status = NULL;
	for (i = 0; i < TOP_KINDS; i++) {
		json_decref(top->now[i]);
		top->now[i] = NULL;
	}
}

/* Read it all, over a new connection if need be; errno says why not. */
static int
top_refresh(struct top *top)
{
	struct link *link = &top->muxctl->link;
	int error;

	if (link->fd == -1 && link_open(link, top->muxctl->path) == -1)
		return -1;
	if (top_read(top) == 0)
		return 0;
	error = errno;
	link_close(link);
	top_forget(top);
	errno = error;
	return -1;
}

/* ---- order ---- */

static double
row_weight(const json_t *row, enum top_sort sort)
{
	switch (sort) {
	case TOP_BY_NOW:
		return json_number_value(json_object_get(row, "connections"));
	case TOP_BY_RATE:
		return json_number_value(json_object_get(row, "new_rate"));
	case TOP_BY_BYTES:
		return json_number_value(json_object_get(row, "in_rate")) +
		    json_number_value(json_object_get(row, "out_rate"));
	default:
		return 0;
	}
}

struct weighed {
	json_t *row;
	double weight;
	size_t place;
};

static int
compare_weighed(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	return x->place < y->place ? -1 : 1;
}

/* A new array of the same rows in the order wanted. */
static json_t *
rows_sorted(const json_t *rows, enum top_sort sort)
{
	size_t n = json_array_size(rows), i;
	struct weighed *weighed;
	json_t *sorted = json_array();

	if (n > TOP_ROWS_MAX)
		n = TOP_ROWS_MAX;
	weighed = calloc(n + 1, sizeof(*weighed));
	if (weighed == NULL)
		return sorted;
	for (i = 0; i < n; i++) {
		weighed[i].row = json_array_get(rows, i);
		weighed[i].weight = row_weight(weighed[i].row, sort);
		weighed[i].place = i;
	}
	qsort(weighed, n, sizeof(*weighed), compare_weighed);
	for (i = 0; i < n; i++)
		(void)json_array_append(sorted, weighed[i].row);
	free(weighed);
	return sorted;
}

/* ---- drawing ---- */

static void
draw_head(FILE *out, const struct top *top, const char *trouble)
{
	const json_t *status = top->status;
	char up[TABLE_CELL_MAX], memory[TABLE_CELL_MAX];

	if (status == NULL) {
		fprintf(out, "muxd at %s: %s\n\n", top->muxctl->path, trouble);
		return;
	}
	fprintf(out,
	    "muxd %s, %s, up %s: %" JSON_INTEGER_FORMAT
	    " sessions, %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	    " workers, %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	    " servers, %s queued%s\n\n",
	    json_string_value(json_at(status, "version")),
	    json_is_true(json_at(status, "healthy")) ? "healthy"
						     : "not healthy",
	    format_ms(json_number_value(json_at(status, "uptime_ms")), up),
	    json_integer_value(json_at(status, "sessions")),
	    json_integer_value(json_at(status, "workers.well")),
	    json_integer_value(json_at(status, "workers.configured")),
	    json_integer_value(json_at(status, "servers.usable")),
	    json_integer_value(json_at(status, "servers.configured")),
	    format_bytes(
		json_number_value(json_at(status, "memory.held")), memory),
	    top->paused ? ", paused" : "");
}

/* All of it as text, one line after the other. */
static char *
top_text(const struct top *top, const char *trouble)
{
	size_t lines, columns, i, room;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *rows;

	if (out == NULL)
		return NULL;
	term_size(&lines, &columns);
	draw_head(out, top, trouble);
	/* A head, a foot, and a blank line after each table. */
	room = lines > 8 ? (lines - 5) / TOP_KINDS : 2;
	for (i = 0; i < TOP_KINDS; i++) {
		if (json_array_size(top->now[i]) == 0)
			continue;
		rows = rows_sorted(top->now[i], top->sort);
		table_write(out, &kinds[i].table, rows, room - 1, columns);
		fputc('\n', out);
		json_decref(rows);
	}
	fprintf(out,
	    "by %s; f file, s sessions, n new, b bytes, p pause, q quit",
	    sort_names[top->sort]);
	if (fclose(out) == EOF) {
		free(text);
		return NULL;
	}
	return text;
}

static void
top_draw(const struct top *top, const char *trouble)
{
	char *text = top_text(top, trouble), *p;

	if (text == NULL)
		return;
	fputs(SCREEN_HOME, stdout);
	for (p = text; *p != '\0'; p++) {
		if (*p == '\n')
			fputs(LINE_END, stdout);
		else
			putchar(*p);
	}
	fputs("\033[K" SCREEN_END, stdout);
	(void)fflush(stdout);
	free(text);
}

/* ---- keys ---- */

/* False: it is over. */
static bool
top_key(struct top *top, char key)
{
	switch (key) {
	case 'q':
	case 'Q':
	case 3: /* Ctrl-C */
	case 4: /* Ctrl-D */
		return false;
	case 'f':
		top->sort = TOP_BY_FILE;
		break;
	case 's':
		top->sort = TOP_BY_NOW;
		break;
	case 'n':
		top->sort = TOP_BY_RATE;
		break;
	case 'b':
		top->sort = TOP_BY_BYTES;
		break;
	case 'p':
	case ' ':
		top->paused = !top->paused;
		break;
	default:
		break;
	}
	return true;
}

/* Wait for a key until then.  1: one was pressed; 0: the time is over; -1: it
 * is over. */
static int
top_wait(struct top *top, uint64_t until_ms)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now = clock_mono_ms();
	char key;
	ssize_t n;

	if (until_ms <= now)
		return 0;
	if (poll(&pfd, 1, (int)(until_ms - now)) <= 0)
		return 0;
	n = read(STDIN_FILENO, &key, 1);
	if (n == 0 || (n == -1 && errno != EINTR))
		return -1;
	return n == -1 || top_key(top, key) ? 1 : -1;
}

static void
top_run(struct top *top)
{
	const char *trouble = "";
	uint64_t next = 0;
	int event = 0;

	while (event != -1 && !term_is_told()) {
		if (clock_mono_ms() >= next) {
			if (!top->paused && top_refresh(top) == -1)
				trouble = strerror(errno);
			next = clock_mono_ms() + TOP_PERIOD_MS;
		}
		top_draw(top, trouble);
		event = top_wait(top, next);
	}
}

/* For programs: an object a second, until it is interrupted or muxd is gone. */
static int
top_print(struct top *top)
{
	json_t *line;

	while (top_refresh(top) == 0) {
		line = json_pack("{s:O,s:O,s:O}", "status", top->status,
		    kinds[0].key, top->now[0], kinds[1].key, top->now[1]);
		if (line == NULL ||
		    json_dumpf(line, stdout, JSON_COMPACT) == -1 ||
		    putchar('\n') == EOF || fflush(stdout) == EOF) {
			json_decref(line);
			return MUXCTL_REFUSED;
		}
		json_decref(line);
		(void)poll(NULL, 0, TOP_PERIOD_MS);
	}
	fprintf(stderr, "muxctl: %s\n", strerror(errno));
	return MUXCTL_REFUSED;
}

int
muxctl_top(struct muxctl *muxctl)
{
	struct top top = { .muxctl = muxctl, .sort = TOP_BY_FILE };
	struct term term;
	int status = muxctl_connect(muxctl, &muxctl->link);

	if (status != MUXCTL_OK)
		return status;
	if (muxctl->json) {
		status = top_print(&top);
		top_forget(&top);
		link_close(&muxctl->link);
		return status;
	}
	if (!isatty(STDOUT_FILENO) || term_enter(&term) == -1) {
		fputs("muxctl: top needs a terminal\n", stderr);
		link_close(&muxctl->link);
		return MUXCTL_USAGE;
	}
	fputs(SCREEN_ENTER, stdout);
	top_run(&top);
	fputs(SCREEN_LEAVE, stdout);
	(void)fflush(stdout);
	term_leave(&term);
	top_forget(&top);
	link_close(&muxctl->link);
	return MUXCTL_OK;
}
