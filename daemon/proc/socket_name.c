/*
 * Names of sockets: see socket_name.h.
 */
#include "proc/socket_name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compat.h"
#include "proc/inherit.h"

#define PREFIX "muxd,"

/* The longest address in a name; the rest needs no more than what is left of
 * INHERIT_NAME_MAX. */
#define ADDRESS_MAX 120

bool
socket_name_is_ours(const char *text)
{
	return strncmp(text, PREFIX, strlen(PREFIX)) == 0;
}

/* ---- writing ---- */

/* What must not be in a name, or has a meaning there: RFC 3986, section
 * 2.1. */
static bool
is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != ':' && c != ',' && c != '%';
}

/* False if it does not fit. */
static bool
encode(const char *from, char *to, size_t size)
{
	size_t len = 0;

	for (; *from != '\0'; from++) {
		if (len + 4 > size)
			return false;
		if (is_plain((unsigned char)*from))
			to[len++] = *from;
		else
			len += (size_t)snprintf(to + len, size - len, "%%%02X",
			    (unsigned char)*from);
	}
	to[len] = '\0';
	return true;
}

void
socket_name_format(const struct socket_name *name, char *text)
{
	const struct endpoint *asked = &name->asked;
	char address[ADDR_STRLEN], encoded[ADDRESS_MAX], place[96] = "";
	size_t len;

	if (!encode(asked->transport == TRANSPORT_UNIX
		    ? asked->path
		    : addr_format(&asked->addr, address, sizeof(address)),
		encoded, sizeof(encoded)))
		encoded[0] = '\0';
	if (name->status) {
		(void)snprintf(place, sizeof(place), ",status=1");
	} else if (!name->shared) {
		len =
		    (size_t)snprintf(place, sizeof(place), ",slot=%u,member=%u",
			(unsigned)name->slot, (unsigned)name->member);
		if (asked->transport == TRANSPORT_UDP)
			(void)snprintf(place + len, sizeof(place) - len,
			    ",dealt=%u,seed=%08x", (unsigned)name->dealt,
			    (unsigned)name->seed);
	}
	len = (size_t)snprintf(text, INHERIT_NAME_MAX,
	    PREFIX "%s,%s,service=%s%s", transport_name(asked->transport),
	    encoded, name->service, place);
	/* By the bounds of all its parts it fits. */
	if (len >= INHERIT_NAME_MAX)
		(void)snprintf(text, INHERIT_NAME_MAX,
		    PREFIX "%s,,service=", transport_name(asked->transport));
}

/* ---- reading ---- */

/* The next part of *text, up to a comma, into part; false: it does not fit. */
static bool
next_part(const char **text, char *part, size_t size)
{
	size_t len = strcspn(*text, ",");

	if (len >= size)
		return false;
	memcpy(part, *text, len);
	part[len] = '\0';
	*text += len;
	if (**text == ',')
		(*text)++;
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. */
static bool
decode(char *text)
{
	char *to = text;
	int high, low;

	for (; *text != '\0'; text++) {
		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		high = hex_digit(text[1]);
		low = high == -1 ? -1 : hex_digit(text[2]);
		if (low == -1 || high * 16 + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return true;
}

static bool
parse_unix(const char *path, struct endpoint *asked)
{
	asked->transport = TRANSPORT_UNIX;
	asked->addr.family = ADDR_UNIX;
	return compat_strlcpy(asked->path, path, sizeof(asked->path)) <
	    sizeof(asked->path);
}

static bool
parse_address(const char *transport, char *address, struct endpoint *asked)
{
	const char *why;

	memset(asked, 0, sizeof(*asked));
	if (!decode(address))
		return false;
	if (strcmp(transport, transport_name(TRANSPORT_UNIX)) == 0)
		return parse_unix(address, asked);
	if (addr_parse(address, &asked->addr, &why) == -1 ||
	    (asked->addr.family != ADDR_INET4 &&
		asked->addr.family != ADDR_INET6))
		return false;
	asked->transport = strcmp(transport, transport_name(TRANSPORT_UDP)) == 0
	    ? TRANSPORT_UDP
	    : TRANSPORT_TCP;
	return asked->transport == TRANSPORT_UDP ||
	    strcmp(transport, transport_name(TRANSPORT_TCP)) == 0;
}

static bool
parse_number(const char *text, int base, uint32_t *number)
{
	unsigned long value;
	char *end;

	/* No sign, no space. */
	if (hex_digit(text[0]) == -1)
		return false;
	errno = 0;
	value = strtoul(text, &end, base);
	*number = (uint32_t)value;
	return errno == 0 && *end == '\0' && value <= UINT32_MAX;
}

/* "key=value"; a key that is not known is no fault. */
static bool
parse_detail(char *part, struct socket_name *name)
{
	char *value = strchr(part, '=');

	if (value == NULL)
		return false;
	*value++ = '\0';
	if (strcmp(part, "service") == 0)
		return compat_strlcpy(name->service, value,
			   sizeof(name->service)) < sizeof(name->service);
	if (strcmp(part, "status") == 0) {
		name->status = true;
		return true;
	}
	if (strcmp(part, "slot") == 0) {
		name->shared = false;
		return parse_number(value, 10, &name->slot);
	}
	if (strcmp(part, "member") == 0)
		return parse_number(value, 10, &name->member);
	if (strcmp(part, "dealt") == 0)
		return parse_number(value, 10, &name->dealt);
	if (strcmp(part, "seed") == 0)
		return parse_number(value, 16, &name->seed);
	return true;
}

int
socket_name_parse(const char *text, struct socket_name *name)
{
	char transport[8], part[INHERIT_NAME_MAX];

	memset(name, 0, sizeof(*name));
	name->shared = true;
	if (!socket_name_is_ours(text) || !inherit_name_valid(text))
		return -1;
	text += strlen(PREFIX);
	if (!next_part(&text, transport, sizeof(transport)) ||
	    !next_part(&text, part, sizeof(part)) ||
	    !parse_address(transport, part, &name->asked))
		return -1;
	while (*text != '\0')
		if (!next_part(&text, part, sizeof(part)) ||
		    !parse_detail(part, name))
			return -1;
	if (name->asked.transport == TRANSPORT_UNIX)
		name->shared = true;
	return 0;
}
