/*
 * Local addresses of datagrams by IP_PKTINFO (ip(7)) and IPV6_PKTINFO
 * (RFC 3542, section 6).
 */
#include <netinet/in.h>

#include <string.h>

#include "net/pktinfo.h"

int
pktinfo_enable(int fd, enum addr_family family, const char **option)
{
	const int on = 1;

	if (family == ADDR_INET6) {
		*option = "IPV6_RECVPKTINFO";
		return setsockopt(
		    fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	*option = "IP_PKTINFO";
	return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
}

static bool
pktinfo_read4(struct cmsghdr *cmsg, struct addr *local)
{
	struct in_pktinfo info;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	local->family = ADDR_INET4;
	memcpy(local->ip, &info.ipi_addr, sizeof(info.ipi_addr));
	/* The address that an answer would have differs from the one in the
	 * header when that one is not this host's alone. */
	return info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr;
}

static bool
pktinfo_read6(struct cmsghdr *cmsg, struct addr *local)
{
	struct in6_pktinfo info;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	local->family = ADDR_INET6;
	memcpy(local->ip, &info.ipi6_addr, sizeof(info.ipi6_addr));
	local->scope = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)
	    ? (uint32_t)info.ipi6_ifindex
	    : 0;
	return IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
}

bool
pktinfo_read(struct msghdr *msg, struct addr *local)
{
	struct cmsghdr *cmsg;
	uint16_t port = local->port;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level == IPPROTO_IP &&
		    cmsg->cmsg_type == IP_PKTINFO)
			return pktinfo_read4(cmsg, local);
		if (cmsg->cmsg_level == IPPROTO_IPV6 &&
		    cmsg->cmsg_type == IPV6_PKTINFO)
			return pktinfo_read6(cmsg, local);
	}
	memset(local, 0, sizeof(*local));
	local->port = port;
	return false;
}

/* One control message around info. */
static void
pktinfo_put(struct msghdr *msg, struct pktinfo_room *room, int level, int type,
    const void *info, size_t len)
{
	struct cmsghdr *cmsg = (void *)room->bytes;

	memset(room, 0, sizeof(*room));
	msg->msg_control = room->bytes;
	msg->msg_controllen = CMSG_SPACE(len);
	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cmsg), info, len);
}

void
pktinfo_write(
    struct msghdr *msg, struct pktinfo_room *room, const struct addr *local)
{
	struct in_pktinfo info4;
	struct in6_pktinfo info6;

	/* The interface is left to the routing table, which may well send
	 * the answer out of another one, unless the address needs it. */
	if (local->family == ADDR_INET4) {
		memset(&info4, 0, sizeof(info4));
		memcpy(
		    &info4.ipi_spec_dst, local->ip, sizeof(info4.ipi_spec_dst));
		pktinfo_put(
		    msg, room, IPPROTO_IP, IP_PKTINFO, &info4, sizeof(info4));
	} else if (local->family == ADDR_INET6) {
		memset(&info6, 0, sizeof(info6));
		memcpy(&info6.ipi6_addr, local->ip, sizeof(info6.ipi6_addr));
		info6.ipi6_ifindex = local->scope;
		pktinfo_put(msg, room, IPPROTO_IPV6, IPV6_PKTINFO, &info6,
		    sizeof(info6));
	}
}
