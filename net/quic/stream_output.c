// SPDX-License-Identifier: GPL-2.0-only
#include "conn.h"
#include "frame.h"
#include "packet_build.h"
#include "rcvq.h"
#include "stream.h"
#include "stream_output.h"
#include "stream_recv.h"
#include "stream_send.h"

/* A batch costs both ends much the same whether it has two packets or forty, and
 * so does its acknowledgment.
 */
#define QUIC_STREAMS_BATCH	32768

/* Does the program wait for an answer to what it has written, so far as we can
 * see? Users in the kernel are called.
 */
static bool quic_streams_awaited(const struct quic_conn *conn)
{
	const struct sock *sk = quic_conn_sk(conn);
	struct socket_wq *wq;
	bool waits;

	if (conn->streams.awaited ||
	    READ_ONCE(sk->sk_data_ready) != sock_def_readable)
		return true;
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	/* No barrier: to miss who just begins to wait costs a short round trip. */
	waits = !wq || waitqueue_active(&wq->wait);
	rcu_read_unlock();
	return waits;
}

/* Is it better to wait for more of a batch than to send what there is of
 * @stream? While another batch is under way on a short path, what follows from
 * the program will be here soon, and if not, an acknowledgment.
 */
static bool quic_streams_gather(const struct quic_conn *conn,
				const struct quic_stream *stream)
{
	const struct quic_streams *streams = &conn->streams;

	if (conn->rec.rtt.min_us >= QUIC_PATH_SHORT_US ||
	    conn->rec.cc.bytes_in_flight < QUIC_STREAMS_BATCH ||
	    quic_streams_unsent(conn) >= QUIC_STREAMS_BATCH ||
	    !quic_batch_empty(&conn->batch) ||
	    conn->settings.config.stream_data_nodelay ||
	    conn->close.state == QUIC_CLOSE_LINGER ||
	    !quic_stream_send_may_wait(stream))
		return false;
	return streams->writers || !quic_streams_awaited(conn);
}

/* The stream of which something is to be sent now: the one that was written to
 * first, if there is one that need not wait for more, for what waits must not
 * be overtaken. Those that wait do not fill the @room in a packet together, so
 * there are not many.
 */
static struct quic_stream *quic_streams_next(struct quic_conn *conn, u32 room)
{
	struct quic_streams *streams = &conn->streams;
	struct quic_stream *stream, *first = NULL;
	struct rb_node *node;

	streams->release = KTIME_MAX;
	WRITE_ONCE(streams->gathering, false);
	for (node = rb_first_cached(&streams->send); node;
	     node = rb_next(node)) {
		stream = rb_entry(node, struct quic_stream, send_node);
		if (!quic_stream_send_may(conn, stream))
			continue;
		if (!first && quic_streams_gather(conn, stream)) {
			WRITE_ONCE(streams->gathering, true);
			return NULL;
		}
		first = first ?: stream;
		if (first->send.place < streams->push)
			return first;
		if (!quic_stream_send_held(conn, stream, room)) {
			streams->push = stream->send.place;
			return first;
		}
	}
	return NULL;
}

static u32 quic_streams_packet_size(struct quic_conn *conn)
{
	return conn->path.max_payload - quic_pkt_overhead(conn, QUIC_PKT_1RTT);
}

/**
 * quic_streams_pending - tell whether there is something to send now
 * @conn: connection
 *
 * Context: connection lock held.
 * Return: whether quic_streams_put_frames() would put a frame.
 */
bool quic_streams_pending(struct quic_conn *conn)
{
	struct quic_streams *streams = &conn->streams;
	int i;

	quic_conn_assert_held(conn);
	if (conn->flow.pending || !list_empty(&streams->control))
		return true;
	for (i = 0; i < QUIC_STREAM_TYPES; i++)
		if (streams->ids[i].max_owed || streams->ids[i].blocked_owed)
			return true;
	return quic_streams_next(conn, quic_streams_packet_size(conn));
}

/**
 * quic_streams_rewind - send all stream data anew
 * @conn: connection of a client that has sent nothing but rejected 0-RTT
 *
 * Context: connection lock held.
 */
void quic_streams_rewind(struct quic_conn *conn)
{
	struct quic_stream *stream;
	struct rb_node *node;

	quic_conn_assert_held(conn);
	for (node = rb_first(&conn->streams.tree); node; node = rb_next(node)) {
		stream = rb_entry(node, struct quic_stream, node);
		if (stream->has_send)
			quic_stream_send_rewind(conn, stream);
	}
}

/* Room for a frame of control information and for its record. */
static u8 *quic_streams_reserve(struct quic_pkt_builder *b, u32 len)
{
	if (!quic_pkt_records_left(b) || quic_pkt_room(b) < len)
		return NULL;
	return quic_pkt_put(b, len);
}

static bool quic_streams_put_flow(struct quic_conn *conn,
				  struct quic_pkt_builder *b)
{
	struct quic_flow *flow = &conn->flow;
	u64 limit;
	u8 *p;

	if (flow->pending & QUIC_FLOW_MAX_DATA) {
		limit = quic_flow_rx_advance(&flow->rx, quic_rcvq_window(conn));
		p = quic_streams_reserve(b, quic_frame_len_max_data(limit));
		if (!p)
			return false;
		quic_frame_put_max_data(p, limit);
		quic_pkt_record(b, QUIC_SENT_MAX_DATA, 0, limit, 0, false);
		flow->pending &= ~QUIC_FLOW_MAX_DATA;
	}
	if (flow->pending & QUIC_FLOW_DATA_BLOCKED) {
		limit = flow->tx.max;
		p = quic_streams_reserve(b, quic_frame_len_data_blocked(limit));
		if (!p)
			return false;
		quic_frame_put_data_blocked(p, limit);
		quic_pkt_record(b, QUIC_SENT_DATA_BLOCKED, 0, limit, 0, false);
		flow->pending &= ~QUIC_FLOW_DATA_BLOCKED;
	}
	return true;
}

static bool quic_streams_put_ids(struct quic_conn *conn, bool uni,
				 struct quic_pkt_builder *b)
{
	struct quic_stream_ids *ids = quic_streams_ids(conn, false, uni);
	u64 limit;
	u8 *p;

	if (ids->max_owed) {
		limit = max(ids->max, ids->next + ids->window - ids->open);
		limit = min(limit, QUIC_MAX_STREAMS);
		p = quic_streams_reserve(b, quic_frame_len_max_streams(limit));
		if (!p)
			return false;
		quic_frame_put_max_streams(p, uni, limit);
		quic_pkt_record(b, QUIC_SENT_MAX_STREAMS, uni, limit, 0, false);
		ids->max = limit;
		ids->max_owed = false;
	}
	ids = quic_streams_ids(conn, true, uni);
	if (ids->blocked_owed) {
		limit = ids->max;
		p = quic_streams_reserve(b, quic_frame_len_streams_blocked(limit));
		if (!p)
			return false;
		quic_frame_put_streams_blocked(p, uni, limit);
		quic_pkt_record(b, QUIC_SENT_STREAMS_BLOCKED, uni, limit, 0,
				false);
		ids->blocked_owed = false;
	}
	return true;
}

static bool quic_stream_put_reset(struct quic_stream *stream,
				  struct quic_pkt_builder *b)
{
	const struct quic_stream_send *send = &stream->send;
	u64 size = send->buf.next;
	u8 *p;

	p = quic_streams_reserve(b, quic_frame_len_reset_stream(stream->id,
								send->errcode,
								size));
	if (!p)
		return false;
	quic_frame_put_reset_stream(p, stream->id, send->errcode, size);
	quic_pkt_record(b, QUIC_SENT_RESET_STREAM, stream->id, 0, 0, false);
	return true;
}

static bool quic_stream_put_stop_sending(struct quic_stream *stream,
					 struct quic_pkt_builder *b)
{
	u64 errcode = stream->recv.errcode;
	u8 *p;

	p = quic_streams_reserve(b, quic_frame_len_stop_sending(stream->id,
								errcode));
	if (!p)
		return false;
	quic_frame_put_stop_sending(p, stream->id, errcode);
	quic_pkt_record(b, QUIC_SENT_STOP_SENDING, stream->id, 0, 0, false);
	return true;
}

static bool quic_stream_put_max_data(struct quic_stream *stream,
				     struct quic_pkt_builder *b)
{
	struct quic_stream_recv *recv = &stream->recv;
	u64 limit;
	u8 *p;

	limit = quic_flow_rx_advance(&recv->flow, recv->flow.window);
	p = quic_streams_reserve(b, quic_frame_len_max_stream_data(stream->id,
								   limit));
	if (!p)
		return false;
	quic_frame_put_max_stream_data(p, stream->id, limit);
	quic_pkt_record(b, QUIC_SENT_MAX_STREAM_DATA, stream->id, limit, 0,
			false);
	return true;
}

static bool quic_stream_put_data_blocked(struct quic_stream *stream,
					 struct quic_pkt_builder *b)
{
	u64 limit = stream->send.flow.max;
	u8 *p;

	p = quic_streams_reserve(b, quic_frame_len_stream_data_blocked(stream->id,
								       limit));
	if (!p)
		return false;
	quic_frame_put_stream_data_blocked(p, stream->id, limit);
	quic_pkt_record(b, QUIC_SENT_STREAM_DATA_BLOCKED, stream->id, limit, 0,
			false);
	return true;
}

static const struct {
	u8 bit;
	bool (*put)(struct quic_stream *stream, struct quic_pkt_builder *b);
} quic_stream_controls[] = {
	{ QUIC_STREAM_RESET,		quic_stream_put_reset },
	{ QUIC_STREAM_STOP_SENDING,	quic_stream_put_stop_sending },
	{ QUIC_STREAM_MAX_DATA,		quic_stream_put_max_data },
	{ QUIC_STREAM_DATA_BLOCKED,	quic_stream_put_data_blocked },
};

static bool quic_stream_put_control(struct quic_stream *stream,
				    struct quic_pkt_builder *b)
{
	u8 bit;
	int i;

	for (i = 0; i < ARRAY_SIZE(quic_stream_controls); i++) {
		bit = quic_stream_controls[i].bit;
		if (!(stream->pending & bit))
			continue;
		if (!quic_stream_controls[i].put(stream, b))
			return false;
		stream->pending &= ~bit;
	}
	list_del_init(&stream->control_link);
	return true;
}

static bool quic_streams_put_control(struct quic_conn *conn,
				     struct quic_pkt_builder *b)
{
	struct quic_stream *stream, *tmp;

	if (!quic_streams_put_flow(conn, b) ||
	    !quic_streams_put_ids(conn, false, b) ||
	    !quic_streams_put_ids(conn, true, b))
		return false;
	list_for_each_entry_safe(stream, tmp, &conn->streams.control,
				 control_link)
		if (!quic_stream_put_control(stream, b))
			return false;
	return true;
}

static void quic_streams_put_data(struct quic_conn *conn,
				  struct quic_pkt_builder *b)
{
	struct quic_stream *stream;

	while ((stream = quic_streams_next(conn, quic_pkt_room(b))))
		if (!quic_stream_send_put(conn, stream, b))
			return;
}

/**
 * quic_streams_put_frames - put what streams have to send into a packet
 * @conn: connection
 * @b:    0-RTT or 1-RTT packet
 *
 * Limits and other control frames first, then data in the order in which it was
 * written.
 *
 * Context: connection lock held.
 * Return: whether a frame was put.
 */
bool quic_streams_put_frames(struct quic_conn *conn, struct quic_pkt_builder *b)
{
	u32 before = quic_pkt_room(b);

	quic_conn_assert_held(conn);
	if (quic_streams_put_control(conn, b))
		quic_streams_put_data(conn, b);
	return quic_pkt_room(b) != before;
}

/**
 * quic_streams_frame_acked - one of our frames has arrived
 * @conn:  connection
 * @frame: what the packet carried
 *
 * Context: connection lock held.
 */
void quic_streams_frame_acked(struct quic_conn *conn,
			      const struct quic_sent_frame *frame)
{
	struct quic_stream *stream;

	if (frame->kind != QUIC_SENT_STREAM &&
	    frame->kind != QUIC_SENT_RESET_STREAM)
		return;
	stream = quic_stream_find(conn, frame->id);
	if (!stream)
		return;
	if (frame->kind == QUIC_SENT_STREAM)
		quic_stream_send_acked(conn, stream, frame);
	else
		quic_stream_send_reset_acked(conn, stream);
}

static void quic_stream_control_lost(struct quic_conn *conn,
				     struct quic_stream *stream,
				     const struct quic_sent_frame *frame)
{
	const struct quic_stream_send *send = &stream->send;
	const struct quic_stream_recv *recv = &stream->recv;

	switch (frame->kind) {
	case QUIC_SENT_RESET_STREAM:
		if (send->state == QUIC_STREAM_SEND_STATE_RESET_SENT)
			quic_stream_owe(conn, stream, QUIC_STREAM_RESET);
		break;
	case QUIC_SENT_STOP_SENDING:
		if (!quic_stream_recv_done(stream))
			quic_stream_owe(conn, stream, QUIC_STREAM_STOP_SENDING);
		break;
	case QUIC_SENT_MAX_STREAM_DATA:
		if (quic_stream_recv_wants_credit(stream) &&
		    frame->offset == recv->flow.max)
			quic_stream_owe(conn, stream, QUIC_STREAM_MAX_DATA);
		break;
	case QUIC_SENT_STREAM_DATA_BLOCKED:
		if (frame->offset == send->flow.max &&
		    !quic_flow_tx_credit(&send->flow))
			quic_stream_owe(conn, stream, QUIC_STREAM_DATA_BLOCKED);
		break;
	}
}

/**
 * quic_streams_frame_lost - one of our frames has to be sent again
 * @conn:  connection
 * @frame: what the packet carried
 *
 * A limit is sent again only if no higher one was sent since, a BLOCKED frame
 * only while it is still true (RFC 9000, 13.3).
 *
 * Context: connection lock held.
 */
void quic_streams_frame_lost(struct quic_conn *conn,
			     const struct quic_sent_frame *frame)
{
	struct quic_flow *flow = &conn->flow;
	struct quic_stream_ids *ids;
	struct quic_stream *stream;

	quic_conn_assert_held(conn);
	switch (frame->kind) {
	case QUIC_SENT_MAX_DATA:
		if (frame->offset == flow->rx.max)
			flow->pending |= QUIC_FLOW_MAX_DATA;
		return;
	case QUIC_SENT_DATA_BLOCKED:
		if (frame->offset == flow->tx.max &&
		    !quic_flow_tx_credit(&flow->tx))
			flow->pending |= QUIC_FLOW_DATA_BLOCKED;
		return;
	case QUIC_SENT_MAX_STREAMS:
		ids = quic_streams_ids(conn, false, frame->id);
		if (frame->offset == ids->max)
			ids->max_owed = true;
		return;
	case QUIC_SENT_STREAMS_BLOCKED:
		ids = quic_streams_ids(conn, true, frame->id);
		if (frame->offset == ids->max)
			ids->blocked_owed = true;
		return;
	}

	stream = quic_stream_find(conn, frame->id);
	if (!stream)
		return;
	if (frame->kind == QUIC_SENT_STREAM)
		quic_stream_send_lost(conn, stream, frame);
	else
		quic_stream_control_lost(conn, stream, frame);
}
