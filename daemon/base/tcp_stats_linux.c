/*
 * TCP_INFO of Linux, by the kernel's own header: that of the C library lacks
 * what is newer than 2007.
 */
#include "base/tcp_stats.h"

#include <sys/socket.h>

#include <linux/tcp.h>
#include <netinet/in.h>

#include <string.h>

bool
tcp_stats_read(int fd, struct tcp_stats *stats)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	/* An older kernel fills in less. */
	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return false;
	*stats = (struct tcp_stats){
		.rtt_us = info.tcpi_rtt,
		.rtt_variation_us = info.tcpi_rttvar,
		.rtt_min_us =
		    info.tcpi_min_rtt == UINT32_MAX ? 0 : info.tcpi_min_rtt,
		.retransmits = info.tcpi_total_retrans,
		.unacked = info.tcpi_unacked,
		.lost = info.tcpi_lost,
		.cwnd = info.tcpi_snd_cwnd,
		.mss = info.tcpi_snd_mss,
		.unsent = info.tcpi_notsent_bytes,
		.received_ms = info.tcpi_last_data_recv,
	};
	return true;
}
