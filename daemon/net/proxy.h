/*
 * The PROXY protocol, versions 1 and 2 (proxy-protocol.txt of HAProxy): the
 * header in which a proxy tells who its client is, in front of all else on a
 * connection.
 *
 * Pure functions: no I/O, no memory, no time.  The parser is strict, since
 * what two programs read differently is a way past lists and limits: what the
 * specification does not allow is PROXY_INVALID.  It looks at the bytes in
 * their order and says what is wrong as soon as it is, so bytes that come in
 * pieces get the verdict of the whole (section numbers are those of the
 * specification):
 *
 *   signature    neither version's is PROXY_ABSENT: these bytes are something
 *                else, and not a bad header
 *   version 1    the protocol's word; then nothing until CR LF, which must be
 *                there within 107 bytes (2.1); then the four fields
 *   version 2    version and command, family, length; nothing more until all
 *                is there (2.2); then addresses, TLVs, checksum
 *
 * A header without addresses (version 1: UNKNOWN; version 2: LOCAL, or the
 * family UNSPEC) is local: the socket's own addresses count.  The family of
 * LOCAL is ignored (2.2).  If it is a known one and its addresses are all
 * there, the TLVs behind them are read as those of any other header; if not,
 * nothing is.
 *
 * UNIX addresses come out as ADDR_UNIX: their paths are not kept.
 */
#ifndef MUXD_NET_PROXY_H
#define MUXD_NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* The bytes that a header begins with, by its version. */
#define PROXY_SIGNATURE_V1_LEN 6
#define PROXY_SIGNATURE_V2_LEN 12
extern const unsigned char proxy_signature_v1[PROXY_SIGNATURE_V1_LEN];
extern const unsigned char proxy_signature_v2[PROXY_SIGNATURE_V2_LEN];

/* A header of version 1, with its CR LF. */
#define PROXY_V1_MAX 107
/* The TLVs of one header; one that announces more is invalid. */
#define PROXY_TLVS_MAX 2048
/* No header that is accepted or written is longer: UNIX addresses, TLVs, and
 * the checksum that the writer adds. */
#define PROXY_HEADER_MAX (16 + 216 + PROXY_TLVS_MAX + 7)

enum proxy_verdict {
	PROXY_INCOMPLETE, /* what came can become a header */
	PROXY_COMPLETE,
	PROXY_INVALID, /* it begins like a header, and is none: see why */
	PROXY_ABSENT   /* it is no header */
};

struct proxy_header {
	uint8_t version; /* 1 or 2 */
	bool local;      /* src and dst are ADDR_NONE */
	bool dgram;      /* the client speaks UDP, or UNIX datagrams */
	struct addr src; /* the client; the port may be 0 */
	struct addr dst; /* what it has connected to */
	size_t tlvs;     /* where the TLVs begin in the data */
	size_t tlvs_len; /* 0: none */
	const char *why; /* static text: what is wrong */
};

/*
 * What the first len bytes of a connection are.  COMPLETE: *size is the length
 * of the header, <= PROXY_HEADER_MAX, and what follows is the client's.
 * INCOMPLETE: *size is > len, and the header has at least so many bytes: they
 * can be read without touching what follows.  Otherwise *size is 0, and
 * header has nothing but why (INVALID), which completes the sentence "bad
 * PROXY header: …".
 */
enum proxy_verdict proxy_parse(const unsigned char *data, size_t len,
    struct proxy_header *header, size_t *size);

/*
 * How far the first bytes of a connection agree with a signature.  Zeroed
 * memory is the beginning.  Since what agrees equals the constant, it need
 * not be kept to be given back: see proxy_sniff_held().
 */
struct proxy_sniff {
	uint8_t version; /* of the signature they agree with; 0: none yet */
	uint8_t held;    /* bytes that agree */
};

enum proxy_sniffed {
	PROXY_SNIFF_MORE,  /* all bytes so far agree: held counts them */
	PROXY_SNIFF_FOUND, /* a whole signature has come */
	PROXY_SNIFF_NONE   /* no signature: held is what agreed before data */
};

/* The next len bytes.  Not to be called again after another answer than
 * MORE. */
enum proxy_sniffed proxy_sniff(
    struct proxy_sniff *sniff, const unsigned char *data, size_t len);

/* The bytes that agreed, sniff->held of them. */
const unsigned char *proxy_sniff_held(const struct proxy_sniff *sniff);

/* A header to be written. */
struct proxy_out {
	struct addr src;
	struct addr dst;
	bool local;  /* version 2: the LOCAL command; version 1: UNKNOWN */
	bool dgram;  /* version 1 knows none: UNKNOWN */
	bool crc32c; /* version 2: with a checksum */
	/* Version 2: those of a header that was accepted, or other whole
	 * ones.  They are passed on byte for byte, but for a checksum among
	 * them, which is counted anew. */
	const unsigned char *tlvs;
	size_t tlvs_len;
};

/*
 * Write a header into buf, of which PROXY_HEADER_MAX bytes always suffice (for
 * version 1: PROXY_V1_MAX).  Returns its length; 0 when it does not fit, or
 * the TLVs are none or more than PROXY_TLVS_MAX bytes.
 *
 * If one address is IPv4 and the other IPv6, the first is written in its
 * IPv4-mapped form.  If they do not go together otherwise, or one is not
 * known, the header says that none is (UNKNOWN, UNSPEC); so does version 1 of
 * UNIX addresses.  Those of version 2 have empty paths.
 */
size_t proxy_write_v1(
    unsigned char *buf, size_t size, const struct proxy_out *out);
size_t proxy_write_v2(
    unsigned char *buf, size_t size, const struct proxy_out *out);

#endif
