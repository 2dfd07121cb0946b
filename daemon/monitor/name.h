/*
 * One server whose address is a name: what names.c works on.
 */
#ifndef MUXD_MONITOR_NAME_H
#define MUXD_MONITOR_NAME_H

#include "conf/conf.h"
#include "event/timer.h"
#include "monitor/name_target.h"
#include "monitor/places.h"

struct names;

struct name {
	struct names *names;
	const struct conf_pool *pool;
	const struct conf_server *server;
	struct state_pool *shared;
	struct places places;
	unsigned first_place; /* in the state */
	struct name_targets targets;
	struct timer timer; /* of the next round */

	/* The round under way: targets are asked for priority by priority. */
	size_t group, group_end;
	unsigned pending;
	bool failed; /* some target was not heard of */
	bool found;  /* some target was resolved */
	uint32_t ttl;
	char error[160]; /* why something was not found */

	/* What the rounds before came to. */
	bool settled;           /* there was one */
	bool filled;            /* there were addresses in its places */
	bool answered;          /* to this process */
	unsigned failures;      /* rounds in a row without an address */
	uint64_t none_since_ms; /* and without a failure; 0: it was not so */
	uint64_t logged_ms;     /* of a failure */
	size_t surplus;         /* addresses beyond the places */
};

#endif
