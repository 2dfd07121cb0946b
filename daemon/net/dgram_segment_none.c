/*
 * Systems whose kernel cuts up no messages.
 */
#include "net/dgram_segment.h"

bool
dgram_segment_works(void)
{
	return false;
}

void
dgram_segment_write(
    struct msghdr *msg, struct pktinfo_room *room, uint16_t size)
{
	(void)msg;
	(void)room;
	(void)size;
}
