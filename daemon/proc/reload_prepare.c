/*
 * What the master makes ready for a reload: see reload_prepare.h.
 */
#include "proc/reload_prepare.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/change.h"
#include "conf/source.h"
#include "net/net.h"
#include "proc/brief.h"
#include "proc/status_sockets.h"

static int
reload_read(struct reload *reload)
{
	const struct conf *running = reload->sup->conf;
	struct conf_errors errors = { 0 };
	struct conf *again;
	struct stat st;
	char *text;

	/* To open a pipe that nobody writes to would never end; one that cannot
	 * be found is the loader's to complain of. */
	if (stat(reload->path, &st) == 0 && !S_ISREG(st.st_mode)) {
		reload_blame(reload, "it is no regular file");
		return -1;
	}
	reload->conf = conf_load(reload->path, &reload->errors);
	if (reload->conf == NULL ||
	    status_sockets_check(reload->conf, &reload->errors) == -1)
		return -1;
	if (conf_keep(reload->conf, running, &reload->errors) == -1 ||
	    (text = conf_text_with_origins(reload->conf)) == NULL) {
		reload_blame(reload, "%s", strerror(errno));
		return -1;
	}
	/* With what was kept it is another configuration than was checked. */
	again = conf_parse_with_origins(text, reload->path, &errors);
	if (again == NULL) {
		conf_errors_free(&reload->errors);
		reload->errors = errors;
		reload_blame(reload,
		    "with the options that take a restart as they are, this"
		    " does not hold together");
	} else {
		conf_errors_free(&errors);
	}
	conf_free(again);
	free(text);
	return again == NULL ? -1 : 0;
}

static int
reload_find_slots(struct reload *reload)
{
	struct state *state = reload->sup->state;
	uint32_t oldest = state_oldest_generation(state);
	uint32_t current = reload->sup->generation;

	/* Names that nobody has had since before the oldest configuration that
	 * somebody still needs make room. */
	if (oldest > current)
		oldest = current;
	if (oldest > 1)
		state_forget(state, 1, oldest - 1);
	if (slots_make(
		&reload->new_slots, reload->conf, state, reload->number) == 0)
		return 0;
	if (errno == ENOSPC)
		reload_blame(reload,
		    "there is no room for so many more services, pools or"
		    " servers (%u, %u and %u with those that sessions still"
		    " use): that takes a restart",
		    state->shape.services, state->shape.pools,
		    state->shape.servers);
	else
		reload_blame(reload, "%s", strerror(errno));
	return -1;
}

static int
reload_write_brief(struct reload *reload)
{
	const struct sockets_change *change = &reload->change;
	struct brief brief = {
		.number = reload->number,
		.connections_max = reload->new_plan.connections,
		.slots = reload->new_slots,
		.ndoors = change->n,
	};
	const struct owned *owned;
	char *text = conf_text_with_origins(reload->conf);
	size_t i;

	brief.doors = mem_array(change->n, sizeof(*brief.doors));
	for (i = 0; brief.doors != NULL && i < change->n; i++) {
		owned = sockets_change_owned(change, i);
		brief.doors[i] = (struct brief_door){
			.service = (uint32_t)change->items[i].owned.service,
			.id = owned->id,
			.shared = owned->shared,
			.fresh = sockets_change_is_fresh(change, i),
			.endpoint = owned->endpoint,
		};
	}
	if (text != NULL && brief.doors != NULL)
		reload->brief_fd = brief_write(&brief, reload->conf, text);
	if (reload->brief_fd == -1)
		reload_blame(reload, "%s", strerror(errno));
	mem_free(brief.doors);
	free(text);
	return reload->brief_fd == -1 ? -1 : 0;
}

/* A fault of what the configuration says about workers. */
static int
reload_blame_workers(struct reload *reload, const char *what, unsigned n)
{
	const struct conf_scope *scope = &reload->conf->source->scopes[0];
	const struct conf_setting *setting =
	    conf_scope_find(scope, conf_option_get(SECTION_GLOBAL, "workers"));

	conf_error_add(&reload->errors, false,
	    setting != NULL ? setting->file : scope->file,
	    setting != NULL ? setting->line : 0, "workers = %u%s (%u)",
	    reload->new_plan.workers, what, n);
	return -1;
}

/* Find slots for more workers; n of them are still to be found. */
static int
reload_add_slots(struct reload *reload, unsigned n)
{
	const struct supervisor *sup = reload->sup;
	bool *wanted = sup->sockets->wanted;
	unsigned slot;

	for (slot = 0; slot < sup->plan->slots && n > 0; slot++) {
		if (wanted[slot] || sup->workers[slot].phase != CHILD_DOWN)
			continue;
		wanted[slot] = true;
		n--;
	}
	if (n == 0)
		return 0;
	return reload_blame_workers(reload,
	    " has to wait for workers that were retired and have sessions"
	    " still",
	    n);
}

static bool
worker_is_well(const struct supervisor *sup, unsigned slot)
{
	return sup->workers[slot].phase == CHILD_RUNNING && !sup->sick[slot];
}

/* Take n slots out of those that are wanted: the last ones, but who does not
 * serve goes first. */
static void
reload_drop_slots(struct reload *reload, unsigned n)
{
	const struct supervisor *sup = reload->sup;
	bool *wanted = sup->sockets->wanted, all = false;
	unsigned slot;

	for (slot = sup->plan->slots; n > 0;) {
		if (slot == 0) {
			all = true;
			slot = sup->plan->slots;
		}
		slot--;
		if (!wanted[slot] || (!all && worker_is_well(sup, slot)))
			continue;
		wanted[slot] = false;
		n--;
	}
}

/* Which slots have a worker: those that have one, or some of them, or others
 * beside them. */
static int
reload_choose_slots(struct reload *reload)
{
	struct plan *plan = &reload->new_plan;
	struct sockets *sockets = reload->sup->sockets;
	unsigned n = reload->plan->workers;
	int result = 0;

	plan->workers = plan_workers(plan, reload->conf);
	if (plan->workers > plan->slots)
		return reload_blame_workers(reload,
		    " takes a restart: that is more than there is room for",
		    plan->slots);
	memcpy(sockets->wanted, sockets->used, plan->slots * sizeof(bool));
	if (n > plan->workers)
		reload_drop_slots(reload, n - plan->workers);
	else if (n < plan->workers)
		result = reload_add_slots(reload, plan->workers - n);
	plan->bound = sockets_count_slots(sockets);
	return result;
}

/* The workers have given up the capability that a mark takes, or they keep
 * it. */
static int
reload_check_marks(struct reload *reload)
{
	const struct conf *conf = reload->conf;
	const struct conf_pool *pool;
	size_t i;

	for (i = 0; !reload->identity->marks && i < conf->npools; i++) {
		pool = &conf->pools[i];
		if (pool->socket.mark == 0)
			continue;
		conf_error_add(&reload->errors, false, pool->file, pool->line,
		    "pool \"%s\": the first socket.mark takes a restart, since"
		    " the processes have given up the privilege for it",
		    pool->name);
		return -1;
	}
	return 0;
}

/* That memory, descriptors and privileges suffice. */
static int
reload_check(struct reload *reload)
{
	const struct conf *conf = reload->conf;
	struct plan *plan = &reload->new_plan;
	uint64_t needed = (uint64_t)plan->workers * NET_RESERVE * CHUNK_SIZE;

	if (plan_update(plan, conf) == -1) {
		reload_blame(reload,
		    "too many listeners for the open files that are allowed"
		    " (RLIMIT_NOFILE; with select, FD_SETSIZE)");
		return -1;
	}
	if (conf->memory < needed) {
		reload_blame(reload,
		    "limits.memory is %llu, but %u workers need %llu bytes",
		    (unsigned long long)conf->memory, plan->workers,
		    (unsigned long long)needed);
		return -1;
	}
	return reload_check_marks(reload);
}

int
reload_prepare(struct reload *reload)
{
	reload->new_plan = *reload->plan;
	if (reload_read(reload) == -1 || reload_choose_slots(reload) == -1 ||
	    reload_check(reload) == -1 || reload_find_slots(reload) == -1 ||
	    sockets_prepare(reload->sup->sockets, reload->conf, &reload->change,
		&reload->errors) == -1)
		return -1;
	return reload_write_brief(reload);
}
