/*
 * Which local address a datagram was sent to, and from which one an answer
 * leaves: a control message (recvmsg(2)), IP_PKTINFO and IPV6_PKTINFO.
 */
#ifndef MUXD_NET_PKTINFO_H
#define MUXD_NET_PKTINFO_H

#include <sys/socket.h>

#include <stdbool.h>

#include "base/addr.h"

/* Room for the control messages of one datagram, aligned as they need. */
struct pktinfo_room {
	_Alignas(struct cmsghdr) unsigned char bytes[128];
};

/* Ask the kernel to tell it.  -1 with errno, and the option's name. */
int pktinfo_enable(int fd, enum addr_family family, const char **option);

/* Read it from a datagram that came.  local keeps its port, and becomes
 * ADDR_NONE if the kernel did not tell.  True if the datagram was sent to
 * more than this host: broadcast or multicast. */
bool pktinfo_read(struct msghdr *msg, struct addr *local);

/* Let a datagram leave from local; room must last until it is sent. */
void pktinfo_write(
    struct msghdr *msg, struct pktinfo_room *room, const struct addr *local);

#endif
