/*
 * What the sockets of a worker share, set up and taken down.
 */
#include <string.h>

#include "base/mem.h"
#include "net/net.h"
#include "net/stream.h"

#define NET_READ_BUDGET   (2 * (size_t)NET_SCRATCH_SIZE)
#define NET_ACCEPT_BUDGET 64
#define NET_HIGH_WATER    (64 * (size_t)1024)
#define NET_LOW_WATER     (16 * (size_t)1024)

int
net_open(struct net *net, struct loop *loop, const struct bufpool_grant *grant)
{
	memset(net, 0, sizeof(*net));
	net->scratch = mem_zalloc(NET_SCRATCH_SIZE);
	if (net->scratch == NULL)
		return -1;
	net->loop = loop;
	net->read_budget = NET_READ_BUDGET;
	net->accept_budget = NET_ACCEPT_BUDGET;
	net->high_water = NET_HIGH_WATER;
	net->low_water = NET_LOW_WATER;
	bufpool_init(&net->pool, grant, NET_RESERVE);
	list_init(&net->broken);
	timer_init(&net->tell, stream_tell_broken);
	timer_init(&net->upkeep, stream_upkeep);
	return 0;
}

void
net_close(struct net *net)
{
	loop_timer_cancel(net->loop, &net->tell);
	loop_timer_cancel(net->loop, &net->upkeep);
	bufpool_close(&net->pool);
	mem_free(net->scratch);
	net->scratch = NULL;
}
