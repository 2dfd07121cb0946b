/*
 * What a PROXY header has told about a client, beside its address, which is
 * the one that its ledger entry has.
 */
#ifndef MUXD_SERVICE_PROXIED_H
#define MUXD_SERVICE_PROXIED_H

#include <stddef.h>

#include "base/addr.h"

/* One piece of memory, released with mem_free().  After a header that told no
 * addresses (net/proxy.h: local) these are the connection's own. */
struct proxied {
	struct addr peer; /* who has sent the header */
	struct addr dst;  /* where the client has connected to */
	size_t tlvs_len;
	unsigned char tlvs[]; /* of version 2, as they came */
};

#endif
