/*
 * Tables for people.
 */
#include "muxctl_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define COLUMNS_MAX 16

/* ---- numbers ---- */

static const char *
format_scaled(double value, double base, const char *units, char *buf)
{
	size_t i = 0;

	while (value >= base * 0.9995 && units[i + 1] != '\0') {
		value /= base;
		i++;
	}
	if (i == 0)
		(void)snprintf(buf, TABLE_CELL_MAX, "%.0f", value);
	else
		(void)snprintf(buf, TABLE_CELL_MAX, "%.*f%c",
		    value < 9.995       ? 2
			: value < 99.95 ? 1
					: 0,
		    value, units[i]);
	return buf;
}

const char *
format_count(double value, char *buf)
{
	if (value < 100000) {
		(void)snprintf(buf, TABLE_CELL_MAX, "%.0f", value);
		return buf;
	}
	return format_scaled(value, 1000, " kMGTP", buf);
}

const char *
format_bytes(double value, char *buf)
{
	return format_scaled(value, 1024, " KMGTP", buf);
}

const char *
format_ms(double ms, char *buf)
{
	uint64_t s = (uint64_t)(ms / 1000);

	if (ms < 1000)
		(void)snprintf(buf, TABLE_CELL_MAX, "%.0fms", ms);
	else if (s < 60)
		(void)snprintf(buf, TABLE_CELL_MAX, "%" PRIu64 "s", s);
	else if (s < 3600)
		(void)snprintf(buf, TABLE_CELL_MAX,
		    "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(buf, TABLE_CELL_MAX,
		    "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		(void)snprintf(buf, TABLE_CELL_MAX,
		    "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
	return buf;
}

/* ---- cells ---- */

const json_t *
json_at(const json_t *value, const char *path)
{
	char key[64];
	size_t len;

	while (value != NULL && *path != '\0') {
		len = strcspn(path, ".");
		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = '\0';
		value = json_is_array(value)
		    ? json_array_get(value, strtoul(key, NULL, 10))
		    : json_object_get(value, key);
		path += len + (path[len] == '.');
	}
	return value;
}

static const char *
text_at(const json_t *value, const char *path)
{
	const char *text = json_string_value(json_at(value, path));

	return text != NULL ? text : "-";
}

static void
cell_list(const json_t *array, char *buf)
{
	size_t i, len = 0;
	json_t *item;

	buf[0] = '\0';
	json_array_foreach((json_t *)(uintptr_t)array, i, item)
	{
		if (len < TABLE_CELL_MAX)
			len += (size_t)snprintf(buf + len, TABLE_CELL_MAX - len,
			    "%s%s", i > 0 ? " " : "", json_string_value(item));
	}
}

static void
cell_usable(const json_t *array, char *buf)
{
	size_t i, n = 0;
	json_t *item;

	json_array_foreach((json_t *)(uintptr_t)array, i, item) n +=
	    json_is_true(json_object_get(item, "usable"));
	(void)snprintf(
	    buf, TABLE_CELL_MAX, "%zu of %zu", n, json_array_size(array));
}

static void
cell_plain(const json_t *value, char *buf)
{
	if (json_is_string(value))
		(void)snprintf(
		    buf, TABLE_CELL_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value))
		(void)snprintf(buf, TABLE_CELL_MAX, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
	else if (json_is_boolean(value))
		(void)snprintf(buf, TABLE_CELL_MAX, "%s",
		    json_is_true(value) ? "yes" : "no");
	else
		(void)snprintf(buf, TABLE_CELL_MAX, "-");
}

/* Those that are made of more than one value. */
static void
cell_of_row(const json_t *row, enum cell cell, char *buf)
{
	const char *scope = text_at(row, "scope");

	if (cell == CELL_PLACE && json_at(row, "file") == NULL)
		(void)snprintf(buf, TABLE_CELL_MAX, "-");
	else if (cell == CELL_PLACE)
		(void)snprintf(buf, TABLE_CELL_MAX, "%s:%" JSON_INTEGER_FORMAT,
		    text_at(row, "file"),
		    json_integer_value(json_at(row, "line")));
	else if (cell == CELL_OWNER && strcmp(scope, "daemon") == 0)
		(void)snprintf(buf, TABLE_CELL_MAX, "%s", scope);
	else if (cell == CELL_OWNER)
		(void)snprintf(buf, TABLE_CELL_MAX, "%s %s%s%s", scope,
		    json_at(row, "pool") != NULL && strcmp(scope, "server") == 0
			? text_at(row, "pool")
			: "",
		    json_at(row, "pool") != NULL && strcmp(scope, "server") == 0
			? "/"
			: "",
		    text_at(row, scope));
	else
		(void)snprintf(buf, TABLE_CELL_MAX, "%s/%s",
		    text_at(row, "pool"),
		    json_at(row, "server") != NULL ? text_at(row, "server")
						   : text_at(row, "name"));
}

static void
cell_number(const json_t *value, enum cell cell, char *buf)
{
	double number = json_number_value(value);

	switch (cell) {
	case CELL_BYTES:
		(void)format_bytes(number, buf);
		break;
	case CELL_MS:
		(void)format_ms(number, buf);
		break;
	case CELL_AGE:
		number = ((double)clock_wall_us() - number) / 1000;
		(void)format_ms(number > 0 ? number : 0, buf);
		break;
	case CELL_PERCENT:
		(void)snprintf(buf, TABLE_CELL_MAX, "%.0f%%", number * 100);
		break;
	case CELL_MAX:
		if (number > 0)
			(void)format_count(number, buf);
		else
			(void)snprintf(buf, TABLE_CELL_MAX, "-");
		break;
	default:
		(void)format_count(number, buf);
	}
}

static void
cell_format(const json_t *row, const struct column *column, char *buf)
{
	const json_t *value = json_at(row, column->path);

	switch (column->cell) {
	case CELL_SERVER:
	case CELL_OWNER:
	case CELL_PLACE:
		cell_of_row(row, column->cell, buf);
		return;
	case CELL_LIMIT:
		if (!json_is_number(value))
			cell_plain(value, buf);
		else
			cell_number(value,
			    strcmp(text_at(row, "name"), "limits.memory") == 0
				? CELL_BYTES
				: CELL_MAX,
			    buf);
		return;
	case CELL_LIST:
		cell_list(value, buf);
		return;
	case CELL_USABLE:
		cell_usable(value, buf);
		return;
	case CELL_LENGTH:
		(void)snprintf(
		    buf, TABLE_CELL_MAX, "%zu", json_array_size(value));
		return;
	case CELL_TEXT:
		cell_plain(value, buf);
		return;
	default:
		if (json_is_number(value))
			cell_number(value, column->cell, buf);
		else
			cell_plain(value, buf);
	}
}

/* Of the whole screen, only what is meant to be there. */
static void
cell_clean(char *buf)
{
	for (; *buf != '\0'; buf++)
		if ((unsigned char)*buf < ' ' || *buf == 0x7f)
			*buf = '?';
}

static bool
cell_is_right(enum cell cell)
{
	switch (cell) {
	case CELL_BYTES:
	case CELL_COUNT:
	case CELL_MAX:
	case CELL_MS:
	case CELL_AGE:
	case CELL_PERCENT:
	case CELL_LIMIT:
	case CELL_LENGTH:
		return true;
	default:
		return false;
	}
}

/* ---- rows ---- */

/* A row, or one of its workers (worker >= 0), which has the same counters and
 * no names. */
static void
row_cell(const json_t *row, const struct table *table, size_t i, bool worker,
    char *buf)
{
	const struct column *column = &table->columns[i];

	if (worker && i == 0)
		(void)snprintf(buf, TABLE_CELL_MAX,
		    "  worker %" JSON_INTEGER_FORMAT,
		    json_integer_value(json_object_get(row, "slot")));
	else if (worker &&
	    (!cell_is_right(column->cell) ||
		json_at(row, column->path) == NULL))
		buf[0] = '\0';
	else
		cell_format(row, column, buf);
	cell_clean(buf);
}

static void
row_measure(
    const json_t *row, const struct table *table, bool worker, size_t *widths)
{
	char buf[TABLE_CELL_MAX];
	size_t i, len;

	for (i = 0; i < table->ncolumns; i++) {
		row_cell(row, table, i, worker, buf);
		len = strlen(buf);
		if (len > widths[i])
			widths[i] = len;
	}
}

static void
line_add(char *line, size_t size, size_t *len, const char *text, size_t width,
    bool right, bool last)
{
	int n;

	if (*len >= size)
		return;
	if (last && !right)
		width = 0;
	n = snprintf(line + *len, size - *len, right ? "%s%*s" : "%s%-*s",
	    *len > 0 ? "  " : "", (int)width, text);
	if (n > 0)
		*len += (size_t)n;
}

static void
line_write(FILE *out, char *line, size_t width)
{
	size_t len = strlen(line);

	if (width > 0 && len > width)
		len = width;
	while (len > 0 && line[len - 1] == ' ')
		len--;
	line[len] = '\0';
	fprintf(out, "%s\n", line);
}

static void
row_write(FILE *out, const json_t *row, const struct table *table, bool worker,
    const size_t *widths, size_t width)
{
	char line[COLUMNS_MAX * TABLE_CELL_MAX] = "", buf[TABLE_CELL_MAX];
	size_t i, len = 0;

	for (i = 0; i < table->ncolumns; i++) {
		if (row != NULL)
			row_cell(row, table, i, worker, buf);
		line_add(line, sizeof(line), &len,
		    row != NULL ? buf : table->columns[i].title, widths[i],
		    cell_is_right(table->columns[i].cell),
		    i + 1 == table->ncolumns);
	}
	line_write(out, line, width);
}

void
table_write(FILE *out, const struct table *table, const json_t *rows,
    size_t max, size_t width)
{
	size_t widths[COLUMNS_MAX] = { 0 }, i, j, lines = 1;
	json_t *row, *worker;

	for (i = 0; i < table->ncolumns; i++)
		widths[i] = strlen(table->columns[i].title);
	json_array_foreach((json_t *)(uintptr_t)rows, i, row)
	{
		row_measure(row, table, false, widths);
		json_array_foreach(json_object_get(row, "workers"), j, worker)
		    row_measure(worker, table, true, widths);
	}
	row_write(out, NULL, table, false, widths, width);
	json_array_foreach((json_t *)(uintptr_t)rows, i, row)
	{
		if (max != 0 && lines++ >= max)
			return;
		row_write(out, row, table, false, widths, width);
		json_array_foreach(json_object_get(row, "workers"), j, worker)
		    row_write(out, worker, table, true, widths, width);
	}
}
