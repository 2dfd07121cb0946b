/*
 * What the kernel knows of a TCP connection (tcp(7), TCP_INFO): how far away
 * its peer is, and how well bytes arrive there.
 *
 *   tcp_stats_linux.c   Linux
 *   tcp_stats_none.c    systems that do not tell, or not all of it
 */
#ifndef MUXD_BASE_TCP_STATS_H
#define MUXD_BASE_TCP_STATS_H

#include <stdbool.h>
#include <stdint.h>

/* Plain numbers without padding: it goes from one process to another. */
struct tcp_stats {
	uint32_t rtt_us; /* smoothed */
	uint32_t rtt_variation_us;
	uint32_t rtt_min_us;
	uint32_t retransmits; /* segments sent again, in all */
	uint32_t unacked;     /* segments under way */
	uint32_t lost;        /* of these, taken to be lost */
	uint32_t cwnd;        /* segments that may be under way */
	uint32_t mss;         /* bytes of a segment */
	uint32_t unsent;      /* bytes that wait in the kernel */
	uint32_t received_ms; /* since the peer last sent anything */
};

/* False where the socket or the system does not tell. */
bool tcp_stats_read(int fd, struct tcp_stats *stats);

#endif
