/* SPDX-License-Identifier: GPL-2.0-only */
/* Reassembly of an ordered byte string (a stream, or the CRYPTO data of one
 * level) from pieces that arrive in any order, overlap and repeat. Pieces are
 * skbs that share the received datagram's memory, or small copies where that
 * would hold far more memory than it carries.
 *
 * Owns:    struct quic_reasm and the pieces behind the first gap, which are
 *          charged to the socket's receive buffer.
 * Guard:   the connection lock.
 * Callers: stream_recv.c, crypto_stream.c.
 */
#ifndef _NET_QUIC_REASM_H
#define _NET_QUIC_REASM_H

#include <linux/rbtree.h>
#include <linux/skbuff.h>
#include <linux/types.h>

/**
 * struct quic_reasm - pieces behind the first gap
 * @tree:  pieces by offset, disjoint
 * @next:  first byte that has not been delivered
 * @nr:    pieces in @tree
 */
struct quic_reasm {
	struct rb_root tree;
	u64 next;
	u32 nr;
};

struct sk_buff *quic_piece_alloc(struct sk_buff *skb, const u8 *data, u32 len,
				 gfp_t gfp);
struct sk_buff *quic_piece_begin(const u8 *data, u32 len, u32 room, gfp_t gfp);
void quic_piece_pull(struct sk_buff *piece, u32 len);
u64 quic_piece_end(struct sk_buff *piece);

void quic_reasm_init(struct quic_reasm *reasm);
void quic_reasm_insert(struct quic_reasm *reasm, struct sk_buff *piece);
struct sk_buff *quic_reasm_pop(struct quic_reasm *reasm);
void quic_reasm_purge(struct quic_reasm *reasm);

#endif /* _NET_QUIC_REASM_H */
