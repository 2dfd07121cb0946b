/*
 * The queue of a pool: first in, first out in each worker.
 */
#include "service/pool.h"
#include "service/service.h"

bool
pool_wait(
    struct pool *pool, struct pool_waiter *waiter, struct ledger_entry *entry)
{
	if (!ledger_take_queue(
		&pool->set->ledger, entry, pool->slot, pool->conf->queue))
		return false;
	list_append(&pool->waiters, &waiter->link);
	return true;
}

void
pool_unwait(
    struct pool *pool, struct pool_waiter *waiter, struct ledger_entry *entry)
{
	list_remove(&waiter->link);
	ledger_give_queue(&pool->set->ledger, entry);
}

/*
 * Who stays although servers may have room is one that tried these in vain;
 * those behind need not wait for it.
 */
void
pool_retry(struct pool *pool)
{
	struct list *node, *next;

	pool->full = false;
	for (node = pool->waiters.next; node != &pool->waiters && !pool->full;
	     node = next) {
		next = node->next;
		container_of(node, struct pool_waiter, link)
		    ->call(container_of(node, struct pool_waiter, link));
	}
}

void
pool_ejection_ends(struct timer *timer)
{
	pool_retry(container_of(timer, struct pool, timer));
}
