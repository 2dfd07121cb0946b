/*
 * What a master that is to take over begins with: see successor.h.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "proc/lock.h"
#include "proc/master.h"
#include "proc/release.h"
#include "proc/sockets_change.h"
#include "proc/successor.h"
#include "state/bans.h"

/* ---- what was handed over ---- */

static void
keep_from_children(int *fd, void *arg)
{
	(void)arg;
	if (*fd > STDERR_FILENO)
		(void)fcntl(*fd, F_SETFD, FD_CLOEXEC);
}

struct handover *
successor_find(const char **broken)
{
	const char *text = getenv(HANDOVER_ENV);
	struct handover *handover;
	char *end;
	long fd;

	*broken = NULL;
	if (text == NULL)
		return NULL;
	fd = strtol(text, &end, 10);
	if (end == text || *end != '\0' || fd <= STDERR_FILENO ||
	    fd > INT32_MAX) {
		*broken = strerror(EINVAL);
		return NULL;
	}
	handover = handover_read((int)fd);
	if (handover == NULL) {
		*broken = strerror(errno);
		return NULL;
	}
	(void)unsetenv(HANDOVER_ENV);
	(void)close((int)fd);
	handover_each_fd(handover, keep_from_children, NULL);
	return handover;
}

void
successor_begin(struct master *master, struct handover *handover)
{
	struct successor *successor = &master->successor;

	successor->master = master;
	successor->handover = handover;
	successor->presence.fd = -1;
	if (handover != NULL)
		successor->phase = SUCCESSOR_HELD;
}

/* ---- the lock ---- */

int
successor_lock(struct master *master)
{
	const struct handover *handover = master->successor.handover;

	if (strcmp(handover->control, master->conf->control) == 0) {
		master->lock_fd = handover->lock_fd;
		return 0;
	}
	(void)close(handover->lock_fd);
	return master_lock(master);
}

/* ---- the state ---- */

/* Whether the memory that there is has room for this one beside the other. */
static bool
state_fits(const struct state *state, const struct master *master)
{
	const struct handover *handover = master->successor.handover;

	return handover->slots <= state_slots(state) &&
	    state->shape.workers == 2 * state_slots(state) &&
	    handover->nbells == state->shape.workers &&
	    master->plan.workers <= handover->slots &&
	    (handover->first == 0 || handover->first == state_slots(state));
}

/* NULL, and the successor knows why. */
static struct state *
successor_attach(struct successor *successor)
{
	const struct handover *handover = successor->handover;
	struct state *state = state_attach(handover->state_fd);

	if (state == NULL) {
		successor->apart = "it has another layout";
		(void)close(handover->state_fd);
		return NULL;
	}
	if (state_fits(state, successor->master))
		return state;
	successor->apart = "there is no room in it for this one's workers";
	state_close(state);
	return NULL;
}

/* The numbers that follow from what is there already. */
static void
adapt_plan(struct master *master)
{
	const struct handover *handover = master->successor.handover;
	struct plan *plan = &master->plan;

	/* Where slots have sockets, they go on having them. */
	if (master->successor.shares || plan->slots < handover->slots)
		plan->slots = handover->slots;
	if (master->successor.shares)
		plan->shape = master->state->shape;
	else
		plan_shape(plan, master->conf);
}

/* The side of the state that is this one's.  Nobody has been there since what
 * was there was released. */
static void
successor_clear_side(struct master *master)
{
	unsigned i;

	for (i = 0; i < master->plan.slots; i++)
		release_worker(&master->log, master->conf, master->state,
		    master->sup.first + i);
}

/* What was ordered of muxd as a whole goes on holding. */
static int
take_over_orders(const struct handover *handover, struct state *state)
{
	size_t i;

	atomic_store(&state->node->order, (uint32_t)handover->node);
	for (i = 0; i < handover->nbans; i++)
		if (bans_add(state, &handover->bans[i].prefix,
			handover->bans[i].until_ms, clock_mono_ms()) == -1)
			return -1;
	return 0;
}

/* Nobody else looks at it: what the configuration says can be written. */
static int
make_own_state(struct master *master)
{
	master->state = state_create(&master->plan.shape);
	if (master->state == NULL ||
	    slots_make(&master->slots, master->conf, master->state, 1) == -1 ||
	    take_over_orders(master->successor.handover, master->state) == -1)
		return -1;
	master->generation = 1;
	return 0;
}

int
successor_make_state(struct master *master)
{
	struct successor *successor = &master->successor;
	const struct handover *handover = successor->handover;

	master->state = successor_attach(successor);
	successor->shares = master->state != NULL;
	adapt_plan(master);
	if (!successor->shares)
		return make_own_state(master);
	master->generation = handover->generation + 1;
	master->sup.first =
	    handover->first == 0 ? state_slots(master->state) : 0;
	successor_clear_side(master);
	if (slots_make(&master->slots, master->conf, master->state,
		master->generation) == 0)
		return 0;
	if (errno == ENOSPC)
		log_printf(&master->log, LOG_LEVEL_ERROR,
		    "there is no room for so many more services, pools or"
		    " servers: that takes a restart");
	return -1;
}

void
successor_prepare_supervisor(struct master *master)
{
	struct successor *successor = &master->successor;
	struct handover *handover = successor->handover;
	struct supervisor *sup = &master->sup;
	size_t i;

	sup->held = true;
	sup->detached |= handover->detached;
	if (successor->shares) {
		sup->started_ms = handover->started_ms;
		sup->wakes = handover->bells;
	} else {
		for (i = 0; i < handover->nbells; i++) {
			(void)close(handover->bells[i].read_fd);
			(void)close(handover->bells[i].write_fd);
		}
		mem_free(handover->bells);
	}
	handover->bells = NULL;
	handover->nbells = 0;
	/* From here on what is to be said goes to the log. */
	(void)fflush(stderr);
	(void)dup2(handover->stderr_fd, STDERR_FILENO);
	(void)close(handover->stderr_fd);
}

/* ---- the sockets ---- */

/* The slots that have workers go on having them, but for the last ones, or
 * others beside them. */
static void
choose_slots(struct sockets *sockets, unsigned workers)
{
	unsigned slot, n = 0;

	for (slot = 0; slot < sockets->slots; slot++)
		n += sockets->wanted[slot];
	for (slot = sockets->slots; n > workers && slot-- > 0;) {
		n -= sockets->wanted[slot];
		sockets->wanted[slot] = false;
	}
	for (slot = 0; slot < sockets->slots && n < workers; slot++) {
		n += !sockets->wanted[slot];
		sockets->wanted[slot] = true;
	}
}

/* Arrays by slot have as many entries as there are slots here. */
static int
widen(struct owned *owned, unsigned from, unsigned to)
{
	int *fds = mem_array(to, sizeof(*fds));
	bool *listening = mem_array(to, sizeof(*listening));
	uint32_t *member = mem_array(to, sizeof(*member));
	unsigned i;

	if (fds == NULL || listening == NULL || member == NULL) {
		mem_free(fds);
		mem_free(listening);
		mem_free(member);
		return -1;
	}
	for (i = 0; i < to; i++) {
		fds[i] = i < from ? owned->fds[i] : -1;
		listening[i] = i < from && owned->listening[i];
		member[i] = i < from ? owned->member[i] : 0;
	}
	mem_free(owned->fds);
	mem_free(owned->listening);
	mem_free(owned->member);
	owned->fds = fds;
	owned->listening = listening;
	owned->member = member;
	return 0;
}

static int
adopt_sockets(struct master *master)
{
	struct handover *handover = master->successor.handover;
	unsigned slots = master->plan.slots, i;
	bool used[TALLY_WORKERS] = { false };
	struct owned *owned;
	size_t j;

	for (i = 0; i < handover->slots; i++)
		used[i] = handover->used[i];
	for (j = 0; j < handover->nsockets; j++) {
		owned = &handover->sockets[j];
		if (owned->service >= master->successor.before->nservices) {
			errno = EPROTO;
			return -1;
		}
		if (!owned->shared && handover->slots != slots &&
		    widen(owned, handover->slots, slots) == -1)
			return -1;
	}
	/* It is in the names of what the service manager keeps. */
	master->sockets.seed = handover->seed;
	return sockets_adopt(&master->sockets, master->successor.before,
	    handover->sockets, handover->nsockets, used, slots);
}

static void
count_bound(struct master *master)
{
	const struct sockets *sockets = &master->sockets;
	unsigned slot;

	master->plan.bound = 0;
	for (slot = 0; slot < sockets->slots; slot++)
		master->plan.bound += sockets->wanted[slot] ||
		    sockets->used[slot] || sockets_are_parked(sockets, slot);
}

static int
understand_before(struct successor *successor, struct conf_errors *errors)
{
	successor->before = conf_parse(
	    successor->handover->text, "(the configuration in force)", errors);
	if (successor->before == NULL)
		return -1;
	conf_errors_free(errors);
	memset(errors, 0, sizeof(*errors));
	return 0;
}

static int
change_sockets(struct master *master, struct conf_errors *errors)
{
	struct sockets *sockets = &master->sockets;
	const struct handover *handover = master->successor.handover;
	struct sockets_change change;

	sockets->steered = handover->steered;
	sockets->held = true;
	sockets->kept = sockets->served = master->store.heard;
	choose_slots(sockets, master->plan.workers);
	if (sockets_prepare(sockets, master->conf, &change, errors) == -1) {
		sockets_abandon(&change);
		return -1;
	}
	sockets_commit(&change, errors);
	count_bound(master);
	return plan_update(&master->plan, master->conf);
}

/* The service manager keeps those, too; of one that goes, it is told later. */
static int
assume_pages(struct master *master)
{
	const struct handover *handover = master->successor.handover;
	size_t i;

	for (i = 0; i < handover->npages; i++)
		if (store_assume_page(&master->store, handover->pages[i].fd,
			&handover->pages[i].asked) == -1)
			return -1;
	return 0;
}

/* Those of the page that are there go on; others are closed, and bound. */
static int
adopt_pages(struct master *master, struct conf_errors *errors)
{
	struct handover *handover = master->successor.handover;
	const struct conf_status *status = &master->conf->status;
	int *fds = mem_array(status->nlisten, sizeof(*fds));
	size_t i, j;

	if (fds == NULL) {
		conf_error_add(
		    errors, false, master->conf_path, 0, "%s", strerror(errno));
		return -1;
	}
	for (i = 0; i < status->nlisten; i++) {
		fds[i] = -1;
		for (j = 0; j < handover->npages && fds[i] == -1; j++)
			if (handover->pages[j].fd != -1 &&
			    endpoint_equal(&handover->pages[j].asked,
				&status->listen[i])) {
				fds[i] = handover->pages[j].fd;
				handover->pages[j].fd = -1;
			}
	}
	for (j = 0; j < handover->npages; j++)
		if (handover->pages[j].fd != -1)
			(void)close(handover->pages[j].fd);
	return status_sockets_adopt(
	    &master->status_sockets, master->conf, fds, errors);
}

int
successor_bind(struct master *master, struct conf_errors *errors)
{
	if (understand_before(&master->successor, errors) == -1)
		return -1;
	if (adopt_sockets(master) == -1 ||
	    store_assume(&master->store, &master->sockets) == -1 ||
	    assume_pages(master) == -1) {
		conf_error_add(
		    errors, false, master->conf_path, 0, "%s", strerror(errno));
		return -1;
	}
	if (change_sockets(master, errors) == -1) {
		if (errors->nerrors == 0)
			conf_error_add(errors, false, master->conf_path, 0,
			    "too many listeners for the open files that are"
			    " allowed");
		return -1;
	}
	return adopt_pages(master, errors);
}

/* ---- the control socket ---- */

int
successor_open_control(struct master *master)
{
	const struct handover *handover = master->successor.handover;
	struct control *control = &master->control;

	if (strcmp(handover->control, master->conf->control) != 0) {
		(void)close(handover->control_fd);
		return control_bind(control, master->conf->control);
	}
	control_adopt(control, master->conf->control, handover->control_fd);
	return 0;
}
