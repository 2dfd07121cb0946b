/*
 * The socket options that muxd sets, in one table.  An option that a system
 * does not have keeps its row, with a number that none has.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include "net/socket_options.h"

#define OPTION_ABSENT (-1)

#ifdef SO_REUSEPORT_LB
#define OPTION_REUSEPORT SO_REUSEPORT_LB
#else
#define OPTION_REUSEPORT SO_REUSEPORT
#endif

#if defined(TCP_KEEPIDLE)
#define OPTION_KEEPIDLE TCP_KEEPIDLE
#elif defined(TCP_KEEPALIVE)
#define OPTION_KEEPIDLE TCP_KEEPALIVE
#else
#define OPTION_KEEPIDLE OPTION_ABSENT
#endif

#ifdef TCP_USER_TIMEOUT
#define OPTION_USER_TIMEOUT TCP_USER_TIMEOUT
#else
#define OPTION_USER_TIMEOUT OPTION_ABSENT
#endif

#ifdef TCP_DEFER_ACCEPT
#define OPTION_DEFER_ACCEPT TCP_DEFER_ACCEPT
#else
#define OPTION_DEFER_ACCEPT OPTION_ABSENT
#endif

#ifdef TCP_FASTOPEN
#define OPTION_FASTOPEN TCP_FASTOPEN
#else
#define OPTION_FASTOPEN OPTION_ABSENT
#endif

#ifdef SO_MARK
#define OPTION_MARK SO_MARK
#else
#define OPTION_MARK OPTION_ABSENT
#endif

/* Where it is missing, bind(2) takes a port of its own for each connection,
 * of which there are fewer; nobody asks for this one by name. */
#ifdef IP_BIND_ADDRESS_NO_PORT
#define OPTION_BIND_NO_PORT IP_BIND_ADDRESS_NO_PORT
#else
#define OPTION_BIND_NO_PORT OPTION_ABSENT
#endif

struct option {
	const char *name;
	int level;
	int number;
};

enum option_index {
	REUSEADDR,
	REUSEPORT,
	OOBINLINE,
	V6ONLY,
	KEEPALIVE,
	KEEPIDLE,
	NODELAY,
	USER_TIMEOUT,
	DEFER_ACCEPT,
	FASTOPEN,
	MARK,
	BIND_NO_PORT,
	TOS,
	TCLASS
};

static const struct option options_table[] = {
	[REUSEADDR] = { "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR },
	[REUSEPORT] = { "SO_REUSEPORT", SOL_SOCKET, OPTION_REUSEPORT },
	[OOBINLINE] = { "SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE },
	[V6ONLY] = { "IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY },
	[KEEPALIVE] = { "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE },
	[KEEPIDLE] = { "TCP_KEEPIDLE", IPPROTO_TCP, OPTION_KEEPIDLE },
	[NODELAY] = { "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY },
	[USER_TIMEOUT] = { "TCP_USER_TIMEOUT", IPPROTO_TCP,
	    OPTION_USER_TIMEOUT },
	[DEFER_ACCEPT] = { "TCP_DEFER_ACCEPT", IPPROTO_TCP,
	    OPTION_DEFER_ACCEPT },
	[FASTOPEN] = { "TCP_FASTOPEN", IPPROTO_TCP, OPTION_FASTOPEN },
	[MARK] = { "SO_MARK", SOL_SOCKET, OPTION_MARK },
	[BIND_NO_PORT] = { "IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP,
	    OPTION_BIND_NO_PORT },
	[TOS] = { "IP_TOS", IPPROTO_IP, IP_TOS },
	[TCLASS] = { "IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS },
};

/* Set one option; false with errno, and its name in *name. */
static bool
option_set(int fd, enum option_index index, int value, const char **name)
{
	const struct option *option = &options_table[index];

	*name = option->name;
	if (option->number == OPTION_ABSENT) {
		errno = ENOPROTOOPT;
		return false;
	}
	return setsockopt(fd, option->level, option->number, &value,
		   sizeof(value)) != -1;
}

/* The same if a value is asked for at all. */
static bool
option_ask(int fd, enum option_index index, int value, const char **name)
{
	return value == 0 || option_set(fd, index, value, name);
}

/* Milliseconds as a number of units of unit_ms, rounded up. */
static int
option_time(uint64_t ms, uint64_t unit_ms)
{
	uint64_t n = ms / unit_ms + (ms % unit_ms != 0);

	return n > INT_MAX ? INT_MAX : (int)n;
}

int
socket_options_share(int fd, const char **option)
{
	return option_set(fd, REUSEPORT, 1, option) ? 0 : -1;
}

static bool
option_is_set(int fd, enum option_index index)
{
	const struct option *option = &options_table[index];
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, option->level, option->number, &value, &len) !=
	    -1 &&
	    value != 0;
}

bool
socket_options_are_shared(int fd)
{
	return option_is_set(fd, REUSEPORT);
}

bool
socket_options_are_v6(int fd)
{
	return option_is_set(fd, V6ONLY);
}

int
socket_options_prepare(
    int fd, const struct endpoint *endpoint, const char **option)
{
	/* Linux lets two UDP sockets with SO_REUSEADDR take each other's
	 * datagrams; for TCP it only forgives TIME_WAIT. */
	if (endpoint->transport == TRANSPORT_TCP &&
	    !option_set(fd, REUSEADDR, 1, option))
		return -1;
	if (endpoint->addr.family == ADDR_INET6 &&
	    !option_set(fd, V6ONLY, 1, option))
		return -1;
	return 0;
}

/* Take back what somebody may have asked for.  A length of 0 leaves a queue of
 * TCP_FASTOPEN that nobody gets into. */
static bool
option_clear(int fd, enum option_index index, bool clear, const char **name)
{
	if (!clear || options_table[index].number == OPTION_ABSENT)
		return true;
	return option_set(fd, index, 0, name);
}

int
socket_options_change(
    int fd, const struct socket_options *options, const char **option)
{
	bool ok = option_clear(fd, NODELAY, !options->nodelay, option) &&
	    option_clear(fd, KEEPALIVE, options->keepalive_ms == 0, option) &&
	    option_clear(
		fd, USER_TIMEOUT, options->user_timeout_ms == 0, option) &&
	    option_clear(
		fd, DEFER_ACCEPT, options->defer_accept_ms == 0, option) &&
	    option_clear(fd, FASTOPEN, options->fastopen == 0, option);

	return ok ? socket_options_apply(fd, options, option) : -1;
}

int
socket_options_apply(
    int fd, const struct socket_options *options, const char **option)
{
	/* Urgent data in its place in the stream: RFC 6093, section 4. */
	bool ok = option_set(fd, OOBINLINE, 1, option);

	ok = ok && option_ask(fd, NODELAY, options->nodelay, option);
	ok =
	    ok && option_ask(fd, KEEPALIVE, options->keepalive_ms != 0, option);
	ok = ok &&
	    option_ask(
		fd, KEEPIDLE, option_time(options->keepalive_ms, 1000), option);
	ok = ok &&
	    option_ask(fd, USER_TIMEOUT,
		option_time(options->user_timeout_ms, 1), option);
	ok = ok &&
	    option_ask(fd, DEFER_ACCEPT,
		option_time(options->defer_accept_ms, 1000), option);
	ok = ok && option_ask(fd, FASTOPEN, options->fastopen, option);
	return ok ? 0 : -1;
}

/* What a connection over TCP gets. */
static bool
options_connect_stream(
    int fd, const struct connect_options *options, const char **option)
{
	return option_set(fd, OOBINLINE, 1, option) &&
	    option_ask(fd, NODELAY, options->nodelay, option) &&
	    option_ask(fd, KEEPALIVE, options->keepalive_ms != 0, option) &&
	    option_ask(fd, KEEPIDLE, option_time(options->keepalive_ms, 1000),
		option) &&
	    option_ask(fd, USER_TIMEOUT,
		option_time(options->user_timeout_ms, 1), option);
}

int
socket_options_connect(int fd, const struct addr *addr, bool stream,
    const struct connect_options *options, const char **option)
{
	/* The upper six bits of the octet (RFC 2474). */
	int tos = options->dscp << 2;
	bool ok = !stream || options_connect_stream(fd, options, option);

	ok = ok && option_ask(fd, MARK, (int)options->mark, option);
	ok = ok &&
	    option_ask(
		fd, addr->family == ADDR_INET6 ? TCLASS : TOS, tos, option);
	if (ok && stream && options->source.family == addr->family &&
	    OPTION_BIND_NO_PORT != OPTION_ABSENT)
		ok = option_set(fd, BIND_NO_PORT, 1, option);
	return ok ? 0 : -1;
}
