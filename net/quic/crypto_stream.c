// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "conn.h"
#include "crypto_stream.h"
#include "frame.h"
#include "packet_build.h"
#include "rcvq.h"

/* RFC 8446, 4 */
#define QUIC_TLS_HDR_LEN		4
#define QUIC_TLS_NEW_SESSION_TICKET	4
#define QUIC_TLS_CERTIFICATE_REQUEST	13
#define QUIC_TLS_UNEXPECTED_MESSAGE	10

/**
 * quic_crypto_init - all levels start empty
 * @conn: connection
 */
void quic_crypto_init(struct quic_conn *conn)
{
	struct quic_crypto_stream *cs;

	for (cs = conn->crypto; cs < conn->crypto + QUIC_CRYPTO_STREAMS; cs++) {
		memset(cs, 0, sizeof(*cs));
		quic_send_buf_init(&cs->out);
		quic_reasm_init(&cs->in);
		__skb_queue_head_init(&cs->pieces);
	}
}

/**
 * quic_crypto_destroy - release what all levels hold
 * @conn: connection that is going away
 */
void quic_crypto_destroy(struct quic_conn *conn)
{
	struct quic_crypto_stream *cs;

	for (cs = conn->crypto; cs < conn->crypto + QUIC_CRYPTO_STREAMS; cs++) {
		quic_send_buf_purge(&cs->out, quic_conn_sk(conn));
		quic_reasm_purge(&cs->in);
		__skb_queue_purge(&cs->pieces);
		kfree_sensitive(cs->msg.data);
		cs->msg.data = NULL;
	}
}

/* Only the first ticket of a server is kept, if its size is accepted; others
 * pass by.
 */
static void quic_crypto_msg_begin(struct quic_crypto_msg *msg)
{
	u32 size = QUIC_TLS_HDR_LEN + msg->left;

	if (msg->done || size > QUIC_TICKET_MAX)
		return;
	msg->data = kmalloc(size, GFP_ATOMIC);
	if (!msg->data)
		return;
	memcpy(msg->data, msg->hdr, QUIC_TLS_HDR_LEN);
	msg->len = QUIC_TLS_HDR_LEN;
}

static void quic_crypto_msg_end(struct quic_conn *conn,
				struct quic_crypto_msg *msg)
{
	msg->hdr_len = 0;
	msg->done = true;
	if (!msg->data)
		return;
	if (!quic_blob_set(&conn->settings.ticket, msg->data, msg->len,
			   GFP_ATOMIC))
		quic_event_new_session_ticket(conn, msg->data, msg->len);
	kfree_sensitive(msg->data);
	msg->data = NULL;
}

/* After the handshake only a server has something to say, and only tickets: no
 * authentication of clients (RFC 9001, 4.4), no KeyUpdate (RFC 9001, 6).
 */
static int quic_crypto_msg_check(const struct quic_conn *conn, u8 type)
{
	if (!conn->is_server && type == QUIC_TLS_NEW_SESSION_TICKET)
		return 0;
	if (!conn->is_server && type == QUIC_TLS_CERTIFICATE_REQUEST)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	return QUIC_TRANSPORT_ERROR_CRYPTO + QUIC_TLS_UNEXPECTED_MESSAGE;
}

/* A message's header: byte by byte, as frames may cut anywhere. */
static int quic_crypto_msg_header(struct quic_conn *conn,
				  struct quic_crypto_msg *msg, u8 byte)
{
	int err;

	msg->hdr[msg->hdr_len++] = byte;
	if (msg->hdr_len < QUIC_TLS_HDR_LEN)
		return 0;
	err = quic_crypto_msg_check(conn, msg->hdr[0]);
	if (err)
		return err;
	msg->left = get_unaligned_be24(&msg->hdr[1]);
	quic_crypto_msg_begin(msg);
	if (!msg->left)
		quic_crypto_msg_end(conn, msg);
	return 0;
}

static int quic_crypto_msg_feed(struct quic_conn *conn,
				struct quic_crypto_msg *msg, const u8 *data,
				u32 len)
{
	u32 part;
	int err;

	while (len) {
		if (msg->hdr_len < QUIC_TLS_HDR_LEN) {
			err = quic_crypto_msg_header(conn, msg, *data++);
			if (err)
				return err;
			len--;
			continue;
		}
		part = min(len, msg->left);
		if (msg->data) {
			memcpy(msg->data + msg->len, data, part);
			msg->len += part;
		}
		data += part;
		len -= part;
		msg->left -= part;
		if (!msg->left)
			quic_crypto_msg_end(conn, msg);
	}
	return 0;
}

static int quic_crypto_deliver(struct quic_conn *conn, u8 level,
			       struct sk_buff *piece)
{
	struct quic_crypto_stream *cs = &conn->crypto[level];
	int err;

	if (level == QUIC_CRYPTO_APP) {
		err = quic_crypto_msg_feed(conn, &cs->msg, piece->data,
					   piece->len);
		consume_skb(piece);
		return err;
	}
	if (level == QUIC_CRYPTO_HANDSHAKE)
		quic_early_feed(conn, piece->data, piece->len);
	cs->unread += piece->len;
	__skb_queue_tail(&cs->pieces, piece);
	conn->events.wake_reader = true;
	return 0;
}

/* What a peer may make us hold is bounded in bytes and in pieces. */
static int quic_crypto_recv_check(const struct quic_crypto_stream *cs, u64 end)
{
	if (end - cs->in.next + cs->unread > QUIC_CRYPTO_BUF_MAX ||
	    cs->in.nr >= QUIC_CRYPTO_PIECES_MAX)
		return QUIC_TRANSPORT_ERROR_CRYPTO_BUF_EXCEEDED;
	return 0;
}

/**
 * quic_crypto_recv - a CRYPTO frame has come (RFC 9000, 19.6)
 * @conn:  connection
 * @level: encryption level of its packet
 * @frame: the frame
 * @skb:   datagram that its data lies in
 *
 * Context: connection lock held.
 * Return: 0, a transport error, or a negative errno when the packet must not be
 * acknowledged.
 */
int quic_crypto_recv(struct quic_conn *conn, u8 level,
		     const struct quic_frame_crypto *frame,
		     struct sk_buff *skb)
{
	struct quic_crypto_stream *cs = &conn->crypto[level];
	u64 end = frame->offset + frame->len;
	u64 start = max(frame->offset, cs->in.next);
	struct sk_buff *piece;
	int err;

	quic_conn_assert_held(conn);
	if (end <= start || cs->closed)
		return 0;
	err = quic_crypto_recv_check(cs, end);
	if (err)
		return err;

	piece = quic_piece_alloc(skb, frame->data + (start - frame->offset),
				 end - start, GFP_ATOMIC);
	if (!piece)
		return -ENOMEM;
	quic_item(piece)->kind = QUIC_ITEM_HANDSHAKE;
	quic_item(piece)->level = level;
	quic_item(piece)->offset = start;
	err = quic_rcvq_charge(conn, piece, start == cs->in.next ?
			       QUIC_ITEM_NEXT : QUIC_ITEM_AHEAD);
	if (err) {
		kfree_skb(piece);
		return err;
	}
	quic_reasm_insert(&cs->in, piece);
	while (!err && (piece = quic_reasm_pop(&cs->in)))
		err = quic_crypto_deliver(conn, level, piece);
	return err;
}

/**
 * quic_crypto_consume - a program has read CRYPTO data
 * @conn:  connection
 * @level: of which level
 * @len:   number of bytes
 */
void quic_crypto_consume(struct quic_conn *conn, u8 level, u32 len)
{
	conn->crypto[level].unread -= len;
}

/**
 * quic_crypto_append - queue TLS messages for the peer
 * @conn:  connection
 * @level: encryption level
 * @from:  the bytes; advanced by what was taken
 * @len:   how many at most
 *
 * Nothing leaves before quic_crypto_cork() says so.
 *
 * Context: connection lock held, process context.
 * Return: number of bytes taken, above 0; or -ENOMEM, -EFAULT.
 */
int quic_crypto_append(struct quic_conn *conn, u8 level, struct iov_iter *from,
		       u32 len)
{
	struct quic_crypto_stream *cs = &conn->crypto[level];

	quic_conn_assert_held(conn);
	if (!quic_send_buf_fresh(&cs->out))
		cs->corked = true;
	return quic_send_buf_append(&cs->out, quic_conn_sk(conn), from, len,
				    false);
}

/**
 * quic_crypto_cork - hold the data of a level back, or let all levels go
 * @conn:  connection
 * @level: encryption level
 * @more:  more is to come, of this or another level (MSG_MORE)
 */
void quic_crypto_cork(struct quic_conn *conn, u8 level, bool more)
{
	int i;

	if (more) {
		conn->crypto[level].corked = true;
		return;
	}
	for (i = 0; i < QUIC_CRYPTO_STREAMS; i++)
		conn->crypto[i].corked = false;
}

/**
 * quic_crypto_pending - tell whether a level has something to send now
 * @conn:  connection
 * @level: encryption level
 *
 * Context: connection lock held.
 * Return: whether quic_crypto_put_frames() would put a frame.
 */
bool quic_crypto_pending(struct quic_conn *conn, u8 level)
{
	const struct quic_crypto_stream *cs = &conn->crypto[level];

	if (!quic_range_set_empty(&cs->out.lost))
		return true;
	return quic_send_buf_fresh(&cs->out) && !cs->corked;
}

static bool quic_crypto_choose(const struct quic_crypto_stream *cs,
			       struct quic_range *range)
{
	if (quic_send_buf_next_lost(&cs->out, range))
		return true;
	range->start = cs->out.next;
	range->end = cs->out.end;
	return range->start < range->end && !cs->corked;
}

/**
 * quic_crypto_put_frames - put CRYPTO frames of a level into a packet
 * @conn:  connection
 * @level: encryption level
 * @b:     packet of that level
 *
 * Context: connection lock held.
 * Return: whether a frame was put.
 */
bool quic_crypto_put_frames(struct quic_conn *conn, u8 level,
			    struct quic_pkt_builder *b)
{
	struct quic_crypto_stream *cs = &conn->crypto[level];
	struct quic_range range;
	bool put = false;
	u32 room, len;
	int fit;
	u8 *p;

	quic_conn_assert_held(conn);
	while (quic_crypto_choose(cs, &range) && quic_pkt_records_left(b)) {
		room = quic_pkt_room(b);
		len = min_t(u64, range.end - range.start, room);
		fit = len ? quic_frame_fit_crypto(room, range.start, len) : 0;
		if (fit <= 0)
			break;
		len = quic_send_buf_fit(&cs->out, b, range.start, fit);
		if (!len)
			break;
		p = quic_pkt_put(b, quic_frame_len_crypto(range.start, len));
		quic_frame_put_crypto(p, range.start, len);
		if (WARN_ON_ONCE(quic_send_buf_put(&cs->out, b, range.start,
						   len)))
			break;
		quic_pkt_record(b, QUIC_SENT_CRYPTO, level, range.start, len,
				false);
		quic_send_buf_on_sent(&cs->out, range.start, len);
		put = true;
	}
	return put;
}

/**
 * quic_crypto_frame_acked - a CRYPTO frame has arrived
 * @conn:  connection
 * @frame: what the packet carried
 *
 * Context: connection lock held.
 */
void quic_crypto_frame_acked(struct quic_conn *conn,
			     const struct quic_sent_frame *frame)
{
	struct quic_crypto_stream *cs = &conn->crypto[frame->id];

	quic_send_buf_on_acked(&cs->out, quic_conn_sk(conn), frame->offset,
			       frame->len);
	conn->events.wake_writer = true;
}

/**
 * quic_crypto_frame_lost - a CRYPTO frame has to be sent again
 * @conn:  connection
 * @frame: what the packet carried
 *
 * Context: connection lock held.
 */
void quic_crypto_frame_lost(struct quic_conn *conn,
			    const struct quic_sent_frame *frame)
{
	quic_send_buf_on_lost(&conn->crypto[frame->id].out, frame->offset,
			      frame->len);
}

/**
 * quic_crypto_restart - send again everything that was not acknowledged
 * @conn:  connection
 * @level: encryption level
 *
 * After a Retry or a Version Negotiation packet (RFC 9000, 17.2.5.3).
 *
 * Context: connection lock held.
 */
void quic_crypto_restart(struct quic_conn *conn, u8 level)
{
	struct quic_send_buf *out = &conn->crypto[level].out;

	quic_send_buf_on_lost(out, out->start, out->next - out->start);
}

/**
 * quic_crypto_discard - the keys of a level are gone (RFC 9001, 4.9)
 * @conn:  connection
 * @level: encryption level
 *
 * What a program has not read yet stays readable.
 *
 * Context: connection lock held.
 */
void quic_crypto_discard(struct quic_conn *conn, u8 level)
{
	struct quic_crypto_stream *cs = &conn->crypto[level];

	quic_conn_assert_held(conn);
	cs->closed = true;
	quic_send_buf_purge(&cs->out, quic_conn_sk(conn));
	quic_reasm_purge(&cs->in);
	conn->events.wake_writer = true;
}
