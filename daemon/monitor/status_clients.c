/*
 * The connections of the status page: see status_clients.h.
 */
#include "monitor/status_clients.h"

#include <netinet/in.h>

#include <string.h>

#include "base/mem.h"

/* From the end of one request, or from accept(2), to the end of the next;
 * however slowly somebody sends or reads. */
#define REQUEST_MS 30000
#define SWEEP_MS   1000

/* A source, as limits count them: muxd.conf(5), per_source. */
#define SOURCE_BITS4 32
#define SOURCE_BITS6 64

static struct status_client *
client_of(struct list *node)
{
	return container_of(node, struct status_client, link);
}

static void
client_leave(struct status_clients *clients, struct status_client *client)
{
	if (!client->leaving)
		clients->nleaving++;
	client->leaving = true;
	(void)shutdown(client->fd, SHUT_RDWR);
}

static void
clients_sweep(struct timer *timer)
{
	struct status_clients *clients =
	    container_of(timer, struct status_clients, sweep);
	uint64_t now = loop_now(clients->loop);
	struct list *node;

	for (node = clients->all.next; node != &clients->all; node = node->next)
		if (now >= client_of(node)->since_ms + REQUEST_MS)
			client_leave(clients, client_of(node));
}

void
status_clients_open(struct status_clients *clients, struct loop *loop)
{
	memset(clients, 0, sizeof(*clients));
	clients->loop = loop;
	list_init(&clients->all);
	timer_init(&clients->sweep, clients_sweep);
}

void
status_clients_close(struct status_clients *clients)
{
	loop_timer_cancel(clients->loop, &clients->sweep);
}

struct status_client *
status_clients_begin(
    struct status_clients *clients, int fd, const struct sockaddr *sa)
{
	struct status_client *client = mem_zalloc(sizeof(*client));
	struct addr addr;

	if (client == NULL)
		return NULL;
	addr_from_sockaddr(&addr, sa,
	    sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
				      : sizeof(struct sockaddr_in));
	client->source = prefix_of(&addr, SOURCE_BITS4, SOURCE_BITS6);
	client->fd = fd;
	client->since_ms = loop_now(clients->loop);
	list_append(&clients->all, &client->link);
	if (clients->n++ == 0)
		loop_timer_repeat(clients->loop, &clients->sweep, SWEEP_MS);
	return client;
}

void
status_clients_served(
    struct status_clients *clients, struct status_client *client)
{
	client->since_ms = loop_now(clients->loop);
	list_remove(&client->link);
	list_append(&clients->all, &client->link);
}

void
status_clients_end(struct status_clients *clients, struct status_client *client)
{
	list_remove(&client->link);
	clients->nleaving -= client->leaving;
	if (--clients->n == 0)
		loop_timer_cancel(clients->loop, &clients->sweep);
	mem_free(client);
}

bool
status_clients_have_room(const struct status_clients *clients)
{
	return clients->n < STATUS_CONNECTIONS + STATUS_LEAVING;
}

/* How many of them, that are not leaving, have the source. */
static unsigned
clients_of_source(struct status_clients *clients, const struct prefix *source)
{
	struct list *node;
	unsigned n = 0;

	for (node = clients->all.next; node != &clients->all; node = node->next)
		if (!client_of(node)->leaving &&
		    memcmp(&client_of(node)->source, source, sizeof(*source)) ==
			0)
			n++;
	return n;
}

void
status_clients_make_room(struct status_clients *clients)
{
	struct status_client *client, *idlest = NULL;
	unsigned most = 0, n;
	struct list *node;

	if (clients->n - clients->nleaving < STATUS_CONNECTIONS)
		return;
	for (node = clients->all.next; node != &clients->all;
	     node = node->next) {
		client = client_of(node);
		if (client->leaving)
			continue;
		n = clients_of_source(clients, &client->source);
		if (n <= most)
			continue;
		most = n;
		idlest = client;
	}
	if (idlest != NULL)
		client_leave(clients, idlest);
}
