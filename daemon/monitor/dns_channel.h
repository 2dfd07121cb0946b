/*
 * A channel of c-ares in an event loop: its descriptors and its time-outs.
 * What is asked, and what becomes of the answers, is the resolver's.
 */
#ifndef MUXD_MONITOR_DNS_CHANNEL_H
#define MUXD_MONITOR_DNS_CHANNEL_H

/* What came after 1.27 is not everywhere yet. */
#define CARES_NO_DEPRECATED
#include <ares.h>

#include "event/loop.h"

/* How it is opened; c-ares has the system's settings for what is not here. */
struct dns_channel_options {
	const char *servers;     /* "192.0.2.1:53,[2001:db8::1]:53"; NULL: those
				  * of resolv_conf */
	const char *resolv_conf; /* the path of resolv.conf(5) */
	int timeout_ms;          /* of the first try; later ones take longer */
	int tries;               /* of each server */
};

struct dns_channel {
	struct loop *loop;
	ares_channel ares;          /* NULL: not open */
	struct ares_options search; /* what a name is tried with */
	struct list sockets;
	struct timer timer;
};

/* Returns ARES_SUCCESS, or what c-ares says; then there is nothing to
 * close. */
int dns_channel_open(struct dns_channel *channel, struct loop *loop,
    const struct dns_channel_options *options);

/* Ends all that is under way with ARES_EDESTRUCTION.  Not from within a
 * callback of c-ares.  Does nothing to one that is not open. */
void dns_channel_close(struct dns_channel *channel);

/* A name with a domain of the search list; longer ones are in no DNS. */
#define DNS_CANDIDATE_SIZE 1025

/*
 * Candidate i of the names that a name may stand for, in the order in which
 * they are to be tried, into buf of DNS_CANDIDATE_SIZE: with the search list
 * of resolv.conf(5), unless the servers are our own or the name ends in a dot.
 * False behind the last one.
 */
bool dns_channel_candidate(
    const struct dns_channel *channel, const char *name, size_t i, char *buf);

/* Set the timer anew; to be called when c-ares was asked something. */
void dns_channel_settle(struct dns_channel *channel);

#endif
