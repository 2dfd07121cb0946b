/*
 * Where the connections of a pool lead, if they lead to muxd itself.
 *
 * Streams (TCP and UNIX) stay streams and datagrams datagrams, so these are
 * two questions.  A service on port 0 is found by nobody: its port is not
 * known here.
 */
#ifndef MUXD_CONF_LOOP_H
#define MUXD_CONF_LOOP_H

#include "conf/conf.h"

/* Whether the service takes streams, or datagrams. */
bool conf_service_takes(const struct conf_service *service, bool datagrams);

/*
 * The service that answers at the address, or NULL.  local: it is an address
 * of this machine, so that the services on all addresses count as well, unless
 * one listens on exactly this one.
 */
const struct conf_service *conf_service_at(const struct conf *conf,
    bool datagrams, const struct addr *addr, bool local);

/* The service that a server is, as far as its address is no name; a loopback
 * address is local. */
const struct conf_service *conf_service_of_server(
    const struct conf *conf, bool datagrams, const struct conf_server *server);

/*
 * Whether connections of the pool to this address would come back to the pool:
 * at once, or by way of other services and pools, as far as their servers are
 * no names.  Streams and datagrams are looked at alike; one is enough.  local
 * as above.  For addresses that a name resolved to: those that stand in the
 * configuration have been checked when it was loaded.  Without memory to find
 * out, the answer is yes.
 */
bool conf_leads_back(const struct conf *conf, const struct conf_pool *pool,
    const struct addr *addr, bool local);

#endif
