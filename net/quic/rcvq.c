// SPDX-License-Identifier: GPL-2.0-only
#include <net/sock.h>

#include "conn.h"
#include "rcvq.h"
#include "tparams.h"
#include "udp_rx.h"

/**
 * quic_rcvq_first - the queue to read next
 * @conn: connection
 *
 * Handshake data goes ahead of notifications, these ahead of everything else.
 * Early data waits for the end of the handshake.
 *
 * Return: a queue that is not empty, or NULL.
 */
struct sk_buff_head *quic_rcvq_first(struct quic_conn *conn)
{
	struct sk_buff_head *queues[] = {
		&conn->crypto[QUIC_CRYPTO_INITIAL].pieces,
		&conn->crypto[QUIC_CRYPTO_HANDSHAKE].pieces,
		&conn->events.queue,
		&quic_conn_sk(conn)->sk_receive_queue,
	};
	int i, nr = ARRAY_SIZE(queues);

	if (READ_ONCE(conn->early.held))
		nr--;
	for (i = 0; i < nr; i++)
		if (!skb_queue_empty_lockless(queues[i]))
			return queues[i];
	return NULL;
}

/* What is left of the receive buffer beside the streams that the peer has
 * opened. A quarter always is: however many streams a program allows, what
 * comes on them has to get through.
 */
static int quic_rcvq_limit(const struct quic_conn *conn)
{
	int limit = READ_ONCE(quic_conn_sk(conn)->sk_rcvbuf);

	return max_t(s64, limit - (s64)conn->streams.peer_mem, limit / 4);
}

static bool quic_rcvq_fits(struct quic_conn *conn, const struct sk_buff *skb,
			   enum quic_item_order order)
{
	int used = atomic_read(&quic_conn_sk(conn)->sk_rmem_alloc);
	int limit = quic_rcvq_limit(conn);

	if (order == QUIC_ITEM_AHEAD)
		limit -= limit / 4;
	if (!used || used + skb->truesize <= limit)
		return true;
	/* What is ahead of a gap may fill the buffer, and only this fills the
	 * gap. With nothing to read, no program could make room for it.
	 */
	return order == QUIC_ITEM_NEXT && !quic_rcvq_first(conn);
}

/**
 * quic_rcvq_make_room - let the receive buffer fit a window
 * @conn:   connection
 * @window: bytes that the peer may send ahead of the reader
 *
 * Unless the program has chosen its size.
 *
 * Context: connection lock held, or nobody else knows the socket.
 */
void quic_rcvq_make_room(struct quic_conn *conn, u64 window)
{
	struct sock *sk = quic_conn_sk(conn);

	if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK))
		WRITE_ONCE(sk->sk_rcvbuf, clamp_t(u64, window * QUIC_RCVQ_COST,
						  SOCK_MIN_RCVBUF, INT_MAX));
}

/**
 * quic_rcvq_window - what the peer may send ahead of the reader
 * @conn: connection
 *
 * As transport parameters say, unless the program has chosen a receive buffer
 * that is too small for it. Larger ones than INT_MAX cannot be had.
 *
 * Context: connection lock held.
 * Return: number of bytes.
 */
u64 quic_rcvq_window(const struct quic_conn *conn)
{
	int room = READ_ONCE(quic_conn_sk(conn)->sk_rcvbuf);
	u64 window = conn->flow.rx.window;

	if (room == INT_MAX)
		return window;
	return min_t(u64, window,
		     max(room / QUIC_RCVQ_COST, QUIC_TPARAMS_WINDOW_MIN));
}

/**
 * quic_rcvq_check_room - may what was refused come again?
 * @conn: connection
 *
 * A peer whose packets were refused waits before each repetition longer than
 * before the last. It hears of the room, see quic_loss_peer_reads(), even if
 * its limit stays what it was.
 *
 * Context: connection lock held, after something was read or dropped; what is
 * owed afterwards has to be sent.
 */
void quic_rcvq_check_room(struct quic_conn *conn)
{
	int used = atomic_read(&quic_conn_sk(conn)->sk_rmem_alloc);

	if (!conn->flow.refused)
		return;
	/* With nothing to read, what fills a gap is taken in any case. */
	if (used > quic_rcvq_limit(conn) / 2 && quic_rcvq_first(conn))
		return;
	conn->flow.refused = false;
	conn->flow.pending |= QUIC_FLOW_MAX_DATA;
}

/**
 * quic_rcvq_prepay - get the memory accounted that a batch is going to occupy
 * @conn: connection
 * @skb:  the batch
 *
 * Once for all of its datagrams, each of which is still charged by itself, and
 * refused if there is no room. What they do not take goes back with what is
 * read next.
 *
 * Context: connection lock held.
 */
void quic_rcvq_prepay(struct quic_conn *conn, struct sk_buff *skb)
{
	u32 size = QUIC_SKB_CB(skb)->batch;

	sk_rmem_schedule(quic_conn_sk(conn), skb,
			 DIV_ROUND_UP(skb->len, size) * SKB_TRUESIZE(size));
}

/**
 * quic_rcvq_free - free an item that was read
 * @skb:   the item, in no queue
 * @freed: bytes to be uncharged; grows by its true size
 *
 * Context: connection lock held; quic_rcvq_uncharge() follows.
 */
void quic_rcvq_free(struct sk_buff *skb, u32 *freed)
{
	*freed += skb->truesize;
	skb->destructor = NULL;
	skb->sk = NULL;
	consume_skb(skb);
}

/**
 * quic_rcvq_uncharge - give back what freed items have occupied
 * @conn:  connection
 * @freed: what quic_rcvq_free() has summed up
 *
 * Context: connection lock held.
 */
void quic_rcvq_uncharge(struct quic_conn *conn, u32 freed)
{
	struct sock *sk = quic_conn_sk(conn);

	if (!freed)
		return;
	atomic_sub(freed, &sk->sk_rmem_alloc);
	sk_mem_uncharge(sk, freed);
}

/**
 * quic_rcvq_charge - let an item count against the receive buffer
 * @conn:  connection
 * @skb:   the item, with its true size
 * @order: what becomes of others without it; what waits for others itself may
 *         take 3/4 of the buffer
 *
 * Context: connection lock held.
 * Return: 0, or -ENOBUFS: the item must be dropped and, if it has to come
 * again, its packet not be acknowledged.
 */
int quic_rcvq_charge(struct quic_conn *conn, struct sk_buff *skb,
		     enum quic_item_order order)
{
	struct sock *sk = quic_conn_sk(conn);

	quic_conn_assert_held(conn);
	if (!quic_rcvq_fits(conn, skb, order) ||
	    !sk_rmem_schedule(sk, skb, skb->truesize)) {
		conn->flow.refused |= order != QUIC_ITEM_ASIDE;
		return -ENOBUFS;
	}
	skb_set_owner_r(skb, sk);
	return 0;
}
