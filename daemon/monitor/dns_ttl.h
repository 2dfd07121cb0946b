/*
 * How long a DNS answer is good for, where c-ares does not tell.
 */
#ifndef MUXD_MONITOR_DNS_TTL_H
#define MUXD_MONITOR_DNS_TTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The least time to live, in seconds, of the records in the answer section
 * of a message as it came from the network (RFC 1035, 4.1).  False if there
 * is no record, or the message is malformed. */
bool dns_ttl_least(const unsigned char *data, size_t len, uint32_t *ttl);

#endif
