/*
 * Typed values: where a connection goes to, and where it comes from.
 *
 * A text that could be an address is never taken for a name: what ends in a
 * number is an IPv4 address or wrong, as RFC 1123, section 2.1 has it.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "conf/values.h"
#include "conf/values_common.h"

#define HOST_MAX  253 /* RFC 1035, section 2.3.4, as a text */
#define LABEL_MAX 63

const char *
conf_check_peer(const struct addr *addr)
{
	if (addr_is_any(addr))
		return "it stands for all addresses, and one is expected";
	if (addr_is_multicast(addr))
		return "it is a multicast or broadcast address";
	if (addr->port == 0)
		return "no connection goes to port 0";
	return NULL;
}

int
conf_parse_ip(const char *text, struct addr *addr, const char **why)
{
	bool bare = text[0] != '[' && strchr(text, ':') != NULL;
	char buf[ADDR_STRLEN + 8];

	snprintf(buf, sizeof(buf), "%s%s%s:0", bare ? "[" : "", text,
	    bare ? "]" : "");
	if (addr_parse(buf, addr, why) == 0)
		return 0;
	*why = "an IPv4 or IPv6 address without a port is expected";
	return -1;
}

/* ---- names ----------------------------------------------------------------------- */

/* The length of a label that begins here, or 0 if it is none (RFC 1123,
 * section 2.1). */
static size_t
label_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '-')
		len++;
	if (len > LABEL_MAX || text[0] == '-' ||
	    (len > 0 && text[len - 1] == '-'))
		return 0;
	return len;
}

/* What is wrong with the name of a host, or NULL.  A dot behind it is
 * allowed: it keeps search domains away. */
static const char *
check_host(const char *host)
{
	const char *label = host;
	size_t len;

	if (strlen(host) > HOST_MAX + (host[strlen(host) - 1] == '.'))
		return "the name is longer than 253 characters";
	for (;;) {
		len = label_length(label);
		if (len == 0 || (label[len] != '.' && label[len] != '\0'))
			return "the parts of a name are made of letters, "
			       "digits and \"-\" between them, up to 63";
		if (label[len] == '\0' || label[len + 1] == '\0')
			break;
		label += len + 1;
	}
	return NULL;
}

/* The dot behind the label with an underscore in front, or NULL. */
static const char *
behind_service_label(const char *text)
{
	size_t len;

	if (text[0] != '_')
		return NULL;
	len = label_length(text + 1);
	return len > 0 && text[1 + len] == '.' ? text + 1 + len : NULL;
}

/* "_service._proto.name" of RFC 2782 */
static const char *
check_srv(const char *text)
{
	const char *host = behind_service_label(text);

	if (host != NULL)
		host = behind_service_label(host + 1);
	if (host == NULL || host[1] == '\0')
		return "\"_service._proto.name\" is expected, as RFC 2782 "
		       "has it";
	if (strchr(text, ':') != NULL)
		return "an SRV record tells the port: leave it out";
	if (strlen(text) > HOST_MAX + (text[strlen(text) - 1] == '.'))
		return "the name is longer than 253 characters";
	return check_host(host + 1);
}

/* Whether the last part of a name is a number, so that it can be none. */
static bool
ends_in_number(const char *host)
{
	size_t len = strlen(host);

	while (len > 0 && isdigit((unsigned char)host[len - 1])) {
		len--;
		if (len == 0 || host[len - 1] == '.')
			return true;
	}
	return false;
}

/* ---- targets -------------------------------------------------------------------- */

/* Each of these fills in the target, and returns what is wrong, or NULL;
 * *host is the text to keep in it. */

static const char *
parse_unix(const char *text, struct conf_target *target, const char **host)
{
	struct endpoint found[2];
	const char *why;

	if (endpoint_parse(text, found, &why) == -1)
		return why;
	target->kind = TARGET_UNIX;
	target->addr = found[0].addr;
	*host = text + sizeof("unix:") - 1;
	return NULL;
}

static const char *
parse_address(const char *text, struct conf_target *target)
{
	const char *why;

	if (addr_parse(text, &target->addr, &why) == -1)
		return why;
	target->kind = TARGET_ADDRESS;
	return conf_check_peer(&target->addr);
}

/* name is room for the name alone. */
static const char *
parse_name(const char *text, struct conf_target *target, char *name)
{
	const char *colon = strchr(text, ':');
	uint64_t port;
	const char *why;

	if (colon == NULL)
		return "the port is missing";
	if (strncmp(text, "tcp:", 4) == 0 || strncmp(text, "udp:", 4) == 0)
		return "leave tcp: and udp: out: the server is spoken to as "
		       "its client speaks";
	if (strchr(colon + 1, ':') != NULL)
		return "an IPv6 address stands in brackets: [::1]:80";
	memcpy(name, text, (size_t)(colon - text));
	name[colon - text] = '\0';
	if (ends_in_number(name))
		return conf_parse_ip(name, &target->addr, &why) == 0
		    ? parse_address(text, target)
		    : "what ends in a number is an IPv4 address, and this is "
		      "none";
	if (*name == '\0')
		return "the name is missing";
	if (units_parse_uint(colon + 1, &port, &why) == -1 || port == 0 ||
	    port > UINT16_MAX)
		return "the port is no number from 1 to 65535";
	target->kind = TARGET_NAME;
	target->port = (uint16_t)port;
	return check_host(name);
}

/* As the functions above; name has room for all of the text. */
static const char *
parse_any(
    const char *text, struct conf_target *target, char *name, const char **host)
{
	const char *why;

	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text, target, host);
	if (text[0] == '[')
		return parse_address(text, target);
	if (text[0] == '_') {
		target->kind = TARGET_SRV;
		*host = text;
		return check_srv(text);
	}
	why = parse_name(text, target, name);
	if (target->kind == TARGET_NAME)
		*host = name;
	return why;
}

static int
store_target(struct conf_value *value, void *base, bool numeric, char *name)
{
	struct conf_target *place =
	    (struct conf_target *)(void *)((char *)base +
		value->option->offset);
	struct conf_target target = { .kind = TARGET_ADDRESS };
	const char *host = NULL;
	const char *why = parse_any(value->text, &target, name, &host);

	if (why == NULL && numeric &&
	    (target.kind == TARGET_NAME || target.kind == TARGET_SRV))
		why = "an address is expected here, not a name";
	if (why != NULL)
		return conf_value_wrong(value, why);
	if (host != NULL) {
		target.host = mem_strdup(host);
		if (target.host == NULL)
			return conf_value_wrong(value, "out of memory");
	}
	mem_free(place->host);
	*place = target;
	return 0;
}

static int
parse_either(struct conf_value *value, void *base, bool numeric)
{
	char *name = mem_strdup(value->text);
	int rc;

	if (name == NULL)
		return conf_value_wrong(value, "out of memory");
	rc = store_target(value, base, numeric, name);
	mem_free(name);
	return rc;
}

static int
parse_target(struct conf_value *value, void *base)
{
	return parse_either(value, base, false);
}

static int
parse_target_numeric(struct conf_value *value, void *base)
{
	return parse_either(value, base, true);
}

static bool
format_target(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	const struct conf_target *target =
	    (const struct conf_target *)(const void *)((const char *)base +
		option->offset);
	char text[ADDR_STRLEN];

	if (i > 0 || (target->host == NULL && target->addr.family == ADDR_NONE))
		return false;
	switch (target->kind) {
	case TARGET_ADDRESS:
		strbuf_puts(
		    out, addr_format(&target->addr, text, sizeof(text)));
		break;
	case TARGET_UNIX:
		strbuf_printf(out, "unix:%s", target->host);
		break;
	case TARGET_NAME:
		strbuf_printf(out, "%s:%u", target->host, target->port);
		break;
	case TARGET_SRV:
		strbuf_puts(out, target->host);
		break;
	}
	return true;
}

static void
release_target(const struct conf_option *option, void *base)
{
	struct conf_target *target =
	    (struct conf_target *)(void *)((char *)base + option->offset);

	mem_free(target->host);
}

const struct conf_type conf_type_target = { .name = "server address",
	.quoted = true,
	.parse = parse_target,
	.format = format_target,
	.release = release_target };

const struct conf_type conf_type_target_numeric = { .name = "address",
	.quoted = true,
	.parse = parse_target_numeric,
	.format = format_target,
	.release = release_target };

/* ---- an address of this machine --------------------------------------------------- */

static int
parse_ip(struct conf_value *value, void *base)
{
	struct addr addr;
	const char *why;

	if (conf_parse_ip(value->text, &addr, &why) == -1)
		return conf_value_wrong(value, why);
	/* The port is what such an address has not. */
	addr.port = 1;
	why = conf_check_peer(&addr);
	if (why != NULL)
		return conf_value_wrong(value, why);
	addr.port = 0;
	memcpy((char *)base + value->option->offset, &addr, sizeof(addr));
	return 0;
}

static bool
format_ip(const struct conf_option *option, const void *base, size_t i,
    struct strbuf *out)
{
	struct addr addr;
	char text[ADDR_STRLEN];

	memcpy(&addr, (const char *)base + option->offset, sizeof(addr));
	if (i > 0 || addr.family == ADDR_NONE)
		return false;
	strbuf_puts(out, addr_format_ip(&addr, text, sizeof(text)));
	return true;
}

const struct conf_type conf_type_ip = { .name = "IP address",
	.quoted = true,
	.parse = parse_ip,
	.format = format_ip };
