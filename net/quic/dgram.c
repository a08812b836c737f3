// SPDX-License-Identifier: GPL-2.0-only
#include <linux/uio.h>

#include "conn.h"
#include "dgram.h"
#include "drop.h"
#include "frame.h"
#include "packet_build.h"
#include "rcvq.h"
#include "reasm.h"

/**
 * quic_dgrams_init - start with an empty queue
 * @conn: connection
 */
void quic_dgrams_init(struct quic_conn *conn)
{
	__skb_queue_head_init(&conn->dgrams.queue);
	conn->dgrams.bytes = 0;
}

/* Undo what quic_dgram_append() has charged. */
static void quic_dgram_free(struct quic_conn *conn, struct sk_buff *skb)
{
	struct sock *sk = quic_conn_sk(conn);

	__skb_unlink(skb, &conn->dgrams.queue);
	conn->dgrams.bytes -= skb->len;
	sk_wmem_queued_add(sk, -skb->truesize);
	sk_mem_uncharge(sk, skb->truesize);
	kfree_skb(skb);
}

/**
 * quic_dgrams_destroy - drop what was not sent
 * @conn: connection that is going away
 */
void quic_dgrams_destroy(struct quic_conn *conn)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&conn->dgrams.queue)))
		quic_dgram_free(conn, skb);
}

/**
 * quic_dgram_max_len - longest datagram that can be sent now
 * @conn: connection
 *
 * Bounded by one packet on the present path, and by the frame that the peer
 * accepts (RFC 9221, 3 and 5).
 *
 * Context: connection lock held.
 * Return: number of bytes, or 0 when the peer accepts none.
 */
u32 quic_dgram_max_len(struct quic_conn *conn)
{
	u32 room = conn->path.max_payload -
		   quic_pkt_overhead(conn, QUIC_PKT_1RTT);
	u32 limit = min_t(u64, room, conn->remote.max_datagram_frame_size);
	u32 header = quic_frame_len_datagram(limit);

	return limit > header ? limit - header : 0;
}

/**
 * quic_dgram_append - queue a datagram
 * @conn: connection
 * @msg:  its bytes
 * @len:  how many, at most quic_dgram_max_len()
 *
 * Context: connection lock held, process context.
 * Return: 0, -ENOMEM or -EFAULT.
 */
int quic_dgram_append(struct quic_conn *conn, struct msghdr *msg, u32 len)
{
	struct sock *sk = quic_conn_sk(conn);
	struct sk_buff *skb;

	quic_conn_assert_held(conn);
	skb = alloc_skb(len, sk->sk_allocation);
	if (!skb)
		return -ENOMEM;
	if (!sk_wmem_schedule(sk, skb->truesize)) {
		kfree_skb(skb);
		return -ENOMEM;
	}
	if (!copy_from_iter_full(skb_put(skb, len), len, &msg->msg_iter)) {
		kfree_skb(skb);
		return -EFAULT;
	}
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	__skb_queue_tail(&conn->dgrams.queue, skb);
	conn->dgrams.bytes += len;
	return 0;
}

/**
 * quic_dgram_recv - a DATAGRAM frame has come (RFC 9221, 4)
 * @conn:  connection
 * @frame: the frame
 * @skb:   datagram that its data lies in
 *
 * Without room it is dropped, and acknowledged nevertheless.
 *
 * Context: connection lock held.
 * Return: 0 or a transport error.
 */
int quic_dgram_recv(struct quic_conn *conn,
		    const struct quic_frame_datagram *frame,
		    struct sk_buff *skb)
{
	struct sock *sk = quic_conn_sk(conn);
	u64 limit = conn->local.max_datagram_frame_size;
	struct sk_buff *piece;

	quic_conn_assert_held(conn);
	if (frame->size > limit)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	/* RFC 9221, 4 allows it, but what recvmsg() returns for it would read
	 * as the end of data.
	 */
	if (!frame->len)
		return 0;
	piece = quic_piece_alloc(skb, frame->data, frame->len, GFP_ATOMIC);
	if (!piece) {
		quic_drop_count(sock_net(sk), sk, QUIC_DROP_NOMEM);
		return 0;
	}
	quic_item(piece)->kind = QUIC_ITEM_DATAGRAM;
	if (quic_rcvq_charge(conn, piece, QUIC_ITEM_ASIDE)) {
		quic_drop_skb(sock_net(sk), sk, piece, QUIC_DROP_RCVBUF);
		return 0;
	}
	__skb_queue_tail(&sk->sk_receive_queue, piece);
	conn->events.wake_reader = true;
	return 0;
}

/**
 * quic_dgrams_pending - tell whether a datagram waits
 * @conn: connection
 *
 * Return: whether quic_dgrams_put_frames() would put a frame into an empty
 * packet, or has to drop one that has become too long.
 */
bool quic_dgrams_pending(struct quic_conn *conn)
{
	return !skb_queue_empty(&conn->dgrams.queue);
}

/**
 * quic_dgrams_put_frames - put DATAGRAM frames into a packet
 * @conn: connection
 * @b:    1-RTT packet
 *
 * Datagrams that no packet of the present path can carry are dropped: the path
 * has become narrower since they were queued.
 *
 * Context: connection lock held.
 * Return: whether a frame was put.
 */
bool quic_dgrams_put_frames(struct quic_conn *conn, struct quic_pkt_builder *b)
{
	u32 max_len = quic_dgram_max_len(conn);
	bool put = false;
	struct sk_buff *skb;
	u32 header;
	u8 *p;

	quic_conn_assert_held(conn);
	while ((skb = skb_peek(&conn->dgrams.queue))) {
		header = quic_frame_len_datagram(skb->len);
		if (quic_pkt_room(b) >= header + skb->len) {
			if (!quic_pkt_records_left(b))
				break;
			p = quic_pkt_put(b, header + skb->len);
			p = quic_frame_put_datagram(p, skb->len);
			memcpy(p, skb->data, skb->len);
			quic_pkt_record(b, QUIC_SENT_DATAGRAM, 0, 0, skb->len,
					false);
			put = true;
		} else if (skb->len <= max_len) {
			break;
		}
		quic_dgram_free(conn, skb);
		conn->events.wake_writer = true;
	}
	return put;
}
