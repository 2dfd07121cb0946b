/*
 * CRC-32C, the checksum of iSCSI (RFC 3720, 12.1 and appendix B.4), which
 * headers of the PROXY protocol may carry.
 */
#ifndef MUXD_NET_CRC32C_H
#define MUXD_NET_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what crc is that of, and len bytes behind it; 0 is that of
 * nothing. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
