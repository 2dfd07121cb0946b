/*
 * Messages that the kernel cuts up.
 */
#include <netinet/in.h>
#include <netinet/udp.h>

#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/dgram_segment.h"

bool
dgram_segment_works(void)
{
	int fd = compat_socket(AF_INET, SOCK_DGRAM, 0), size;
	socklen_t len = sizeof(size);
	bool works;

	if (fd == -1)
		return false;
	works = getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &len) != -1;
	(void)close(fd);
	return works;
}

void
dgram_segment_write(
    struct msghdr *msg, struct pktinfo_room *room, uint16_t size)
{
	struct cmsghdr *cmsg;

	memset(room, 0, sizeof(*room));
	if (msg->msg_controllen > 0)
		memcpy(room->bytes, msg->msg_control, msg->msg_controllen);
	cmsg = (void *)(room->bytes + msg->msg_controllen);
	cmsg->cmsg_level = IPPROTO_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(cmsg), &size, sizeof(size));
	msg->msg_control = room->bytes;
	msg->msg_controllen += CMSG_SPACE(sizeof(size));
}
