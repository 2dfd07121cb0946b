/*
 * Finding out what was handed over: see sockets_inherit.h.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "net/socket_options.h"
#include "proc/sockets_inherit.h"

/* What systemd calls a descriptor in its store that came without a name. */
#define NAME_STORED "stored"

/* ---- what the kernel knows ---- */

static int
option_of(int fd, int option)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == -1 ? -1
								      : value;
}

static const char *
look_at_unix(const struct sockaddr_storage *ss, socklen_t len, int type,
    struct endpoint *is)
{
	struct sockaddr_un sun;

	if (type != SOCK_STREAM)
		return "it is no stream socket";
	if (len <= (socklen_t)offsetof(struct sockaddr_un, sun_path))
		return "it is bound to nothing";
	memset(&sun, 0, sizeof(sun));
	memcpy(&sun, ss, len < sizeof(sun) ? len : sizeof(sun));
	if (sun.sun_path[0] != '/')
		return "it is bound to no path";
	is->transport = TRANSPORT_UNIX;
	is->addr.family = ADDR_UNIX;
	(void)compat_strlcpy(is->path, sun.sun_path, sizeof(is->path));
	return NULL;
}

static const char *
look_at_inet(int fd, const struct sockaddr_storage *ss, socklen_t len, int type,
    struct endpoint *is)
{
	int protocol = compat_socket_protocol(fd);
	int expected = type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;

	if (type != SOCK_STREAM && type != SOCK_DGRAM)
		return "it is neither a stream nor a datagram socket";
	if (protocol != 0 && protocol != expected)
		return "it speaks neither TCP nor UDP";
	addr_from_sockaddr(&is->addr, (const struct sockaddr *)ss, len);
	if (is->addr.port == 0)
		return "it is bound to nothing";
	if ((is->addr.family == ADDR_INET6) != (ss->ss_family == AF_INET6))
		return "it is bound to an IPv4 address as an IPv6 one";
	is->transport = type == SOCK_DGRAM ? TRANSPORT_UDP : TRANSPORT_TCP;
	return NULL;
}

/* NULL, or why nobody can use it. */
static const char *
look_at(int fd, struct endpoint *is, bool *listening)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int type = option_of(fd, SO_TYPE);
	const char *why;

	memset(is, 0, sizeof(*is));
	memset(&ss, 0, sizeof(ss));
	if (type == -1 || getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return "it is no socket";
	if (ss.ss_family == AF_UNIX)
		why = look_at_unix(&ss, len, type, is);
	else if (ss.ss_family == AF_INET || ss.ss_family == AF_INET6)
		why = look_at_inet(fd, &ss, len, type, is);
	else
		return "it is of a family that muxd does not speak";
	*listening = type == SOCK_DGRAM || option_of(fd, SO_ACCEPTCONN) == 1;
	len = sizeof(ss);
	if (why == NULL && !*listening &&
	    getpeername(fd, (struct sockaddr *)&ss, &len) == 0)
		why = "it is a connection";
	return why;
}

/* ---- those that a muxd has bound ---- */

static bool
same_place(const struct endpoint *asked, const struct endpoint *is)
{
	struct endpoint like = *is;

	if (asked->transport != is->transport)
		return false;
	if (asked->transport == TRANSPORT_UNIX)
		return asked->path[0] == '\0' ||
		    strcmp(asked->path, is->path) == 0;
	if (asked->addr.port == 0)
		like.addr.port = 0;
	return endpoint_equal(asked, &like);
}

static const char *
check_ours(struct inherited_socket *item)
{
	int fd = item->from->fd;

	if (socket_name_parse(item->from->name, &item->name) == -1)
		return "this version does not know such a name";
	if (!same_place(&item->name.asked, &item->is))
		return "it is bound to another address";
	if (item->is.transport == TRANSPORT_UNIX) {
		item->name.asked = item->is;
		return item->listening ? NULL : "it does not listen";
	}
	if (!item->name.shared && !socket_options_are_shared(fd))
		return "it does not share its address";
	if (item->is.addr.family == ADDR_INET6 && !socket_options_are_v6(fd))
		return "it takes IPv4 too";
	return NULL;
}

/* ---- those of a service manager ---- */

static const struct conf_service *
find_service(const struct conf *conf, const char *name)
{
	size_t i;

	for (i = 0; i < conf->nservices; i++)
		if (strcmp(conf->services[i].name, name) == 0)
			return &conf->services[i];
	return NULL;
}

/* The addresses of a service, as many as fit. */
static const char *
list_addresses(const struct conf_service *service, char *text, size_t size)
{
	char name[ENDPOINT_STRLEN];
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < service->nlisten && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s",
		    i > 0 ? ", " : "",
		    endpoint_format(&service->listen[i], name, sizeof(name)));
	return text;
}

static bool
has_address(const struct conf_service *service, const struct endpoint *is)
{
	size_t i;

	for (i = 0; i < service->nlisten; i++)
		if (endpoint_equal(&service->listen[i], is))
			return true;
	return false;
}

static bool
is_repeated(
    const struct inherited_sockets *set, const struct inherited_socket *item)
{
	const struct inherited_socket *other;

	for (other = set->items; other < item; other++)
		if (other->activated && other->from->fd != -1 &&
		    endpoint_equal(&other->is, &item->is) &&
		    strcmp(other->name.service, item->name.service) == 0)
			return true;
	return false;
}

static int
refuse(struct conf_errors *errors, const struct conf_service *service,
    const char *name, const struct endpoint *is, const char *why)
{
	char address[ENDPOINT_STRLEN];

	conf_error_add(errors, false, service->file, service->line,
	    "the socket \"%s\"%s%s that the service manager has handed over"
	    " fits nothing here: %s",
	    name, is != NULL ? " at " : "",
	    is != NULL ? endpoint_format(is, address, sizeof(address)) : "",
	    why);
	return -1;
}

static int
refuse_name(struct conf_errors *errors, const struct conf *conf,
    const char *name, const struct endpoint *is)
{
	return refuse(errors, &conf->services[0], name, is,
	    "there is no service of that name (FileDescriptorName= of the"
	    " socket unit is to be the name of a service)");
}

static int
check_activated(struct inherited_sockets *set, struct inherited_socket *item,
    const struct conf_service *service, struct conf_errors *errors)
{
	char list[512], why[640];
	const struct endpoint *is = &item->is;
	const char *name = item->from->name;

	item->activated = true;
	item->name.asked = *is;
	item->name.shared = true;
	(void)compat_strlcpy(
	    item->name.service, service->name, sizeof(item->name.service));
	if (!has_address(service, is)) {
		(void)snprintf(why, sizeof(why), "the service listens at %s",
		    list_addresses(service, list, sizeof(list)));
		return refuse(errors, service, name, is, why);
	}
	if (!item->listening)
		return refuse(errors, service, name, is, "it does not listen");
	if (is_repeated(set, item))
		return refuse(errors, service, name, is,
		    "there is another one for the same address");
	if (is->addr.family == ADDR_INET6 && addr_is_any(&is->addr) &&
	    !socket_options_are_v6(item->from->fd))
		return refuse(errors, service, name, is,
		    "it takes IPv4 too (it needs BindIPv6Only=ipv6-only)");
	return 0;
}

/* ---- all of them ---- */

static void
drop(struct inherited_sockets *set, struct inherited_socket *item,
    const char *why)
{
	log_printf(set->log, LOG_LEVEL_WARNING,
	    "a descriptor that was handed over under the name \"%s\" is"
	    " closed: %s",
	    item->from->name, why);
	inherited_socket_close(set, item);
}

static int
sort_one(struct inherited_sockets *set, struct inherited_socket *item,
    const struct conf *conf, struct conf_errors *errors)
{
	const char *name = item->from->name;
	const struct conf_service *service = find_service(conf, name);
	const char *why = look_at(item->from->fd, &item->is, &item->listening);

	if (socket_name_is_ours(name)) {
		if (why == NULL)
			why = check_ours(item);
		if (why != NULL)
			drop(set, item, why);
		return 0;
	}
	if (service == NULL && strcmp(name, NAME_STORED) == 0) {
		drop(set, item, "nobody knows what it is for");
		return 0;
	}
	if (service == NULL)
		return refuse_name(
		    errors, conf, name, why == NULL ? &item->is : NULL);
	if (why != NULL)
		return refuse(errors, service, name, NULL, why);
	return check_activated(set, item, service, errors);
}

int
inherited_sockets_sort(struct inherited_sockets *set, struct inherit *inherit,
    const struct conf *conf, struct log *log, struct conf_errors *errors)
{
	int result = 0;
	size_t i;

	memset(set, 0, sizeof(*set));
	set->log = log;
	set->alive = inherit->alive;
	set->items = mem_array(inherit->n, sizeof(*set->items));
	if (set->items == NULL) {
		conf_error_add(errors, false, conf->services[0].file, 0, "%s",
		    strerror(errno));
		return -1;
	}
	for (i = 0; i < inherit->n; i++) {
		if (inherit->items[i].fd == -1)
			continue;
		set->items[set->n].from = &inherit->items[i];
		if (sort_one(set, &set->items[set->n++], conf, errors) == -1)
			result = -1;
	}
	inherited_sockets_settle(set);
	return result;
}
