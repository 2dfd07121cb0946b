/*
 * The first bytes of a client that must not send a PROXY header, to a service
 * that takes them from others.
 *
 * While they agree with a signature they are held back from the handler, and
 * when a whole one has come, the session ends before its handler saw a byte.
 * Since what is held back equals the signature, it is in no buffer.  A session
 * is guarded until the first byte that does not agree.
 */
#ifndef MUXD_SERVICE_GUARD_H
#define MUXD_SERVICE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

struct session;

/* len > 0 bytes have come to a guarded session.  Whether they are for the
 * handler, which then has got those that were held back. */
bool guard_pass(struct session *session, const unsigned char *data, size_t len);

/* No more will come: give the handler what was held back. */
void guard_release(struct session *session);

#endif
