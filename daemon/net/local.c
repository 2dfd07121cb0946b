/*
 * Which addresses are this machine's own: those that can be bound to.
 *
 * Where the system lets everybody bind to everything (ip_nonlocal_bind of
 * ip(7), which is common beside keepalived), that says nothing.  Then routing
 * is asked: to an address of its own, the machine speaks from that address.
 * This is the second choice, since an interface may be told to speak from
 * another one.
 *
 * A list of the interfaces would take a netlink socket, which the unit does
 * not allow.
 */
#include "net/local.h"

#include <unistd.h>

#include "base/compat.h"
#include "net/socket.h"

static bool
is_loopback4(const struct addr *addr)
{
	return addr->family == ADDR_INET4 && addr->ip[0] == 127;
}

/* An address that is for documentation alone (RFC 5737, RFC 3849). */
static struct addr
nobodys_address(const struct addr *addr)
{
	struct addr nobody = { .family = addr->family };
	const char *why;

	(void)addr_parse(
	    addr->family == ADDR_INET4 ? "192.0.2.1:0" : "[2001:db8::1]:0",
	    &nobody, &why);
	return nobody;
}

static bool
can_bind(const struct addr *addr)
{
	struct sockaddr_storage ss;
	struct addr any_port = *addr;
	socklen_t len;
	bool bound;
	int fd;

	any_port.port = 0;
	len = addr_to_sockaddr(&any_port, &ss);
	fd = compat_socket(ss.ss_family, SOCK_DGRAM, 0);
	if (fd == -1)
		return false;
	bound = bind(fd, (const struct sockaddr *)&ss, len) == 0;
	(void)close(fd);
	return bound;
}

/* Nothing is sent by this. */
static bool
speaks_from(const struct addr *addr)
{
	struct sockaddr_storage ss;
	struct addr some_port = *addr, from;
	socklen_t len;
	bool same;
	int fd;

	some_port.port = 9;
	len = addr_to_sockaddr(&some_port, &ss);
	fd = compat_socket(ss.ss_family, SOCK_DGRAM, 0);
	if (fd == -1)
		return false;
	same = connect(fd, (const struct sockaddr *)&ss, len) == 0 &&
	    socket_local(fd, &from) == 0;
	(void)close(fd);
	if (!same)
		return false;
	from.port = some_port.port;
	return addr_compare(&from, &some_port) == 0;
}

bool
local_has_address(const struct addr *addr)
{
	struct addr nobody;

	if (addr->family != ADDR_INET4 && addr->family != ADDR_INET6)
		return false;
	if (is_loopback4(addr))
		return true;
	if (!can_bind(addr))
		return false;
	nobody = nobodys_address(addr);
	return !can_bind(&nobody) || speaks_from(addr);
}
