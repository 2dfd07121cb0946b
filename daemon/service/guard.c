/*
 * Guarding first bytes: see guard.h.
 */
#include "service/guard.h"

#include "service/handler.h"
#include "service/session.h"

void
guard_release(struct session *session)
{
	const struct proxy_sniff *sniff = &session->sniff;

	session->guarded = false;
	if (sniff->held > 0)
		session->door->service->handler->data(
		    session, proxy_sniff_held(sniff), sniff->held);
}

bool
guard_pass(struct session *session, const unsigned char *data, size_t len)
{
	switch (proxy_sniff(&session->sniff, data, len)) {
	case PROXY_SNIFF_MORE:
		return false;
	case PROXY_SNIFF_FOUND:
		session_abort(session, REASON_PROXY_UNTRUSTED, 0);
		return false;
	case PROXY_SNIFF_NONE:
		guard_release(session);
		break;
	}
	return !session->over && session_is_live(session);
}
