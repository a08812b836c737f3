/* SPDX-License-Identifier: GPL-2.0-only */
/* Items that wait for recvmsg(): what each skb in one of the queues is, and how
 * much may wait. The queues are read in this order: CRYPTO data of INITIAL and
 * HANDSHAKE level (struct quic_crypto_stream), notifications (struct
 * quic_events), then stream data and datagrams in order of arrival
 * (sk->sk_receive_queue).
 *
 * Owns:    the meaning of skb->cb in these queues and in reassembly; what is
 *          charged to sk->sk_rmem_alloc.
 * Guard:   the connection lock; quic_rcvq_first() only looks whether queues are
 *          empty, without it.
 * Callers: whoever queues; recvmsg.c and poll.c.
 */
#ifndef _NET_QUIC_RCVQ_H
#define _NET_QUIC_RCVQ_H

#include <linux/skbuff.h>
#include <linux/types.h>

struct quic_conn;

enum quic_item_kind {
	QUIC_ITEM_HANDSHAKE,
	QUIC_ITEM_EVENT,
	QUIC_ITEM_DATAGRAM,
	QUIC_ITEM_STREAM,
};

/* How an item stands to what can be read already. */
enum quic_item_order {
	QUIC_ITEM_NEXT,		/* the next bytes of a stream: others wait for it */
	QUIC_ITEM_AHEAD,	/* waits for other packets itself */
	QUIC_ITEM_ASIDE,	/* may be dropped for good */
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

struct sk_buff_head *quic_rcvq_first(struct quic_conn *conn);
void quic_rcvq_prepay(struct quic_conn *conn, struct sk_buff *skb);
/* Memory for a byte that the peer may send: small packets take up more than
 * their bytes.
 */
#define QUIC_RCVQ_COST		4

void quic_rcvq_make_room(struct quic_conn *conn, u64 window);
u64 quic_rcvq_window(const struct quic_conn *conn);
void quic_rcvq_check_room(struct quic_conn *conn);
int quic_rcvq_charge(struct quic_conn *conn, struct sk_buff *skb,
		     enum quic_item_order order);
void quic_rcvq_free(struct sk_buff *skb, u32 *freed);
void quic_rcvq_uncharge(struct quic_conn *conn, u32 freed);

#endif /* _NET_QUIC_RCVQ_H */
