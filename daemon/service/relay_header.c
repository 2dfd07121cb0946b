/*
 * The PROXY header that goes to the server before all else.
 */
#include <string.h>

#include "net/proxy.h"
#include "net/socket.h"
#include "service/proxied.h"
#include "service/relay.h"

static bool
is_ip(const struct addr *addr)
{
	return addr->family == ADDR_INET4 || addr->family == ADDR_INET6;
}

void
relay_send_header(struct relay *relay)
{
	const struct session *session = relay->session;
	unsigned char buf[PROXY_HEADER_MAX];
	struct proxy_out out = { .src = session->entry->client };
	size_t n;

	if (relay->picked->pool->conf->proxy_protocol == PROXY_NONE)
		return;
	if (session->proxied != NULL) {
		out.dst = session->proxied->dst;
		out.tlvs = session->proxied->tlvs;
		out.tlvs_len = session->proxied->tlvs_len;
	} else if (socket_local(session->client.io.fd, &out.dst) == -1) {
		/* The header says that it is not known. */
		memset(&out.dst, 0, sizeof(out.dst));
	}
	/* HAProxy takes PROXY with any other family, UNSPEC too, for a bad
	 * header.  LOCAL is what every receiver must understand. */
	if (!is_ip(&out.src) || !is_ip(&out.dst)) {
		memset(&out.src, 0, sizeof(out.src));
		memset(&out.dst, 0, sizeof(out.dst));
		out.local = true;
	}
	if (relay->picked->pool->conf->proxy_protocol == PROXY_V1)
		n = proxy_write_v1(buf, sizeof(buf), &out);
	else
		n = proxy_write_v2(buf, sizeof(buf), &out);
	(void)stream_write(&relay->server, buf, n);
}
