// SPDX-License-Identifier: GPL-2.0-only
#include <linux/uio.h>

#include "conn.h"
#include "frame.h"
#include "packet_build.h"
#include "stream_send.h"

/**
 * quic_stream_send_init - READY
 * @stream:   new stream
 * @max_data: the peer's limit for it
 */
void quic_stream_send_init(struct quic_stream *stream, u64 max_data)
{
	struct quic_stream_send *send = &stream->send;

	send->state = QUIC_STREAM_SEND_STATE_READY;
	send->flow.max = max_data;
	quic_send_buf_init(&send->buf);
}

/**
 * quic_stream_send_credit - what flow control allows to queue
 * @conn:   connection
 * @stream: stream with a sending part
 *
 * Return: number of bytes.
 */
u64 quic_stream_send_credit(const struct quic_conn *conn,
			    const struct quic_stream *stream)
{
	return min(quic_flow_tx_credit(&conn->flow.tx),
		   quic_flow_tx_credit(&stream->send.flow));
}

/* What is queued now belongs to this stream's present turn, or to a new one if
 * another stream has been written to since.
 */
static void quic_stream_send_take_turn(struct quic_conn *conn,
				       struct quic_stream *stream)
{
	if (stream->send.buf.turn != conn->streams.turn)
		stream->send.buf.turn = ++conn->streams.turn;
}

static void quic_stream_send_unqueue(struct quic_conn *conn,
				     struct quic_stream *stream)
{
	if (RB_EMPTY_NODE(&stream->send_node))
		return;
	rb_erase_cached(&stream->send_node, &conn->streams.send);
	RB_CLEAR_NODE(&stream->send_node);
}

/* No two streams have turns in common. */
static bool quic_stream_send_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct quic_stream, send_node)->send.place <
	       rb_entry(b, struct quic_stream, send_node)->send.place;
}

/* Give the stream the place in the order of writing of what it has to send next,
 * or none. To be called whenever that may have changed.
 */
static void quic_stream_send_queue(struct quic_conn *conn,
				   struct quic_stream *stream)
{
	struct quic_stream_send *send = &stream->send;
	u64 place;

	if (!send->fin_owed && !quic_send_buf_fresh(&send->buf) &&
	    quic_range_set_empty(&send->buf.lost)) {
		quic_stream_send_unqueue(conn, stream);
		return;
	}
	place = quic_send_buf_next_turn(&send->buf);
	if (!RB_EMPTY_NODE(&stream->send_node) && send->place == place)
		return;
	quic_stream_send_unqueue(conn, stream);
	send->place = place;
	rb_add_cached(&stream->send_node, &conn->streams.send,
		      quic_stream_send_before);
}

/**
 * quic_stream_send_append - queue bytes
 * @conn:   connection
 * @stream: stream that is open for sending
 * @from:   the bytes; advanced by what was taken
 * @len:    how many, at most quic_stream_send_credit()
 * @splice: refer to the iterator's pages instead of copying
 *
 * Context: connection lock held, process context.
 * Return: number of bytes taken, above 0; or -ENOMEM, -EFAULT.
 */
int quic_stream_send_append(struct quic_conn *conn, struct quic_stream *stream,
			    struct iov_iter *from, u32 len, bool splice)
{
	struct quic_stream_send *send = &stream->send;
	int n;

	quic_conn_assert_held(conn);
	quic_stream_send_take_turn(conn, stream);
	n = quic_send_buf_append(&send->buf, quic_conn_sk(conn), from, len,
				 splice);
	if (n <= 0)
		return n;
	send->flow.used += n;
	conn->flow.tx.used += n;
	if (send->state == QUIC_STREAM_SEND_STATE_READY)
		send->state = QUIC_STREAM_SEND_STATE_SEND;
	quic_stream_send_queue(conn, stream);
	quic_stream_update_blocked(conn);
	return n;
}

/**
 * quic_stream_send_fin - the stream ends behind what was queued
 * @conn:   connection
 * @stream: stream that is open for sending
 */
void quic_stream_send_fin(struct quic_conn *conn, struct quic_stream *stream)
{
	struct quic_stream_send *send = &stream->send;

	quic_conn_assert_held(conn);
	quic_stream_send_take_turn(conn, stream);
	send->fin = true;
	send->fin_owed = true;
	conn->streams.ending++;
	if (send->state == QUIC_STREAM_SEND_STATE_READY)
		send->state = QUIC_STREAM_SEND_STATE_SEND;
	quic_stream_send_queue(conn, stream);
	if (conn->streams.active == stream)
		quic_stream_set_active(conn, NULL);
}

/**
 * quic_stream_send_cork - hold back less than a packet, or no longer
 * @stream: stream with a sending part
 * @more:   more is to come
 */
void quic_stream_send_cork(struct quic_stream *stream, bool more)
{
	stream->send.corked = more;
}

/**
 * quic_stream_send_abort - end the sending part by RESET_STREAM
 * @conn:    connection
 * @stream:  stream whose sending part has neither been reset nor completely
 *           acknowledged
 * @errcode: application error code
 */
void quic_stream_send_abort(struct quic_conn *conn, struct quic_stream *stream,
			    u64 errcode)
{
	struct quic_stream_send *send = &stream->send;
	u64 fresh = quic_send_buf_fresh(&send->buf);

	quic_conn_assert_held(conn);
	/* The peer counts up to the final size, which excludes these. */
	send->flow.used -= fresh;
	conn->flow.tx.used -= fresh;
	quic_send_buf_purge(&send->buf, quic_conn_sk(conn));
	quic_stream_send_unqueue(conn, stream);
	if (!send->fin)
		conn->streams.ending++;
	send->fin_owed = false;
	send->errcode = errcode;
	send->state = QUIC_STREAM_SEND_STATE_RESET_SENT;
	quic_stream_disown(stream, QUIC_STREAM_DATA_BLOCKED);
	quic_stream_owe(conn, stream, QUIC_STREAM_RESET);
	if (conn->streams.active == stream)
		quic_stream_set_active(conn, NULL);
	conn->events.wake_writer = true;
}

/**
 * quic_stream_send_rewind - nothing of it has arrived, nor will
 * @conn:   connection
 * @stream: stream with a sending part
 */
void quic_stream_send_rewind(struct quic_conn *conn, struct quic_stream *stream)
{
	struct quic_stream_send *send = &stream->send;

	conn->flow.tx_sent -= send->buf.next - send->buf.start;
	quic_send_buf_rewind(&send->buf);
	send->small_end = 0;
	if (send->fin) {
		send->fin_owed = true;
		send->state = QUIC_STREAM_SEND_STATE_SEND;
	}
	quic_stream_send_queue(conn, stream);
}

/* Fresh bytes that the peer's limits let leave: all that were queued, unless it
 * has refused 0-RTT and lowered the limits that they were queued by.
 */
static u64 quic_stream_send_allowed(struct quic_conn *conn,
				    const struct quic_stream *stream)
{
	const struct quic_stream_send *send = &stream->send;
	u64 fresh = quic_send_buf_fresh(&send->buf);

	if (!conn->early.lowered)
		return fresh;
	if (send->flow.max <= send->buf.next ||
	    conn->flow.tx.max <= conn->flow.tx_sent)
		return 0;
	return min3(fresh, send->flow.max - send->buf.next,
		    conn->flow.tx.max - conn->flow.tx_sent);
}

/* Has the peer, with limits lowered, allowed to open the stream at all? */
static bool quic_stream_send_may_begin(struct quic_conn *conn,
				       const struct quic_stream *stream)
{
	const struct quic_stream_ids *ids =
		&conn->streams.ids[quic_stream_type(stream->id)];

	return !conn->early.lowered ||
	       !quic_stream_is_local(conn, stream->id) ||
	       quic_stream_number(stream->id) < ids->max;
}

/**
 * quic_stream_send_may - may what the stream has to send be sent?
 * @conn:   connection
 * @stream: stream in quic_streams.send
 *
 * Return: whether quic_stream_send_put() would do something.
 */
bool quic_stream_send_may(struct quic_conn *conn, struct quic_stream *stream)
{
	const struct quic_stream_send *send = &stream->send;

	if (!conn->early.lowered || !quic_range_set_empty(&send->buf.lost))
		return true;
	if (!quic_stream_send_may_begin(conn, stream))
		return false;
	return quic_stream_send_allowed(conn, stream) ||
	       !quic_send_buf_fresh(&send->buf);
}

/**
 * quic_stream_send_may_wait - can what it has to send become more by waiting?
 * @stream: stream for which quic_stream_send_may()
 *
 * Return: false after its end was written, and if something was lost.
 */
bool quic_stream_send_may_wait(const struct quic_stream *stream)
{
	return !stream->send.fin_owed &&
	       quic_range_set_empty(&stream->send.buf.lost);
}

/**
 * quic_stream_send_held - would it better wait for more?
 * @conn:   connection
 * @stream: stream for which quic_stream_send_may()
 * @room:   how much fills the packet
 *
 * While there is less than that, of all streams, what was corked waits, and what
 * comes while the last such part of its stream is under way: like Nagle's
 * algorithm in Minshall's variant, so that the rest of a large message does not
 * wait for its beginning. But no longer than a round trip: the peer may keep the
 * acknowledgment of one packet back until it has something to say itself, for
 * which it may need what waits here.
 *
 * Return: whether there is no hurry. If that is a matter of time,
 * quic_streams.release is not after its end.
 */
bool quic_stream_send_held(struct quic_conn *conn,
			   const struct quic_stream *stream, u32 room)
{
	const struct quic_stream_send *send = &stream->send;
	struct quic_streams *streams = &conn->streams;

	if (!quic_stream_send_may_wait(stream) ||
	    quic_streams_unsent(conn) >= room)
		return false;
	/* Nobody is left to add to it. */
	if (conn->close.state == QUIC_CLOSE_LINGER)
		return false;
	if (send->corked)
		return true;
	if (conn->settings.config.stream_data_nodelay ||
	    send->small_end <= send->buf.start ||
	    !conn->rec.cc.bytes_in_flight || streams->now >= send->small_until)
		return false;
	streams->release = min(streams->release, send->small_until);
	return true;
}

/* Room so small that the packet counts as full. */
#define QUIC_STREAM_FULL	2

/* Lost bytes first, then fresh ones, then a FIN alone. */
static void quic_stream_send_choose(struct quic_conn *conn,
				    const struct quic_stream *stream,
				    struct quic_range *range)
{
	const struct quic_send_buf *buf = &stream->send.buf;

	if (quic_send_buf_next_lost(buf, range))
		return;
	range->start = buf->next;
	range->end = buf->next + quic_stream_send_allowed(conn, stream);
}

static void quic_stream_send_on_sent(struct quic_conn *conn,
				     struct quic_stream *stream, u64 offset,
				     u32 len, bool fin, bool full)
{
	struct quic_stream_send *send = &stream->send;
	u64 before = send->buf.next;

	quic_send_buf_on_sent(&send->buf, offset, len);
	conn->flow.tx_sent += send->buf.next - before;
	if (send->buf.next != before && !full &&
	    send->buf.next == send->buf.end) {
		send->small_end = send->buf.end;
		send->small_until = ktime_add_us(conn->streams.now,
						 conn->rec.rtt.smoothed_us);
	}
	if (fin) {
		send->fin_owed = false;
		if (send->state == QUIC_STREAM_SEND_STATE_SEND)
			send->state = QUIC_STREAM_SEND_STATE_SENT;
	}
	quic_stream_send_queue(conn, stream);
}

/**
 * quic_stream_send_put - put one STREAM frame into a packet
 * @conn:   connection
 * @stream: stream for which quic_stream_send_may()
 * @b:      the packet
 *
 * With bytes that were written in one turn. The stream then goes to the place of
 * its next turn, or leaves quic_streams.send.
 *
 * Return: false when the packet has no room for it.
 */
bool quic_stream_send_put(struct quic_conn *conn, struct quic_stream *stream,
			  struct quic_pkt_builder *b)
{
	struct quic_stream_send *send = &stream->send;
	u32 room = quic_pkt_room(b), len, want;
	struct quic_range range;
	bool fin;
	int fit;
	u8 *p;

	quic_stream_send_choose(conn, stream, &range);
	want = min_t(u64, range.end - range.start, room);
	fit = quic_frame_fit_stream(room, stream->id, range.start, want);
	if (fit < 0 || !quic_pkt_records_left(b))
		return false;
	len = quic_send_buf_fit(&send->buf, b, range.start, fit);
	if (want && !len)
		return false;

	fin = send->fin && range.start + len == send->buf.end;
	p = quic_pkt_put(b, quic_frame_len_stream(stream->id, range.start, len));
	quic_frame_put_stream(p, stream->id, range.start, len, fin);
	if (WARN_ON_ONCE(quic_send_buf_put(&send->buf, b, range.start, len)))
		return false;
	quic_pkt_record(b, QUIC_SENT_STREAM, stream->id, range.start, len, fin);
	quic_stream_send_on_sent(conn, stream, range.start, len, fin,
				 quic_pkt_room(b) <= QUIC_STREAM_FULL);
	return true;
}

static void quic_stream_send_check_recvd(struct quic_conn *conn,
					 struct quic_stream *stream)
{
	struct quic_stream_send *send = &stream->send;

	if (send->state != QUIC_STREAM_SEND_STATE_SENT || !send->fin_acked ||
	    !quic_send_buf_empty(&send->buf))
		return;
	send->state = QUIC_STREAM_SEND_STATE_RECVD;
	conn->streams.ending--;
	quic_event_stream_update(conn, stream->id, send->state, 0, 0);
	quic_stream_end_check(conn, stream);
}

/**
 * quic_stream_send_acked - a STREAM frame has arrived
 * @conn:   connection
 * @stream: its stream, which may be gone afterwards
 * @frame:  what the packet carried
 */
void quic_stream_send_acked(struct quic_conn *conn, struct quic_stream *stream,
			    const struct quic_sent_frame *frame)
{
	struct quic_stream_send *send = &stream->send;
	struct sock *sk = quic_conn_sk(conn);

	if (quic_stream_send_done(stream) ||
	    send->state == QUIC_STREAM_SEND_STATE_RESET_SENT)
		return;
	quic_send_buf_on_acked(&send->buf, sk, frame->offset, frame->len);
	if (frame->fin) {
		send->fin_acked = true;
		send->fin_owed = false;
	}
	quic_stream_send_queue(conn, stream);
	if (sk_stream_wspace(sk) >= sk_stream_min_wspace(sk))
		conn->events.wake_writer = true;
	quic_stream_send_check_recvd(conn, stream);
}

/**
 * quic_stream_send_lost - a STREAM frame has to be sent again
 * @conn:   connection
 * @stream: its stream
 * @frame:  what the packet carried
 */
void quic_stream_send_lost(struct quic_conn *conn, struct quic_stream *stream,
			   const struct quic_sent_frame *frame)
{
	struct quic_stream_send *send = &stream->send;

	if (quic_stream_send_done(stream) ||
	    send->state == QUIC_STREAM_SEND_STATE_RESET_SENT)
		return;
	quic_send_buf_on_lost(&send->buf, frame->offset, frame->len);
	if (frame->fin && !send->fin_acked)
		send->fin_owed = true;
	quic_stream_send_queue(conn, stream);
}

/**
 * quic_stream_send_reset_acked - a RESET_STREAM frame has arrived
 * @conn:   connection
 * @stream: its stream, which may be gone afterwards
 */
void quic_stream_send_reset_acked(struct quic_conn *conn,
				  struct quic_stream *stream)
{
	struct quic_stream_send *send = &stream->send;

	if (send->state != QUIC_STREAM_SEND_STATE_RESET_SENT)
		return;
	send->state = QUIC_STREAM_SEND_STATE_RESET_RECVD;
	conn->streams.ending--;
	quic_event_stream_update(conn, stream->id, send->state, send->errcode,
				 send->buf.next);
	quic_stream_end_check(conn, stream);
}

/**
 * quic_stream_send_purge - drop everything, the stream is going away
 * @conn:   connection
 * @stream: stream with a sending part
 */
void quic_stream_send_purge(struct quic_conn *conn, struct quic_stream *stream)
{
	quic_send_buf_purge(&stream->send.buf, quic_conn_sk(conn));
	quic_stream_send_unqueue(conn, stream);
}

/**
 * quic_stream_send_done - is the sending part in a terminal state?
 * @stream: stream
 *
 * Return: true also when there is no sending part.
 */
bool quic_stream_send_done(const struct quic_stream *stream)
{
	return !stream->has_send ||
	       stream->send.state == QUIC_STREAM_SEND_STATE_RECVD ||
	       stream->send.state == QUIC_STREAM_SEND_STATE_RESET_RECVD;
}
