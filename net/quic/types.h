/* SPDX-License-Identifier: GPL-2.0-only */
/* Words that every part of the transport uses: connection IDs, addresses,
 * packet number spaces, packet types and the few sizes of RFC 9000.
 *
 * Owns:    no state.
 * Guard:   none needed.
 * Callers: everybody.
 *
 * Return convention of layers A, B and C: 0 is success; a value above 0 is the
 * QUIC transport error (QUIC_TRANSPORT_ERROR_*) that the peer has earned and
 * that the connection is to be closed with; a value below 0 is an errno, a
 * local shortage, for which the packet is dropped and not acknowledged.
 */
#ifndef _NET_QUIC_TYPES_H
#define _NET_QUIC_TYPES_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/types.h>
#include <uapi/linux/quic.h>

#define QUIC_CID_MAX_LEN	20	/* RFC 9000, 17.2: in version 1 */
#define QUIC_CID_LEN		8	/* of the IDs that we issue */
#define QUIC_CID_MIN_INITIAL	8	/* RFC 9000, 7.2: client's first DCID */
#define QUIC_RESET_TOKEN_LEN	16	/* RFC 9000, 10.3 */
#define QUIC_TAG_LEN		16	/* of every AEAD that TLS 1.3 knows */
#define QUIC_IV_LEN		12
#define QUIC_SECRET_MAX		48
#define QUIC_PN_MAX_LEN		4
#define QUIC_MIN_UDP_PAYLOAD	1200	/* RFC 9000, 14.1 */
#define QUIC_MAX_UDP_PAYLOAD	65527	/* RFC 9000, 18.2 */
#define QUIC_VARINT_MAX		((1ULL << 62) - 1)

/* RFC 9000, 12.3 */
enum quic_space_id {
	QUIC_SPACE_INITIAL,
	QUIC_SPACE_HANDSHAKE,
	QUIC_SPACE_APP,		/* 0-RTT and 1-RTT share it */
	QUIC_SPACE_MAX,
};

/* Bits, so that a set of packet types fits into a byte (RFC 9000, Table 3). */
enum quic_pkt_type {
	QUIC_PKT_INITIAL	= 0x01,
	QUIC_PKT_0RTT		= 0x02,
	QUIC_PKT_HANDSHAKE	= 0x04,
	QUIC_PKT_1RTT		= 0x08,
	QUIC_PKT_RETRY		= 0x10,
	QUIC_PKT_VERSION_NEG	= 0x20,
};

struct quic_cid {
	u8 len;
	u8 data[QUIC_CID_MAX_LEN];
};

/* An IPv4 peer of an IPv6 socket is always kept as IPv4 here, never mapped. */
union quic_addr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static inline bool quic_cid_equal(const struct quic_cid *a,
				  const struct quic_cid *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* Space in which packets of an encryption level are numbered. */
static inline enum quic_space_id quic_level_space(u8 level)
{
	switch (level) {
	case QUIC_CRYPTO_INITIAL:
		return QUIC_SPACE_INITIAL;
	case QUIC_CRYPTO_HANDSHAKE:
		return QUIC_SPACE_HANDSHAKE;
	default:
		return QUIC_SPACE_APP;
	}
}

/* Level whose keys protect packets of a type. */
static inline u8 quic_pkt_level(enum quic_pkt_type type)
{
	switch (type) {
	case QUIC_PKT_INITIAL:
		return QUIC_CRYPTO_INITIAL;
	case QUIC_PKT_HANDSHAKE:
		return QUIC_CRYPTO_HANDSHAKE;
	case QUIC_PKT_0RTT:
		return QUIC_CRYPTO_EARLY;
	default:
		return QUIC_CRYPTO_APP;
	}
}

#endif /* _NET_QUIC_TYPES_H */
