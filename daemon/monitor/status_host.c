/*
 * The check of a Host field: see status_host.h.
 */
#include "monitor/status_host.h"

#include <arpa/inet.h>

#include <string.h>
#include <strings.h>

#define HOST_MAX 256

static bool
is_address(int family, const char *text)
{
	unsigned char ip[sizeof(struct in6_addr)];

	return inet_pton(family, text, ip) == 1;
}

/* Digits, or nothing. */
static bool
is_port(const char *text)
{
	return strlen(text) <= 5 && text[strspn(text, "0123456789")] == '\0';
}

static bool
is_bracketed(char *host)
{
	char *end = strchr(host, ']');

	if (end == NULL || (end[1] != '\0' && end[1] != ':') ||
	    (end[1] == ':' && !is_port(end + 2)))
		return false;
	*end = '\0';
	return is_address(AF_INET6, host + 1);
}

bool
status_host_allowed(const char *host, const struct conf_status *status)
{
	char name[HOST_MAX], *colon;
	size_t i;

	if (host == NULL)
		return true;
	if (strlen(host) >= sizeof(name))
		return false;
	memcpy(name, host, strlen(host) + 1);
	if (name[0] == '[')
		return is_bracketed(name);
	colon = strchr(name, ':');
	if (colon != NULL) {
		if (!is_port(colon + 1))
			return false;
		*colon = '\0';
	}
	if (is_address(AF_INET, name) || strcasecmp(name, "localhost") == 0)
		return true;
	for (i = 0; i < status->nhosts; i++)
		if (strcasecmp(name, status->hosts[i]) == 0)
			return true;
	return false;
}
