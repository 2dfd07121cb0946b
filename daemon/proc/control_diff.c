/*
 * The order to say what a reload would change: both configurations are written
 * out in full, cut into options with the path of their sections, and compared
 * by these, since their order does not matter.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/change.h"
#include "proc/control_client.h"
#include "proc/control_commands.h"
#include "proc/control_reload.h"
#include "proc/reload.h"
#include "proc/status_sockets.h"

#define DIFF_DEPTH 8

/* An option, or a section, whose value is NULL. */
struct diff_item {
	char *key; /* pool "web" server "a" weight */
	char *value;
	size_t place; /* in the text */
};

struct diff_list {
	struct diff_item *items; /* in the order of the text */
	size_t n;
	struct diff_item **sorted; /* by key */
	bool failed;
};

/* ---- a text, taken apart ---- */

/* The path of sections, each of which begins at starts[i]. */
struct diff_path {
	struct strbuf text;
	size_t starts[DIFF_DEPTH];
	size_t depth;
};

static void
path_enter(struct diff_path *path, const char *name, size_t len)
{
	if (path->depth < DIFF_DEPTH)
		path->starts[path->depth] = path->text.len;
	path->depth++;
	if (path->text.len > 0)
		strbuf_puts(&path->text, " ");
	strbuf_append(&path->text, name, len);
}

static void
path_leave(struct diff_path *path)
{
	if (path->depth == 0)
		return;
	path->depth--;
	if (path->depth >= DIFF_DEPTH || path->text.text == NULL)
		return;
	path->text.len = path->starts[path->depth];
	path->text.text[path->text.len] = '\0';
}

static void
list_add(struct diff_list *list, char *key, char *value, bool valued)
{
	struct diff_item *item;

	if (key == NULL || (valued && value == NULL) ||
	    (item = mem_push(&list->items, &list->n, sizeof(*list->items))) ==
		NULL) {
		mem_free(key);
		mem_free(value);
		list->failed = true;
		return;
	}
	item->key = key;
	item->value = value;
	item->place = list->n - 1;
}

static void
list_add_line(struct diff_list *list, struct diff_path *path, const char *line)
{
	size_t len;
	const char *equals;

	line += strspn(line, "\t");
	len = strlen(line);
	equals = strstr(line, " = ");
	if (len == 0)
		return;
	if (strcmp(line, "}") == 0) {
		path_leave(path);
	} else if (equals != NULL && strcspn(line, "\"{") > 0 &&
	    equals < line + strcspn(line, "\"{")) {
		list_add(list,
		    mem_printf("%s%s%.*s",
			path->text.len > 0 ? path->text.text : "",
			path->text.len > 0 ? " " : "", (int)(equals - line),
			line),
		    mem_strdup(equals + 3), true);
	} else if (len > 2 && strcmp(line + len - 2, " {") == 0) {
		path_enter(path, line, len - 2);
		list->failed |= path->text.failed;
		list_add(list, mem_strdup(path->text.text), NULL, false);
	}
}

static int
compare_items(const void *a, const void *b)
{
	const struct diff_item *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static void
list_make(struct diff_list *list, const struct conf *conf)
{
	char *text = conf_text(conf), *line, *next = text;
	struct diff_path path = { .depth = 0 };
	size_t i;

	list->failed = text == NULL;
	while (!list->failed && (line = strsep(&next, "\n")) != NULL)
		list_add_line(list, &path, line);
	strbuf_free(&path.text);
	free(text);
	list->sorted = mem_array(list->n, sizeof(struct diff_item *));
	list->failed |= list->sorted == NULL;
	if (list->failed)
		return;
	for (i = 0; i < list->n; i++)
		list->sorted[i] = &list->items[i];
	qsort(list->sorted, list->n, sizeof(struct diff_item *), compare_items);
}

static void
list_free(struct diff_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		mem_free(list->items[i].key);
		mem_free(list->items[i].value);
	}
	mem_free(list->items);
	mem_free(list->sorted);
}

static const struct diff_item *
list_find(const struct diff_list *list, const char *key)
{
	struct diff_item wanted = { .key = (char *)(uintptr_t)key };
	struct diff_item *pointer = &wanted, **found;

	found = bsearch(&pointer, list->sorted, list->n,
	    sizeof(struct diff_item *), compare_items);
	return found != NULL ? *found : NULL;
}

/* ---- what differs ---- */

static void
tell_change(json_t *changes, const char *key, const char *change,
    const char *before, const char *after)
{
	json_t *row = json_pack("{s:s,s:s}", "option", key, "change", change);

	if (before != NULL)
		(void)json_object_set_new(row, "before", json_string(before));
	if (after != NULL)
		(void)json_object_set_new(row, "after", json_string(after));
	(void)json_array_append_new(changes, row);
}

/* What one has and the other does not; of a section, not all that is in it. */
static void
tell_only(json_t *changes, const struct diff_list *list,
    const struct diff_list *other, bool added)
{
	const struct diff_item *item;
	size_t i = 0, len;

	while (i < list->n) {
		item = &list->items[i++];
		if (list_find(other, item->key) != NULL)
			continue;
		tell_change(changes, item->key, added ? "added" : "removed",
		    added ? NULL : item->value, added ? item->value : NULL);
		len = strlen(item->key);
		while (item->value == NULL && i < list->n &&
		    strncmp(list->items[i].key, item->key, len) == 0 &&
		    list->items[i].key[len] == ' ')
			i++;
	}
}

static void
tell_changed(json_t *changes, const struct diff_list *before,
    const struct diff_list *after)
{
	const struct diff_item *item, *was;
	size_t i;

	for (i = 0; i < after->n; i++) {
		item = &after->items[i];
		was = list_find(before, item->key);
		if (was != NULL && was->value != NULL && item->value != NULL &&
		    strcmp(was->value, item->value) != 0)
			tell_change(changes, item->key, "changed", was->value,
			    item->value);
	}
}

static bool
listens_on(const struct conf *conf, const struct endpoint *endpoint)
{
	size_t i, j;

	for (i = 0; i < conf->nservices; i++)
		for (j = 0; j < conf->services[i].nlisten; j++)
			if (endpoint_equal(
				&conf->services[i].listen[j], endpoint))
				return true;
	return false;
}

/* The addresses that one listens on and the other does not. */
static json_t *
addresses_only(const struct conf *conf, const struct conf *other)
{
	json_t *array = json_array();
	const struct endpoint *endpoint;
	char text[ENDPOINT_STRLEN];
	size_t i, j;

	for (i = 0; i < conf->nservices; i++) {
		for (j = 0; j < conf->services[i].nlisten; j++) {
			endpoint = &conf->services[i].listen[j];
			if (!listens_on(other, endpoint))
				(void)json_array_append_new(array,
				    json_string(endpoint_format(
					endpoint, text, sizeof(text))));
		}
	}
	return array;
}

static json_t *
diff_make(const struct conf *running, const struct conf *conf)
{
	struct diff_list before = { 0 }, after = { 0 };
	json_t *changes = json_array();

	list_make(&before, running);
	list_make(&after, conf);
	if (before.failed || after.failed) {
		json_decref(changes);
		changes = NULL;
	} else {
		tell_only(changes, &before, &after, false);
		tell_only(changes, &after, &before, true);
		tell_changed(changes, &before, &after);
	}
	list_free(&before);
	list_free(&after);
	return changes;
}

/* As a reload would, but for what it binds and asks other processes. */
static struct conf *
diff_load(const struct control *control, struct conf_errors *errors)
{
	const char *path = control->reload->path;
	struct conf *conf = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		conf_error_add(errors, false, path, 0, "it is no regular file");
	else
		conf = conf_load(path, errors);
	if (conf == NULL)
		return NULL;
	if (status_sockets_check(conf, errors) == 0) {
		if (conf_keep(conf, control->sup->conf, errors) == 0)
			return conf;
		conf_error_add(errors, false, path, 0, "%s", strerror(errno));
	}
	conf_free(conf);
	return NULL;
}

void
control_diff(struct control_client *client)
{
	const struct conf *running = client->control->sup->conf;
	struct conf_errors errors = { 0 };
	struct conf *conf = diff_load(client->control, &errors);
	char text[512];
	json_t *changes;

	if (conf == NULL) {
		control_client_refuse(client,
		    control_first_error(&errors, text, sizeof(text)),
		    control_errors(&errors));
		conf_errors_free(&errors);
		return;
	}
	changes = diff_make(running, conf);
	if (changes == NULL)
		control_client_succeed(client, NULL);
	else
		control_client_succeed(client,
		    json_pack("{s:o,s:o,s:o,s:o}", "changes", changes, "opens",
			addresses_only(conf, running), "closes",
			addresses_only(running, conf), "messages",
			control_errors(&errors)));
	conf_free(conf);
	conf_errors_free(&errors);
}
