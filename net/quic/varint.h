/* SPDX-License-Identifier: GPL-2.0-only */
/* Variable-length integers (RFC 9000, 16) and packet numbers on the wire
 * (RFC 9000, 17.1, A.2 and A.3).
 *
 * Owns:    no state.
 * Guard:   none needed, pure functions on bytes.
 * Callers: everything that reads or writes a header, a frame or a transport
 *          parameter.
 */
#ifndef _NET_QUIC_VARINT_H
#define _NET_QUIC_VARINT_H

#include "types.h"

#define QUIC_VARINT_MAX_LEN	8

/* Bytes of the shortest encoding; @val must not exceed QUIC_VARINT_MAX. */
static inline u32 quic_varint_len(u64 val)
{
	if (val < (1ULL << 6))
		return 1;
	if (val < (1ULL << 14))
		return 2;
	return val < (1ULL << 30) ? 4 : 8;
}

int quic_varint_get(const u8 **pos, const u8 *end, u64 *val);
u8 *quic_varint_put(u8 *p, u64 val);
u8 *quic_varint_put_fixed(u8 *p, u64 val, u8 len);

/* A byte string behind its length; @data may be NULL if there is none. */
static inline u8 *quic_put_bytes(u8 *p, const u8 *data, u32 len)
{
	if (len)
		memcpy(p, data, len);
	return p + len;
}

/* Packet numbers. "largest" is -1 while there is none, so that the arithmetic
 * of the RFC needs no special case.
 */
u8 quic_pn_len(u64 pn, s64 largest_acked, u64 behind);
u8 *quic_pn_put(u8 *p, u64 pn, u8 pn_len);
u32 quic_pn_get(const u8 *p, u8 pn_len);
u64 quic_pn_expand(s64 largest_pn, u32 truncated_pn, u8 pn_len);

#endif /* _NET_QUIC_VARINT_H */
