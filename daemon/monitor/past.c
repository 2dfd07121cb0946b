/*
 * Rows in the order in which they came, and a hash table of their clients;
 * each row is in both.  See past.h.
 */
#include "monitor/past.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define BUCKETS 16384

struct past_row {
	struct list order;  /* of all, the newest last */
	struct list bucket; /* of clients of its hash, the newest last */
	struct addr client;
	uint16_t len;
	unsigned char data[];
};

struct past {
	struct list order;
	struct list buckets[BUCKETS];
	size_t n;
};

struct past *
past_open(void)
{
	struct past *past = mem_zalloc(sizeof(*past));
	size_t i;

	if (past == NULL)
		return NULL;
	list_init(&past->order);
	for (i = 0; i < BUCKETS; i++)
		list_init(&past->buckets[i]);
	return past;
}

static void
past_drop(struct past *past, struct past_row *row)
{
	list_remove(&row->order);
	list_remove(&row->bucket);
	mem_free(row);
	past->n--;
}

void
past_close(struct past *past)
{
	if (past == NULL)
		return;
	while (!list_empty(&past->order))
		past_drop(past,
		    container_of(past->order.next, struct past_row, order));
	mem_free(past);
}

/* A client is an address; what comes from one by different ports is the same
 * client.  Whoever could choose addresses to fall into one bucket has as many
 * rows as anybody, and the walk through them is bounded by all rows. */
static struct prefix
past_client(const struct addr *client)
{
	return prefix_of(client, 32, 128);
}

static struct list *
past_bucket(struct past *past, const struct prefix *client)
{
	const unsigned char *bytes = (const unsigned char *)client;
	uint32_t hash = UINT32_C(2166136261);
	size_t i;

	/* Fowler, Noll and Vo's. */
	for (i = 0; i < sizeof(*client); i++)
		hash = (hash ^ bytes[i]) * UINT32_C(16777619);
	return &past->buckets[(hash ^ hash >> 16) % BUCKETS];
}

static bool
same_client(const struct addr *a, const struct prefix *b)
{
	struct prefix prefix = past_client(a);

	return memcmp(&prefix, b, sizeof(prefix)) == 0;
}

/* Make room: of the client, if it has its share, or of all. */
static void
past_make_room(
    struct past *past, struct list *bucket, const struct prefix *client)
{
	struct past_row *row, *oldest = NULL;
	struct list *node;
	size_t n = 0;

	for (node = bucket->next; node != bucket; node = node->next) {
		row = container_of(node, struct past_row, bucket);
		if (!same_client(&row->client, client))
			continue;
		if (n++ == 0)
			oldest = row;
	}
	if (n >= PAST_OF_CLIENT)
		past_drop(past, oldest);
	else if (past->n == PAST_ROWS)
		past_drop(past,
		    container_of(past->order.next, struct past_row, order));
}

static bool
past_wants(const struct log_view *view)
{
	return strcmp(view->message, "session ended") == 0 ||
	    strcmp(view->message, "client refused") == 0;
}

static bool
past_parse_client(const struct log_field *field, struct addr *client)
{
	char text[ADDR_STRLEN];
	const char *why;

	*client = (struct addr){ .family = ADDR_UNIX };
	if (field->len >= sizeof(text))
		return false;
	memcpy(text, field->value, field->len);
	text[field->len] = '\0';
	/* Clients of UNIX sockets are all one. */
	if (addr_parse(text, client, &why) == -1)
		*client = (struct addr){ .family = ADDR_UNIX };
	return true;
}

void
past_note(struct past *past, const unsigned char *data, size_t len,
    const struct log_view *view)
{
	struct past_row *row;
	struct log_field field;
	struct prefix client;
	struct list *bucket;
	struct addr addr;

	if (!past_wants(view) || !log_view_find(view, "client", &field) ||
	    !past_parse_client(&field, &addr) || len > LOG_RECORD_MAX)
		return;
	client = past_client(&addr);
	bucket = past_bucket(past, &client);
	past_make_room(past, bucket, &client);
	row = mem_zalloc(sizeof(*row) + len);
	if (row == NULL)
		return;
	row->client = addr;
	row->len = (uint16_t)len;
	memcpy(row->data, data, len);
	list_append(&past->order, &row->order);
	list_append(bucket, &row->bucket);
	past->n++;
}

size_t
past_count(const struct past *past)
{
	return past->n;
}

size_t
past_find(const struct past *past, const struct prefix *client, size_t max,
    unsigned char *buf, size_t size, size_t *found)
{
	const struct past_row *row;
	const struct list *node;
	size_t used = 0, copied = 0;

	*found = 0;
	for (node = past->order.prev; node != &past->order; node = node->prev) {
		row = container_of(node, struct past_row, order);
		if (!prefix_match(client, &row->client))
			continue;
		(*found)++;
		if (copied == max || row->len > size - used)
			continue;
		memcpy(buf + used, row->data, row->len);
		used += row->len;
		copied++;
	}
	return used;
}
