/*
 * Typed values: lists of addresses, of name servers, of prefixes, of header
 * fields, of status codes.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "conf/values.h"
#include "conf/values_common.h"

/* An array and the number of its elements, as the members of the structs lie
 * in them. */
struct list_view {
	void *items;
	size_t n;
};

static struct list_view
load_list(const struct conf_option *option, const void *base)
{
	struct list_view list;

	memcpy(&list.items, (const char *)base + option->offset,
	    sizeof(list.items));
	memcpy(&list.n, (const char *)base + option->count, sizeof(list.n));
	return list;
}

/* Add one element; -1 with value->why. */
static int
add_element(
    struct conf_value *value, void *base, const void *element, size_t size)
{
	const struct conf_option *option = value->option;
	struct list_view list = load_list(option, base);
	void *place;

	if (list.n >= option->max) {
		snprintf(value->why, sizeof(value->why),
		    "the list is longer than %ju", (uintmax_t)option->max);
		return -1;
	}
	place = mem_push(&list.items, &list.n, size);
	if (place == NULL)
		return conf_value_wrong(value, "out of memory");
	memcpy(place, element, size);
	memcpy((char *)base + option->offset, &list.items, sizeof(list.items));
	memcpy((char *)base + option->count, &list.n, sizeof(list.n));
	return 0;
}

static void
release_list(const struct conf_option *option, void *base)
{
	mem_free(load_list(option, base).items);
}

/* ---- addresses ----------------------------------------------------------------- */

static int
parse_endpoint(struct conf_value *value, void *base)
{
	struct endpoint found[2];
	const char *why;
	int i, n;

	n = endpoint_parse(value->text, found, &why);
	if (n == -1)
		return conf_value_wrong(value, why);
	for (i = 0; i < n; i++) {
		if (addr_is_multicast(&found[i].addr))
			return conf_value_wrong(
			    value, "it is a multicast or broadcast address");
		if (add_element(value, base, &found[i], sizeof(found[i])) == -1)
			return -1;
	}
	return 0;
}

static bool
format_endpoint(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	struct list_view list = load_list(option, base);
	const struct endpoint *endpoints = list.items;
	char text[ENDPOINT_STRLEN];

	if (i >= list.n)
		return false;
	strbuf_puts(out, endpoint_format(&endpoints[i], text, sizeof(text)));
	return true;
}

const struct conf_type conf_type_endpoints = { .name = "list of addresses",
	.list = true,
	.quoted = true,
	.parse = parse_endpoint,
	.format = format_endpoint,
	.release = release_list,
	.bound = conf_value_bound,
	.counts = " elements" };

/* ---- name servers --------------------------------------------------------------- */

#define DNS_PORT 53

static int
parse_nameserver(struct conf_value *value, void *base)
{
	struct endpoint server = { .transport = TRANSPORT_UDP };
	const char *why;

	if (conf_parse_ip(value->text, &server.addr, &why) == 0)
		server.addr.port = DNS_PORT;
	else if (addr_parse(value->text, &server.addr, &why) == -1)
		return conf_value_wrong(value, why);
	why = conf_check_peer(&server.addr);
	if (why != NULL)
		return conf_value_wrong(value, why);
	return add_element(value, base, &server, sizeof(server));
}

static bool
format_nameserver(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	struct list_view list = load_list(option, base);
	const struct endpoint *servers = list.items;
	char text[ADDR_STRLEN];

	if (i >= list.n)
		return false;
	strbuf_puts(out, addr_format(&servers[i].addr, text, sizeof(text)));
	return true;
}

const struct conf_type conf_type_nameservers = { .name = "list of name servers",
	.list = true,
	.quoted = true,
	.parse = parse_nameserver,
	.format = format_nameserver,
	.release = release_list,
	.bound = conf_value_bound,
	.counts = " elements" };

/* ---- prefixes ------------------------------------------------------------------- */

static int
parse_prefix(struct conf_value *value, void *base)
{
	struct prefix prefix;
	const char *why;

	if (prefix_parse(value->text, &prefix, &why) == -1)
		return conf_value_wrong(value, why);
	return add_element(value, base, &prefix, sizeof(prefix));
}

static bool
format_prefix(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	struct list_view list = load_list(option, base);
	const struct prefix *prefixes = list.items;
	char text[PREFIX_STRLEN];

	if (i >= list.n)
		return false;
	strbuf_puts(out, prefix_format(&prefixes[i], text, sizeof(text)));
	return true;
}

const struct conf_type conf_type_prefixes = { .name = "list of prefixes",
	.list = true,
	.quoted = true,
	.parse = parse_prefix,
	.format = format_prefix,
	.release = release_list,
	.bound = conf_value_bound,
	.counts = " elements" };

/* ---- header fields ---------------------------------------------------------------- */

#define FIELD_MAX 1024

/* The fields that say how a message travels, and those that muxd has options
 * or reasons of its own for. */
static const char *const own_fields[] = { "Connection", "Content-Length",
	"Content-Type", "Date", "Keep-Alive", "Trailer", "Transfer-Encoding",
	"Upgrade" };

static const char *
check_field(const char *field)
{
	size_t len = strspn(field, TOKEN_CHARACTERS);
	size_t i;

	if (strlen(field) > FIELD_MAX)
		return "it is longer than 1024 bytes";
	if (len == 0 || field[len] != ':')
		return "\"Name: value\" is expected, the name of letters, "
		       "digits and the signs that RFC 9110 allows";
	for (i = 0; i < sizeof(own_fields) / sizeof(own_fields[0]); i++) {
		if (strlen(own_fields[i]) == len &&
		    strncasecmp(own_fields[i], field, len) == 0)
			return "muxd sends this field itself";
	}
	return conf_check_field_value(field + len + 1);
}

static int
parse_field(struct conf_value *value, void *base)
{
	const char *why = check_field(value->text);
	char *copy;

	if (why != NULL)
		return conf_value_wrong(value, why);
	copy = mem_strdup(value->text);
	if (copy == NULL)
		return conf_value_wrong(value, "out of memory");
	if (add_element(value, base, &copy, sizeof(copy)) == -1) {
		mem_free(copy);
		return -1;
	}
	return 0;
}

static bool
format_field(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	struct list_view list = load_list(option, base);
	char *const *fields = list.items;

	if (i >= list.n)
		return false;
	strbuf_puts(out, fields[i]);
	return true;
}

static void
release_fields(const struct conf_option *option, void *base)
{
	struct list_view list = load_list(option, base);
	char **fields = list.items;
	size_t i;

	for (i = 0; i < list.n; i++)
		mem_free(fields[i]);
	mem_free(fields);
}

const struct conf_type conf_type_fields = { .name = "list of header fields",
	.list = true,
	.quoted = true,
	.parse = parse_field,
	.format = format_field,
	.release = release_fields,
	.bound = conf_value_bound,
	.counts = " elements" };

/* ---- host names -------------------------------------------------------------------- */

#define HOST_MAX 253

static const char *
check_host(const char *host)
{
	size_t len = strspn(host,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "-._");

	if (len == 0 || len > HOST_MAX || host[len] != '\0')
		return "a host name is expected, without a port";
	return NULL;
}

static int
parse_host(struct conf_value *value, void *base)
{
	const char *why = check_host(value->text);
	char *copy, *c;

	if (why != NULL)
		return conf_value_wrong(value, why);
	copy = mem_strdup(value->text);
	if (copy == NULL)
		return conf_value_wrong(value, "out of memory");
	for (c = copy; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	if (add_element(value, base, &copy, sizeof(copy)) == -1) {
		mem_free(copy);
		return -1;
	}
	return 0;
}

const struct conf_type conf_type_hosts = { .name = "list of host names",
	.list = true,
	.quoted = true,
	.parse = parse_host,
	.format = format_field,
	.release = release_fields,
	.bound = conf_value_bound,
	.counts = " elements" };

/* ---- status codes ----------------------------------------------------------------- */

/* "200", with the address of what follows it; 0 if it is none. */
static uint16_t
parse_status(const char *text, const char **end)
{
	size_t len = strspn(text, "0123456789");

	*end = text + len;
	if (len != 3 || *text < '1' || *text > '5')
		return 0;
	return (uint16_t)((text[0] - '0') * 100 + (text[1] - '0') * 10 +
	    (text[2] - '0'));
}

static int
parse_statuses(struct conf_value *value, void *base)
{
	struct conf_status_range range;
	const char *end;

	range.first = range.last = parse_status(value->text, &end);
	if (*end == '-')
		range.last = parse_status(end + 1, &end);
	if (*end != '\0' || range.first == 0 || range.last == 0)
		return conf_value_wrong(value,
		    "a status from 100 to 599 is expected, or two and \"-\" "
		    "between them");
	if (range.first > range.last)
		return conf_value_wrong(
		    value, "the range ends before it begins");
	return add_element(value, base, &range, sizeof(range));
}

static bool
format_statuses(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	struct list_view list = load_list(option, base);
	const struct conf_status_range *ranges = list.items;

	if (i >= list.n)
		return false;
	strbuf_printf(out, "%u", ranges[i].first);
	if (ranges[i].last > ranges[i].first)
		strbuf_printf(out, "-%u", ranges[i].last);
	return true;
}

const struct conf_type conf_type_statuses = { .name = "list of status codes",
	.list = true,
	.quoted = true,
	.parse = parse_statuses,
	.format = format_statuses,
	.release = release_list,
	.bound = conf_value_bound,
	.counts = " elements" };
