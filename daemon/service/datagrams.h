/*
 * The UDP side of a door: guards, limits, and the handler's answers.
 *
 * UDP sources can be forged, so a service that answers is a tool for whoever
 * wants to hit somebody else.  Therefore:
 *
 *   - nobody is answered on a port below 1024 or on one of muxd's own UDP
 *     ports, nor what was sent to a broadcast or multicast address: two
 *     services that answer each other would never stop
 *   - no answer is longer than the request
 *   - each source prefix has a token bucket (source_datagram_rate); what is
 *     over it is dropped, so that a loop between two such services on
 *     different hosts dies out as soon as it is faster than that
 */
#ifndef MUXD_SERVICE_DATAGRAMS_H
#define MUXD_SERVICE_DATAGRAMS_H

#include "service/service.h"

extern const struct dgram_ops datagrams_ops;

#endif
