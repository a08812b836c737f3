// SPDX-License-Identifier: GPL-2.0-only
#include <linux/export.h>
#include <linux/net.h>
#include <linux/quic.h>
#include <linux/uio.h>

#include "conn.h"
#include "output.h"
#include "rcvq.h"
#include "recvmsg.h"
#include "sendmsg.h"
#include "stream_recv.h"
#include "wait.h"

static struct sk_buff_head *quic_recv_wait(struct quic_conn *conn, long timeo)
{
	struct sock *sk = quic_conn_sk(conn);
	struct sk_buff_head *queue;
	int err;

	for (;;) {
		if (quic_conn_is(conn, QUIC_STATE_LISTENING))
			return ERR_PTR(-ENOTCONN);
		queue = quic_rcvq_first(conn);
		if (queue)
			return queue;
		if (quic_conn_is(conn, QUIC_STATE_CLOSED))
			return ERR_PTR(-ENOTCONN);
		quic_send_gathered(conn);
		err = quic_wait(sk, &timeo);
		if (err)
			return ERR_PTR(err);
	}
}

/* A caller inside the kernel without a control buffer does not look for one to
 * have been too short.
 */
static void quic_recv_put_cmsg(struct msghdr *msg, int type, void *info,
			       int len, u32 stream_flags)
{
	if (!msg->msg_control && !msg->msg_control_is_user) {
		msg->msg_flags |= stream_flags;
		return;
	}
	put_cmsg(msg, SOL_QUIC, type, len, info);
	if (msg->msg_flags & MSG_CTRUNC)
		msg->msg_flags |= stream_flags;
}

static void quic_recv_describe(struct msghdr *msg, const struct quic_item *item)
{
	struct quic_handshake_info info = { .crypto_level = item->level };

	switch (item->kind) {
	case QUIC_ITEM_HANDSHAKE:
		quic_recv_put_cmsg(msg, QUIC_HANDSHAKE_INFO, &info,
				   sizeof(info), 0);
		break;
	case QUIC_ITEM_EVENT:
		msg->msg_flags |= MSG_QUIC_NOTIFICATION;
		break;
	case QUIC_ITEM_DATAGRAM:
		msg->msg_flags |= MSG_QUIC_DATAGRAM;
		break;
	}
}

/* One item or, where the buffer is too short, the beginning of it. */
static int quic_recv_record(struct quic_conn *conn, struct sk_buff_head *queue,
			    struct msghdr *msg, size_t len, bool peek)
{
	struct sk_buff *skb = skb_peek(queue);
	u32 n = min_t(size_t, len, skb->len);
	int err;

	err = skb_copy_datagram_msg(skb, 0, msg, n);
	if (err)
		return err;
	quic_recv_describe(msg, quic_item(skb));
	if (n == skb->len)
		msg->msg_flags |= MSG_EOR;
	if (peek)
		return n;

	if (quic_item(skb)->kind == QUIC_ITEM_HANDSHAKE)
		quic_crypto_consume(conn, quic_item(skb)->level, n);
	quic_piece_pull(skb, n);
	if (!skb->len) {
		__skb_unlink(skb, queue);
		consume_skb(skb);
	}
	return n;
}

/* @n bytes of an item were copied; it goes when nothing is left of it. */
static void quic_recv_take(struct quic_conn *conn, struct sk_buff_head *queue,
			   struct sk_buff *skb, u32 n, u32 *freed)
{
	bool done = n == skb->len;

	quic_stream_recv_consume(conn, quic_item(skb)->stream_id, n, done);
	quic_piece_pull(skb, n);
	if (!done)
		return;
	__skb_unlink(skb, queue);
	quic_rcvq_free(skb, freed);
}

static bool quic_recv_same(const struct sk_buff_head *queue,
			   struct sk_buff *skb, u64 id)
{
	return skb != (const struct sk_buff *)queue &&
	       quic_item(skb)->kind == QUIC_ITEM_STREAM &&
	       quic_item(skb)->stream_id == id;
}

/* The peer learns about the room that reading has made. */
static void quic_recv_announce(struct quic_conn *conn)
{
	quic_rcvq_check_room(conn);
	if (!quic_conn_is(conn, QUIC_STATE_CLOSED) &&
	    (conn->flow.pending || !list_empty(&conn->streams.control)))
		quic_output(conn);
}

/* Programs of 32 bits know the structure without padding at its end where they
 * align 64 bits to four bytes.
 */
static int quic_recv_info_len(const struct msghdr *msg)
{
	if (IS_ENABLED(CONFIG_COMPAT_FOR_U64_ALIGNMENT) &&
	    msg->msg_flags & MSG_CMSG_COMPAT)
		return offsetofend(struct quic_stream_info, stream_flags);
	return sizeof(struct quic_stream_info);
}

/* As much of one stream as is there and fits, up to its FIN. */
static int quic_recv_stream(struct quic_conn *conn, struct sk_buff_head *queue,
			    struct msghdr *msg, size_t len, bool peek)
{
	struct sk_buff *next, *skb = skb_peek(queue);
	struct quic_stream_info info = {
		.stream_id = quic_item(skb)->stream_id,
	};
	bool fin = false;
	size_t done = 0;
	u32 freed = 0;
	int err;
	u32 n;

	do {
		n = min_t(size_t, len - done, skb->len);
		err = skb_copy_datagram_msg(skb, 0, msg, n);
		if (err)
			break;
		done += n;
		fin = quic_item(skb)->fin && n == skb->len;
		next = skb->next;
		if (!peek)
			quic_recv_take(conn, queue, skb, n, &freed);
		skb = next;
	} while (!fin && done < len &&
		 quic_recv_same(queue, skb, info.stream_id));
	quic_rcvq_uncharge(conn, freed);

	if (!done && err)
		return err;
	if (fin)
		info.stream_flags = MSG_QUIC_STREAM_FIN;
	quic_recv_put_cmsg(msg, QUIC_STREAM_INFO, &info, quic_recv_info_len(msg),
			   info.stream_flags);
	return done;
}

static int quic_recv_item(struct quic_conn *conn, struct msghdr *msg,
			  size_t len, int flags)
{
	bool peek = flags & MSG_PEEK;
	struct sk_buff_head *queue;
	int n;

	queue = quic_recv_wait(conn, sock_rcvtimeo(quic_conn_sk(conn),
						   flags & MSG_DONTWAIT));
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	if (quic_item(skb_peek(queue))->kind == QUIC_ITEM_STREAM)
		n = quic_recv_stream(conn, queue, msg, len, peek);
	else
		n = quic_recv_record(conn, queue, msg, len, peek);
	quic_recv_announce(conn);
	return n;
}

/**
 * quic_recvmsg - struct proto: hand out the next item
 * @sk:    socket
 * @msg:   where to
 * @len:   room there
 * @flags: MSG_DONTWAIT and MSG_PEEK; programs pass back what they got the last
 *         time, so that all others are ignored
 *
 * Context: process context, takes the socket lock.
 * Return: number of bytes; 0 for a FIN alone; or a negative errno.
 */
int quic_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	int n;

	quic_lock_for_msg(sk, msg);
	n = quic_recv_item(quic_conn(sk), msg, min_t(size_t, len, INT_MAX),
			   flags);
	quic_unlock(sk);
	return n;
}

/* After so many bytes others get the lock. */
#define QUIC_READ_BATCH		262144

static void quic_read_events(struct quic_conn *conn, struct quic_read *read)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&conn->events.queue))) {
		if (read->event)
			read->event(read, skb->data[0], skb->data + 1,
				    skb->len - 1);
		consume_skb(skb);
	}
}

/* Return: whether to go on. */
static bool quic_read_item(struct quic_conn *conn, struct sk_buff_head *queue,
			   struct quic_read *read, u32 *done,
			   u32 *freed)
{
	struct sk_buff *skb = skb_peek(queue);
	u32 n, len = skb->len;

	if (quic_item(skb)->kind != QUIC_ITEM_STREAM) {
		__skb_unlink(skb, queue);
		consume_skb(skb);
		return true;
	}
	n = read->data(read, quic_item(skb)->stream_id, skb,
		       quic_item(skb)->fin);
	quic_recv_take(conn, queue, skb, n, freed);
	*done += n;
	return n == len && !read->stop;
}

/**
 * quic_read_streams - hand out received stream data without copying it
 * @sk:   socket
 * @read: what to do with it
 *
 * For users inside the kernel, who look at each piece before they decide where
 * it goes. Pieces of a stream come in order. Datagrams are dropped.
 *
 * Context: process context, takes the socket lock.
 * Return: whether more can be read, if only that others had to get the lock.
 */
int quic_read_streams(struct sock *sk, struct quic_read *read)
{
	struct sk_buff_head *queue = &sk->sk_receive_queue;
	struct quic_conn *conn = quic_conn(sk);
	u32 done = 0, freed = 0;
	int more;

	lock_sock(sk);
	quic_steer_here(&conn->steer);
	quic_read_events(conn, read);
	while (done < QUIC_READ_BATCH && !skb_queue_empty(queue))
		if (!quic_read_item(conn, queue, read, &done, &freed))
			break;
	quic_rcvq_uncharge(conn, freed);
	quic_recv_announce(conn);
	more = !skb_queue_empty(queue);
	release_sock(sk);
	return more;
}
EXPORT_SYMBOL_GPL(quic_read_streams);
