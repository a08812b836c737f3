/* SPDX-License-Identifier: GPL-2.0-only */
/* Items that wait for recvmsg(): what each skb in one of the queues is. The
 * queues are read in this order: CRYPTO data of INITIAL and HANDSHAKE level
 * (struct quic_crypto_stream), notifications (struct quic_events), then stream
 * data and datagrams in order of arrival (sk->sk_receive_queue).
 *
 * Owns:    the meaning of skb->cb in these queues and in reassembly.
 * Guard:   the connection lock.
 * Callers: whoever queues; recvmsg.c and poll.c.
 */
#ifndef _NET_QUIC_RCVQ_H
#define _NET_QUIC_RCVQ_H

#include <linux/skbuff.h>
#include <linux/types.h>

enum quic_item_kind {
	QUIC_ITEM_HANDSHAKE,
	QUIC_ITEM_EVENT,
	QUIC_ITEM_DATAGRAM,
	QUIC_ITEM_STREAM,
};

/**
 * struct quic_item - an item's control block
 * @kind:      enum quic_item_kind
 * @level:     HANDSHAKE: encryption level
 * @fin:       STREAM: its last byte is the last of the stream
 * @offset:    STREAM, HANDSHAKE: offset of skb->data in the byte string
 * @stream_id: STREAM
 */
struct quic_item {
	u8 kind;
	u8 level;
	bool fin;
	u64 offset;
	u64 stream_id;
};

static inline struct quic_item *quic_item(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct quic_item) > sizeof_field(struct sk_buff, cb));
	return (struct quic_item *)skb->cb;
}

#endif /* _NET_QUIC_RCVQ_H */
