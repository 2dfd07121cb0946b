/*
 * c-ares in an event loop.
 *
 * c-ares opens and closes descriptors as it likes, and tells what it waits
 * for (socket_state()); before it closes one, that it waits for nothing.  It
 * may do so in the middle of its own work on that descriptor, so what the
 * loop knows of it lives until the end of the turn.  The process does not
 * fork, and no descriptor is shared.
 *
 * c-ares does not always read until a socket is empty, and does not tell
 * whether it did, but the loop must know.  So the kernel is asked, after each
 * call: DNS is rare enough.
 */
#include "monitor/dns_channel.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* What fits into one packet nearly everywhere (the DNS flag day of 2020). */
#define UDP_SIZE 1232

#ifndef ARES_OPT_QUERY_CACHE
#define ARES_OPT_QUERY_CACHE 0 /* before 1.31 there is none */
#endif

struct dns_socket {
	struct retired retired;
	struct list link;
	struct io io;
	struct dns_channel *channel;
};

static void
socket_free(struct retired *retired)
{
	mem_free(container_of(retired, struct dns_socket, retired));
}

/* c-ares is about to close it. */
static void
socket_forget(struct dns_socket *dns)
{
	io_remove(&dns->io);
	dns->io.fd = -1;
	list_remove(&dns->link);
	loop_retire(dns->channel->loop, &dns->retired, socket_free);
}

static void
socket_mark_drained(struct dns_socket *dns)
{
	struct pollfd poll_fd = { .fd = dns->io.fd,
		.events = POLLIN | POLLOUT };
	unsigned drained = 0;

	if (poll(&poll_fd, 1, 0) == -1)
		return;
	if ((poll_fd.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
		drained |= IO_READ;
	if ((poll_fd.revents & (POLLOUT | POLLHUP | POLLERR)) == 0)
		drained |= IO_WRITE;
	io_drained(&dns->io, drained);
}

static void
socket_ready(struct io *io)
{
	struct dns_socket *dns = container_of(io, struct dns_socket, io);
	unsigned ready = io->wanted & io->ready;
	int fd = io->fd;

	ares_process_fd(dns->channel->ares,
	    (ready & IO_READ) != 0 ? fd : ARES_SOCKET_BAD,
	    (ready & IO_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	if (io->fd != -1)
		socket_mark_drained(dns);
	dns_channel_settle(dns->channel);
}

static struct dns_socket *
socket_find(struct dns_channel *channel, int fd)
{
	struct dns_socket *dns;
	struct list *link;

	for (link = channel->sockets.next; link != &channel->sockets;
	     link = link->next) {
		dns = container_of(link, struct dns_socket, link);
		if (dns->io.fd == fd)
			return dns;
	}
	return NULL;
}

/* A socket that the loop cannot take is one that nothing ever comes from:
 * c-ares gives its queries up in time. */
static void
socket_watch(struct dns_channel *channel, int fd, unsigned wanted)
{
	struct dns_socket *dns = mem_zalloc(sizeof(*dns));

	if (dns == NULL)
		return;
	dns->channel = channel;
	io_init(&dns->io, fd, socket_ready, 0);
	/* Still connecting, it cannot be written to: see event/io.h. */
	if (io_add(channel->loop, &dns->io, IO_BOTH) == -1) {
		mem_free(dns);
		return;
	}
	io_want(&dns->io, wanted);
	list_append(&channel->sockets, &dns->link);
}

static void
socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct dns_channel *channel = data;
	struct dns_socket *dns = socket_find(channel, fd);
	unsigned wanted = 0;

	if (readable != 0)
		wanted |= IO_READ;
	if (writable != 0)
		wanted |= IO_WRITE;
	if (dns == NULL) {
		if (wanted != 0)
			socket_watch(channel, fd, wanted);
	} else if (wanted == 0)
		socket_forget(dns);
	else
		io_want(&dns->io, wanted);
}

static void
channel_timeout(struct timer *timer)
{
	struct dns_channel *channel =
	    container_of(timer, struct dns_channel, timer);

	ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	dns_channel_settle(channel);
}

void
dns_channel_settle(struct dns_channel *channel)
{
	struct timeval tv;

	if (ares_timeout(channel->ares, NULL, &tv) == NULL) {
		loop_timer_cancel(channel->loop, &channel->timer);
		return;
	}
	/* Rounded up: it finds nothing to do if it comes too early. */
	loop_timer_set(channel->loop, &channel->timer,
	    (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1);
}

/*
 * lookups is what ares_getaddrinfo() does, and that is used for /etc/hosts
 * alone.  Whoever asks for a name again wants to know what the servers say
 * now, so answers are kept for no time at all.
 */
static int
channel_options(struct ares_options *ares,
    const struct dns_channel_options *options, struct dns_channel *channel)
{
	memset(ares, 0, sizeof(*ares));
	ares->flags = ARES_FLAG_EDNS | ARES_FLAG_NOALIASES;
	ares->ednspsz = UDP_SIZE;
	ares->timeout = options->timeout_ms;
	ares->tries = options->tries;
	ares->sock_state_cb = socket_state;
	ares->sock_state_cb_data = channel;
	/* c-ares copies both, though its struct knows no const. */
	ares->lookups = (char *)(uintptr_t) "f";
	ares->resolvconf_path = (char *)(uintptr_t)options->resolv_conf;
	return ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS |
	    ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS |
	    ARES_OPT_RESOLVCONF | ARES_OPT_QUERY_CACHE;
}

/* Servers of our own are asked for the name as it is. */
static int
channel_configure(
    struct dns_channel *channel, const struct dns_channel_options *options)
{
	int mask;

	if (options->servers != NULL)
		return ares_set_servers_ports_csv(
		    channel->ares, options->servers);
	return ares_save_options(channel->ares, &channel->search, &mask);
}

int
dns_channel_open(struct dns_channel *channel, struct loop *loop,
    const struct dns_channel_options *options)
{
	struct ares_options ares;
	int mask, status;

	memset(channel, 0, sizeof(*channel));
	channel->loop = loop;
	list_init(&channel->sockets);
	timer_init(&channel->timer, channel_timeout);
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status != ARES_SUCCESS)
		return status;
	mask = channel_options(&ares, options, channel);
	status = ares_init_options(&channel->ares, &ares, mask);
	if (status != ARES_SUCCESS) {
		channel->ares = NULL;
		ares_library_cleanup();
		return status;
	}
	status = channel_configure(channel, options);
	if (status != ARES_SUCCESS)
		dns_channel_close(channel);
	return status;
}

void
dns_channel_close(struct dns_channel *channel)
{
	struct list *link;

	if (channel->ares == NULL)
		return;
	ares_destroy_options(&channel->search);
	ares_destroy(channel->ares);
	channel->ares = NULL;
	ares_library_cleanup();
	/* c-ares has told of all; one that it forgot must not stay. */
	while ((link = channel->sockets.next) != &channel->sockets)
		socket_forget(container_of(link, struct dns_socket, link));
	loop_timer_cancel(channel->loop, &channel->timer);
}

bool
dns_channel_candidate(
    const struct dns_channel *channel, const char *name, size_t i, char *buf)
{
	size_t len = strlen(name), as_is;
	size_t domains = (size_t)channel->search.ndomains;
	int dots = 0;

	for (const char *p = name; *p != '\0'; p++)
		dots += *p == '.';
	if (len > 0 && name[len - 1] == '.')
		domains = 0;
	/* One with enough dots is more likely complete. */
	as_is = dots >= channel->search.ndots ? 0 : domains;
	if (i > domains)
		return false;
	if (i == as_is)
		(void)snprintf(buf, DNS_CANDIDATE_SIZE, "%s", name);
	else
		(void)snprintf(buf, DNS_CANDIDATE_SIZE, "%s.%s", name,
		    channel->search.domains[i < as_is ? i : i - 1]);
	return true;
}
