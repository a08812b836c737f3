/* SPDX-License-Identifier: GPL-2.0-only */
/* Send buffer: the bytes of one ordered byte string (a stream, or the CRYPTO
 * data of one level) from the moment a program hands them over until the peer
 * has acknowledged them. They live in page fragments, written once; packets
 * refer to the pages and retransmission is by range.
 *
 * Owns:    struct quic_send_buf, the pages, and their charge to sk_wmem_queued.
 * Guard:   the connection lock.
 * Callers: stream_send.c, crypto_stream.c.
 */
#ifndef _NET_QUIC_SEND_BUF_H
#define _NET_QUIC_SEND_BUF_H

#include <linux/list.h>
#include <linux/types.h>
#include "range.h"

struct iov_iter;
struct quic_pkt_builder;
struct quic_send_chunk;
struct sock;

/**
 * struct quic_send_buf - bytes not yet acknowledged
 * @chunks: struct quic_send_chunk in order, with the bytes from @start on
 * @cursor: chunk that was used last, where the next search begins
 * @turn:   when what is appended is written, relative to other buffers
 * @start:  first byte that is not known to have arrived
 * @next:   first byte that was never sent
 * @end:    behind the last byte that was handed over
 * @lost:   ranges below @next to send again
 * @acked:  ranges above @start that have arrived
 */
struct quic_send_buf {
	struct list_head chunks;
	struct quic_send_chunk *cursor;
	u64 turn;
	u64 start;
	u64 next;
	u64 end;
	struct quic_range_set lost;
	struct quic_range_set acked;
};

void quic_send_buf_init(struct quic_send_buf *buf);
int quic_send_buf_append(struct quic_send_buf *buf, struct sock *sk,
			 struct iov_iter *from, u32 len, bool splice);

bool quic_send_buf_next_lost(const struct quic_send_buf *buf,
			     struct quic_range *range);
u64 quic_send_buf_next_turn(struct quic_send_buf *buf);
u32 quic_send_buf_fit(struct quic_send_buf *buf,
		      const struct quic_pkt_builder *b, u64 offset, u32 len);
int quic_send_buf_put(struct quic_send_buf *buf, struct quic_pkt_builder *b,
		      u64 offset, u32 len);
void quic_send_buf_on_sent(struct quic_send_buf *buf, u64 offset, u32 len);
void quic_send_buf_reclaim(struct sock *sk);
void quic_send_buf_on_acked(struct quic_send_buf *buf, struct sock *sk,
			    u64 offset, u32 len);
void quic_send_buf_rewind(struct quic_send_buf *buf);
void quic_send_buf_on_lost(struct quic_send_buf *buf, u64 offset, u32 len);

void quic_send_buf_purge(struct quic_send_buf *buf, struct sock *sk);

/* Bytes that were handed over and never sent. */
static inline u64 quic_send_buf_fresh(const struct quic_send_buf *buf)
{
	return buf->end - buf->next;
}

/* Everything that was handed over has arrived. */
static inline bool quic_send_buf_empty(const struct quic_send_buf *buf)
{
	return buf->start == buf->end;
}

#endif /* _NET_QUIC_SEND_BUF_H */
