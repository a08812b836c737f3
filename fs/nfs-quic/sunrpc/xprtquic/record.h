/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RPC over QUIC: record marking (RFC 5531, 11), one stream.
 *
 * Owns:    where in a message a stream is.
 * Guard:   the socket lock; read from quic_read_streams() only.
 * Callers: receive.c, svc_receive.c.
 */
#ifndef _XPRTQUIC_RECORD_H
#define _XPRTQUIC_RECORD_H

#include <linux/types.h>

struct sk_buff;

/**
 * struct rpcquic_record - position in a stream of messages
 * @marker:	marker of the current fragment
 * @marker_len:	bytes of it that are there
 * @left:	bytes of the fragment that are still to come
 */
struct rpcquic_record {
	__be32	marker;
	u32	marker_len;
	u32	left;
};

/**
 * struct rpcquic_piece - received bytes that are being looked at
 * @skb:    holds them
 * @offset: where the next are
 * @len:    how many there are
 */
struct rpcquic_piece {
	struct sk_buff	*skb;
	u32		offset;
	u32		len;
};

bool rpcquic_record_next(struct rpcquic_record *rec,
			 struct rpcquic_piece *piece);
u32 rpcquic_record_payload(const struct rpcquic_record *rec,
			   const struct rpcquic_piece *piece);
bool rpcquic_record_take(struct rpcquic_record *rec,
			 struct rpcquic_piece *piece, u32 len);
bool rpcquic_record_idle(const struct rpcquic_record *rec);
void rpcquic_piece_copy(struct rpcquic_piece *piece, void *to, u32 len);

#endif /* _XPRTQUIC_RECORD_H */
