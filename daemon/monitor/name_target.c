/*
 * The hosts behind a name; see name_target.h.
 */
#include "monitor/name_target.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- addresses of a target ------------------------------------------------------- */

static int
by_address(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static void
addrs_sort(struct addr *addrs, size_t *n)
{
	size_t i, left = 0;

	if (*n == 0)
		return;
	qsort(addrs, *n, sizeof(*addrs), by_address);
	for (i = 0; i < *n; i++)
		if (left == 0 || addr_compare(&addrs[left - 1], &addrs[i]) != 0)
			addrs[left++] = addrs[i];
	*n = left;
}

static enum resolver_outcome
outcome_of(const struct resolver_addresses *answer, const struct addr *addr)
{
	return addr->family == ADDR_INET4 ? answer->inet4 : answer->inet6;
}

/* Of old addresses those of a family that failed, and new ones. */
static size_t
addrs_merge(struct addr *out, const struct name_target *target,
    const struct resolver_addresses *answer)
{
	const struct addr *addr;
	size_t i, n = 0;

	for (i = 0; i < target->naddrs; i++) {
		addr = &target->addrs[i];
		if (outcome_of(answer, addr) == RESOLVER_FAILED)
			out[n++] = *addr;
	}
	for (i = 0; i < answer->n; i++) {
		addr = &answer->items[i];
		if (addr_is_any(addr) || addr_is_multicast(addr))
			continue;
		out[n] = *addr;
		out[n++].port = target->port;
	}
	return n;
}

int
name_target_take(
    struct name_target *target, const struct resolver_addresses *answer)
{
	struct addr *addrs;
	size_t n;

	target->failed = answer->inet4 == RESOLVER_FAILED ||
	    answer->inet6 == RESOLVER_FAILED;
	if (target->failed && answer->n == 0)
		return 0;
	addrs = mem_array(target->naddrs + answer->n + 1, sizeof(*addrs));
	if (addrs == NULL) {
		target->failed = true;
		return -1;
	}
	n = addrs_merge(addrs, target, answer);
	addrs_sort(addrs, &n);
	mem_free(target->addrs);
	target->addrs = addrs;
	target->naddrs = n;
	return 0;
}

/* ---- targets ---------------------------------------------------------------------- */

void
name_targets_free(struct name_targets *targets)
{
	size_t i;

	for (i = 0; i < targets->n; i++) {
		mem_free(targets->items[i].host);
		mem_free(targets->items[i].addrs);
	}
	mem_free(targets->items);
	targets->items = NULL;
	targets->n = 0;
}

static int
target_adopt(struct name_target *target, const struct places *places)
{
	struct addr addr;
	uint32_t weight;
	unsigned i;

	target->addrs = mem_array(places->n, sizeof(*target->addrs));
	if (target->addrs == NULL)
		return -1;
	for (i = 0; i < places->n; i++)
		if (state_server_get(&places->first[i], &addr, &weight) &&
		    addr.port == target->port)
			target->addrs[target->naddrs++] = addr;
	addrs_sort(target->addrs, &target->naddrs);
	return 0;
}

int
name_targets_init(struct name_targets *targets, const char *host, uint16_t port,
    uint64_t weight, const struct places *places)
{
	struct name_target *target =
	    mem_push(&targets->items, &targets->n, sizeof(*target));

	if (target == NULL || (target->host = mem_strdup(host)) == NULL)
		return -1;
	target->port = port;
	target->weight = weight;
	return target_adopt(target, places);
}

static int
by_priority(const void *a, const void *b)
{
	const struct name_target *one = a, *other = b;
	int order;

	if (one->priority != other->priority)
		return one->priority < other->priority ? -1 : 1;
	if (one->weight != other->weight)
		return one->weight > other->weight ? -1 : 1;
	order = strcmp(one->host, other->host);
	return order != 0 ? order : (int)one->port - (int)other->port;
}

size_t
name_targets_group(const struct name_targets *targets, size_t first)
{
	size_t end = first;

	while (end < targets->n &&
	    targets->items[end].priority == targets->items[first].priority)
		end++;
	return end;
}

/* From the weights of SRV records to those of places. */
static void
targets_weigh(struct name_targets *targets, uint64_t weight)
{
	size_t i, first, end;

	for (first = 0; first < targets->n; first = end) {
		end = name_targets_group(targets, first);
		/* The heaviest comes first. */
		if (targets->items[first].weight == 0) {
			for (i = first; i < end; i++)
				targets->items[i].weight = weight;
			continue;
		}
		for (i = first; i < end; i++)
			targets->items[i].weight = targets->items[i].weight == 0
			    ? 1
			    : targets->items[i].weight * weight;
	}
}

static int
target_copy_addrs(struct name_target *to, const struct name_targets *from)
{
	const struct name_target *old;
	size_t i;

	for (i = 0; i < from->n; i++) {
		old = &from->items[i];
		if (old->naddrs == 0 || old->port != to->port ||
		    strcmp(old->host, to->host) != 0)
			continue;
		to->addrs =
		    mem_dup(old->addrs, old->naddrs * sizeof(*old->addrs));
		if (to->addrs == NULL)
			return -1;
		to->naddrs = old->naddrs;
		return 0;
	}
	return 0;
}

/* The dot says that the name is whole: no search list for it. */
static int
target_add(struct name_targets *targets, const struct name_targets *before,
    const struct resolver_service *service)
{
	struct name_target *target =
	    mem_push(&targets->items, &targets->n, sizeof(*target));

	if (target == NULL ||
	    (target->host = mem_printf("%s.", service->target)) == NULL)
		return -1;
	target->port = service->port;
	target->priority = service->priority;
	target->weight = service->weight;
	return target_copy_addrs(target, before);
}

int
name_targets_replace(struct name_targets *targets,
    const struct resolver_services *answer, uint64_t weight)
{
	struct name_targets next = { 0 };
	size_t i;

	for (i = 0; i < answer->n; i++) {
		if (answer->items[i].target[0] == '\0' ||
		    answer->items[i].port == 0)
			continue;
		if (target_add(&next, targets, &answer->items[i]) == -1) {
			name_targets_free(&next);
			return -1;
		}
	}
	if (next.n > 0)
		qsort(next.items, next.n, sizeof(*next.items), by_priority);
	targets_weigh(&next, weight);
	name_targets_free(targets);
	*targets = next;
	return 0;
}
