// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/slab.h>

#include "conn.h"
#include "frame.h"
#include "packet_build.h"
#include "stream.h"
#include "stream_recv.h"
#include "stream_send.h"

static u8 quic_streams_type(const struct quic_conn *conn, bool local, bool uni)
{
	u8 type = local == conn->is_server ? QUIC_STREAM_TYPE_SERVER_MASK : 0;

	return uni ? type | QUIC_STREAM_TYPE_UNI_MASK : type;
}

static struct quic_stream_ids *quic_streams_ids(struct quic_conn *conn,
						bool local, bool uni)
{
	return &conn->streams.ids[quic_streams_type(conn, local, uni)];
}

/**
 * quic_stream_is_local - tell whose streams an ID belongs to
 * @conn: connection
 * @id:   stream ID
 *
 * Return: whether this end opens streams of its type.
 */
bool quic_stream_is_local(const struct quic_conn *conn, u64 id)
{
	return !!(id & QUIC_STREAM_TYPE_SERVER_MASK) == conn->is_server;
}

/**
 * quic_streams_init - start without streams and without limits
 * @conn: connection
 */
void quic_streams_init(struct quic_conn *conn)
{
	struct quic_streams *streams = &conn->streams;
	int i;

	streams->tree = RB_ROOT;
	streams->last = NULL;
	streams->active = NULL;
	streams->blocked = false;
	INIT_LIST_HEAD(&streams->send);
	INIT_LIST_HEAD(&streams->control);
	for (i = 0; i < QUIC_STREAM_TYPES; i++) {
		memset(&streams->ids[i], 0, sizeof(streams->ids[i]));
		quic_range_set_init(&streams->ids[i].idle,
				    QUIC_TPARAMS_STREAMS_MAX,
				    QUIC_RANGE_REFUSE);
	}
	memset(&conn->flow, 0, sizeof(conn->flow));
}

static u64 quic_streams_rx_window(const struct quic_conn *conn, u64 id)
{
	const struct quic_tparams *local = &conn->local;

	if (quic_stream_is_uni(id))
		return local->initial_max_stream_data_uni;
	if (quic_stream_is_local(conn, id))
		return local->initial_max_stream_data_bidi_local;
	return local->initial_max_stream_data_bidi_remote;
}

/* The peer's "local" is our "remote" (RFC 9000, 18.2). */
static u64 quic_streams_tx_limit(const struct quic_conn *conn, u64 id)
{
	const struct quic_tparams *remote = &conn->remote;

	if (quic_stream_is_uni(id))
		return remote->initial_max_stream_data_uni;
	if (quic_stream_is_local(conn, id))
		return remote->initial_max_stream_data_bidi_remote;
	return remote->initial_max_stream_data_bidi_local;
}

static void quic_streams_grant(struct quic_stream_ids *ids, u64 window)
{
	ids->window = window;
	ids->max = max(ids->max, window);
}

/**
 * quic_streams_apply_local - take the limits that we announce to the peer
 * @conn: connection with its local transport parameters
 *
 * To be called whenever they may have changed, the last time when they are
 * frozen; nothing can have been received before.
 *
 * Context: connection lock held.
 */
void quic_streams_apply_local(struct quic_conn *conn)
{
	const struct quic_tparams *local = &conn->local;
	struct quic_stream *stream;
	struct rb_node *node;

	quic_streams_grant(quic_streams_ids(conn, false, false),
			   local->initial_max_streams_bidi);
	quic_streams_grant(quic_streams_ids(conn, false, true),
			   local->initial_max_streams_uni);
	if (!conn->flow.rx.received)
		quic_flow_rx_init(&conn->flow.rx, local->initial_max_data);

	for (node = rb_first(&conn->streams.tree); node; node = rb_next(node)) {
		stream = rb_entry(node, struct quic_stream, node);
		if (stream->has_recv && !stream->recv.flow.received)
			quic_flow_rx_init(&stream->recv.flow,
					  quic_streams_rx_window(conn, stream->id));
	}
}

/**
 * quic_streams_apply_remote - take the limits that the peer has announced
 * @conn: connection with the peer's transport parameters
 *
 * May be called a second time, when the parameters that 0-RTT data went by are
 * replaced by those of this handshake; limits never shrink, and what was opened
 * meanwhile stays open.
 *
 * Context: connection lock held.
 */
void quic_streams_apply_remote(struct quic_conn *conn)
{
	const struct quic_tparams *remote = &conn->remote;
	struct quic_stream *stream;
	struct rb_node *node;

	quic_streams_grant(quic_streams_ids(conn, true, false),
			   remote->initial_max_streams_bidi);
	quic_streams_grant(quic_streams_ids(conn, true, true),
			   remote->initial_max_streams_uni);
	quic_flow_tx_raise(&conn->flow.tx, remote->initial_max_data);

	for (node = rb_first(&conn->streams.tree); node; node = rb_next(node)) {
		stream = rb_entry(node, struct quic_stream, node);
		if (stream->has_send)
			quic_flow_tx_raise(&stream->send.flow,
					   quic_streams_tx_limit(conn, stream->id));
	}
	quic_stream_update_blocked(conn);
	conn->events.wake_writer = true;
}

static void quic_stream_free(struct quic_conn *conn, struct quic_stream *stream)
{
	if (stream->has_send)
		quic_stream_send_purge(conn, stream);
	if (stream->has_recv)
		quic_stream_recv_purge(stream);
	list_del(&stream->control_link);
	kfree(stream);
}

/**
 * quic_streams_destroy - release all streams
 * @conn: connection that is going away
 */
void quic_streams_destroy(struct quic_conn *conn)
{
	struct quic_streams *streams = &conn->streams;
	struct quic_stream *stream, *tmp;
	int i;

	rbtree_postorder_for_each_entry_safe(stream, tmp, &streams->tree, node)
		quic_stream_free(conn, stream);
	streams->tree = RB_ROOT;
	streams->last = NULL;
	streams->active = NULL;
	for (i = 0; i < QUIC_STREAM_TYPES; i++)
		quic_range_set_destroy(&streams->ids[i].idle);
}

/**
 * quic_stream_was_opened - tell whether a stream exists or has existed
 * @conn: connection
 * @id:   stream ID
 *
 * Return: whether it, or a higher one of its type, was opened.
 */
bool quic_stream_was_opened(const struct quic_conn *conn, u64 id)
{
	return quic_stream_number(id) <
	       conn->streams.ids[quic_stream_type(id)].next;
}

/**
 * quic_stream_may_open - tell whether the peer's limits allow a new stream
 * @conn: connection
 * @id:   ID of a type of ours, not yet opened
 *
 * Return: false if a MAX_STREAMS frame or the end of a stream must be awaited.
 */
bool quic_stream_may_open(const struct quic_conn *conn, u64 id)
{
	const struct quic_stream_ids *ids =
		&conn->streams.ids[quic_stream_type(id)];
	u64 number = quic_stream_number(id);

	return number < ids->max &&
	       ids->open + (number + 1 - ids->next) <= ids->window;
}

/**
 * quic_stream_find - the object of a stream
 * @conn: connection
 * @id:   stream ID
 *
 * Return: the stream, or NULL when there is no object.
 */
struct quic_stream *quic_stream_find(struct quic_conn *conn, u64 id)
{
	struct quic_streams *streams = &conn->streams;
	struct rb_node *node = streams->tree.rb_node;
	struct quic_stream *stream;

	quic_conn_assert_held(conn);
	if (streams->last && streams->last->id == id)
		return streams->last;
	while (node) {
		stream = rb_entry(node, struct quic_stream, node);
		if (stream->id == id) {
			streams->last = stream;
			return stream;
		}
		node = id < stream->id ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static void quic_stream_insert(struct quic_streams *streams,
			       struct quic_stream *new)
{
	struct rb_node **link = &streams->tree.rb_node, *parent = NULL;
	struct quic_stream *stream;

	while (*link) {
		parent = *link;
		stream = rb_entry(parent, struct quic_stream, node);
		link = new->id < stream->id ? &parent->rb_left
					    : &parent->rb_right;
	}
	rb_link_node(&new->node, parent, link);
	rb_insert_color(&new->node, &streams->tree);
	streams->last = new;
}

static struct quic_stream *quic_stream_alloc(struct quic_conn *conn, u64 id,
					     gfp_t gfp)
{
	bool uni = quic_stream_is_uni(id), local = quic_stream_is_local(conn, id);
	struct quic_stream *stream;

	stream = kzalloc_obj(*stream, gfp);
	if (!stream)
		return NULL;
	stream->id = id;
	stream->has_send = local || !uni;
	stream->has_recv = !local || !uni;
	INIT_LIST_HEAD(&stream->send_link);
	INIT_LIST_HEAD(&stream->control_link);
	if (stream->has_send)
		quic_stream_send_init(stream, quic_streams_tx_limit(conn, id));
	if (stream->has_recv)
		quic_stream_recv_init(stream, quic_streams_rx_window(conn, id));
	return stream;
}

/* The number leaves the idle ones, or is opened with all below it. */
static int quic_stream_ids_take(struct quic_stream_ids *ids, u64 number,
				gfp_t gfp)
{
	int err;

	if (number < ids->next)
		return quic_range_set_remove(&ids->idle, number, number + 1,
					     gfp);
	err = quic_range_set_insert(&ids->idle, ids->next, number, gfp);
	if (err)
		return err;
	ids->open += number + 1 - ids->next;
	ids->next = number + 1;
	return 0;
}

/**
 * quic_stream_create - give a stream its object
 * @conn: connection
 * @id:   stream that was never opened, and may be, or that is idle
 * @gfp:  how to allocate
 *
 * A stream that is opened by this and that we can send on becomes the active
 * one.
 *
 * Context: connection lock held.
 * Return: the stream, or an ERR_PTR when memory is short.
 */
struct quic_stream *quic_stream_create(struct quic_conn *conn, u64 id,
				       gfp_t gfp)
{
	struct quic_stream_ids *ids = &conn->streams.ids[quic_stream_type(id)];
	bool opened = quic_stream_was_opened(conn, id);
	struct quic_stream *stream;
	int err;

	quic_conn_assert_held(conn);
	stream = quic_stream_alloc(conn, id, gfp);
	if (!stream)
		return ERR_PTR(-ENOMEM);
	err = quic_stream_ids_take(ids, quic_stream_number(id), gfp);
	if (err) {
		kfree(stream);
		return ERR_PTR(err);
	}
	quic_stream_insert(&conn->streams, stream);
	if (!opened && stream->has_send)
		quic_stream_set_active(conn, stream);
	return stream;
}

/**
 * quic_stream_lookup - the object of an open stream
 * @conn: connection
 * @id:   stream ID
 *
 * Context: connection lock held.
 * Return: the stream; NULL when it was never opened or has ended; an ERR_PTR
 * when memory is short.
 */
struct quic_stream *quic_stream_lookup(struct quic_conn *conn, u64 id)
{
	struct quic_stream *stream = quic_stream_find(conn, id);
	const struct quic_stream_ids *ids =
		&conn->streams.ids[quic_stream_type(id)];

	if (stream || !quic_range_set_has(&ids->idle, quic_stream_number(id)))
		return stream;
	return quic_stream_create(conn, id, GFP_ATOMIC);
}

/**
 * quic_stream_update_blocked - note whether the active stream can take data
 * @conn: connection
 */
void quic_stream_update_blocked(struct quic_conn *conn)
{
	struct quic_stream *stream = conn->streams.active;

	WRITE_ONCE(conn->streams.blocked,
		   stream && !quic_flow_tx_credit(&stream->send.flow));
}

/**
 * quic_stream_set_active - choose where data goes that names no stream
 * @conn:   connection
 * @stream: stream with a sending part, or NULL
 */
void quic_stream_set_active(struct quic_conn *conn, struct quic_stream *stream)
{
	conn->streams.active = stream;
	quic_stream_update_blocked(conn);
}

/**
 * quic_stream_owe - note that a stream owes frames
 * @conn:   connection
 * @stream: the stream
 * @frames: QUIC_STREAM_RESET and so on
 */
void quic_stream_owe(struct quic_conn *conn, struct quic_stream *stream,
		     u8 frames)
{
	stream->pending |= frames;
	if (list_empty(&stream->control_link))
		list_add_tail(&stream->control_link, &conn->streams.control);
}

/**
 * quic_stream_disown - note that a stream does not owe frames any more
 * @stream: the stream
 * @frames: QUIC_STREAM_RESET and so on
 */
void quic_stream_disown(struct quic_stream *stream, u8 frames)
{
	stream->pending &= ~frames;
	if (!stream->pending)
		list_del_init(&stream->control_link);
}

/**
 * quic_stream_end_check - release a stream that has ended
 * @conn:   connection
 * @stream: stream one of whose parts has just reached a terminal state; gone
 *          afterwards if the other part has too
 *
 * Bytes that wait for the reader know their stream by its ID and stay.
 *
 * Context: connection lock held.
 */
void quic_stream_end_check(struct quic_conn *conn, struct quic_stream *stream)
{
	struct quic_streams *streams = &conn->streams;
	struct quic_stream_ids *ids = &streams->ids[quic_stream_type(stream->id)];

	if (!quic_stream_send_done(stream) || !quic_stream_recv_done(stream))
		return;
	ids->open--;
	if (quic_stream_is_local(conn, stream->id))
		conn->events.wake_writer = true;
	else
		ids->max_owed = true;

	if (streams->last == stream)
		streams->last = NULL;
	if (streams->active == stream)
		quic_stream_set_active(conn, NULL);
	rb_erase(&stream->node, &streams->tree);
	quic_stream_free(conn, stream);
}

/* The stream that a frame of the peer is about: one that concerns our receiving
 * part, or our sending part. NULL when the stream has ended and the frame means
 * nothing any more.
 */
static int quic_stream_for_frame(struct quic_conn *conn, u64 id, bool recv_part,
				 struct quic_stream **stream)
{
	struct quic_stream_ids *ids = &conn->streams.ids[quic_stream_type(id)];
	bool local = quic_stream_is_local(conn, id);

	if (quic_stream_is_uni(id) && local == recv_part)
		return QUIC_TRANSPORT_ERROR_STREAM_STATE;
	if (quic_stream_was_opened(conn, id)) {
		*stream = quic_stream_lookup(conn, id);
		return PTR_ERR_OR_ZERO(*stream);
	}
	if (local)
		return QUIC_TRANSPORT_ERROR_STREAM_STATE;
	if (quic_stream_number(id) >= ids->max)
		return QUIC_TRANSPORT_ERROR_STREAM_LIMIT;
	*stream = quic_stream_create(conn, id, GFP_ATOMIC);
	return PTR_ERR_OR_ZERO(*stream);
}

/**
 * quic_streams_recv_data - STREAM (RFC 9000, 19.8)
 * @conn:  connection
 * @frame: the frame
 * @skb:   datagram that its data lies in
 *
 * Context: connection lock held.
 * Return: 0, a transport error, or a negative errno when the packet must not be
 * acknowledged.
 */
int quic_streams_recv_data(struct quic_conn *conn,
			   const struct quic_frame_stream *frame,
			   struct sk_buff *skb)
{
	struct quic_stream *stream;
	int err;

	err = quic_stream_for_frame(conn, frame->stream_id, true, &stream);
	if (err || !stream)
		return err;
	return quic_stream_recv_data(conn, stream, frame, skb);
}

/**
 * quic_streams_recv_reset - RESET_STREAM (RFC 9000, 19.4)
 * @conn:  connection
 * @frame: the frame
 *
 * Return: as quic_streams_recv_data().
 */
int quic_streams_recv_reset(struct quic_conn *conn,
			    const struct quic_frame_reset_stream *frame)
{
	struct quic_stream *stream;
	int err;

	err = quic_stream_for_frame(conn, frame->stream_id, true, &stream);
	if (err || !stream)
		return err;
	return quic_stream_recv_reset(conn, stream, frame);
}

/**
 * quic_streams_recv_stop_sending - STOP_SENDING (RFC 9000, 19.5)
 * @conn:  connection
 * @frame: the frame
 *
 * Return: as quic_streams_recv_data().
 */
int quic_streams_recv_stop_sending(struct quic_conn *conn,
				   const struct quic_frame_stop_sending *frame)
{
	struct quic_stream *stream;
	int err;

	err = quic_stream_for_frame(conn, frame->stream_id, false, &stream);
	if (err || !stream)
		return err;
	if (quic_stream_send_done(stream) ||
	    stream->send.state == QUIC_STREAM_SEND_STATE_RESET_SENT)
		return 0;
	quic_stream_send_abort(conn, stream, frame->error_code);
	quic_event_stream_update(conn, stream->id, stream->send.state,
				 frame->error_code, stream->send.buf.next);
	return 0;
}

/**
 * quic_streams_recv_max_data - MAX_DATA (RFC 9000, 19.9)
 * @conn:  connection
 * @frame: the frame
 *
 * Return: 0.
 */
int quic_streams_recv_max_data(struct quic_conn *conn,
			       const struct quic_frame_max_data *frame)
{
	if (!quic_flow_tx_raise(&conn->flow.tx, frame->max_data))
		return 0;
	conn->flow.pending &= ~QUIC_FLOW_DATA_BLOCKED;
	conn->events.wake_writer = true;
	return 0;
}

/**
 * quic_streams_recv_max_stream_data - MAX_STREAM_DATA (RFC 9000, 19.10)
 * @conn: connection
 * @f:    the frame
 *
 * Return: as quic_streams_recv_data().
 */
int quic_streams_recv_max_stream_data(struct quic_conn *conn,
				      const struct quic_frame_max_stream_data *f)
{
	struct quic_stream *stream;
	int err;

	err = quic_stream_for_frame(conn, f->stream_id, false, &stream);
	if (err || !stream)
		return err;
	if (!quic_flow_tx_raise(&stream->send.flow, f->max_stream_data))
		return 0;
	quic_stream_disown(stream, QUIC_STREAM_DATA_BLOCKED);
	quic_stream_update_blocked(conn);
	conn->events.wake_writer = true;
	quic_event_stream_max_data(conn, stream->id, f->max_stream_data);
	return 0;
}

/**
 * quic_streams_recv_max_streams - MAX_STREAMS (RFC 9000, 19.11)
 * @conn:  connection
 * @frame: the frame; its limit does not exceed QUIC_MAX_STREAMS
 *
 * Return: 0.
 */
int quic_streams_recv_max_streams(struct quic_conn *conn,
				  const struct quic_frame_max_streams *frame)
{
	struct quic_stream_ids *ids = quic_streams_ids(conn, true, frame->uni);

	if (frame->max_streams <= ids->max)
		return 0;
	ids->max = frame->max_streams;
	ids->blocked_owed = false;
	conn->events.wake_writer = true;
	quic_event_stream_max_stream(conn, (ids->max - 1) << 2 |
				     quic_streams_type(conn, true, frame->uni));
	return 0;
}

/**
 * quic_streams_recv_stream_data_blocked - STREAM_DATA_BLOCKED (RFC 9000, 19.13)
 * @conn: connection
 * @f:    the frame
 *
 * Credit depends on the reader alone; but the frame opens the stream.
 *
 * Return: as quic_streams_recv_data().
 */
int quic_streams_recv_stream_data_blocked(struct quic_conn *conn,
					  const struct quic_frame_stream_data_blocked *f)
{
	struct quic_stream *stream;

	return quic_stream_for_frame(conn, f->stream_id, true, &stream);
}

/**
 * quic_streams_unacked - how much the peer has not acknowledged
 * @conn: connection
 *
 * Context: connection lock held.
 * Return: bytes of all streams that were queued or sent.
 */
u64 quic_streams_unacked(const struct quic_conn *conn)
{
	struct rb_node *node;
	u64 bytes = 0;

	quic_conn_assert_held(conn);
	for (node = rb_first(&conn->streams.tree); node; node = rb_next(node)) {
		const struct quic_send_buf *buf =
			&rb_entry(node, struct quic_stream, node)->send.buf;

		bytes += buf->end - buf->start;
	}
	return bytes;
}

/**
 * quic_streams_unsent - how much was never sent
 * @conn: connection
 *
 * Context: connection lock held.
 * Return: bytes of all streams that were queued.
 */
u64 quic_streams_unsent(const struct quic_conn *conn)
{
	const struct quic_stream *stream;
	u64 bytes = 0;

	quic_conn_assert_held(conn);
	list_for_each_entry(stream, &conn->streams.send, send_link)
		bytes += quic_send_buf_fresh(&stream->send.buf);
	return bytes;
}

/* An open stream that a program names for one of its parts. */
static struct quic_stream *quic_stream_named(struct quic_conn *conn, s64 id,
					     bool recv_part)
{
	struct quic_stream *stream;

	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHED) || id < 0)
		return ERR_PTR(-EINVAL);
	if (quic_stream_is_uni(id) &&
	    quic_stream_is_local(conn, id) == recv_part)
		return ERR_PTR(-EINVAL);
	if (!quic_stream_was_opened(conn, id))
		return ERR_PTR(-EINVAL);
	stream = quic_stream_lookup(conn, id);
	return stream ?: ERR_PTR(-ENOSTR);
}

/**
 * quic_stream_reset - QUIC_SOCKOPT_STREAM_RESET
 * @conn:    connection
 * @id:      stream ID
 * @errcode: application error code
 *
 * The caller calls quic_output().
 *
 * Context: connection lock held.
 * Return: 0; -EINVAL, -ENOSTR as the interface says; -ENOMEM.
 */
int quic_stream_reset(struct quic_conn *conn, s64 id, u32 errcode)
{
	struct quic_stream *stream = quic_stream_named(conn, id, false);

	quic_conn_assert_held(conn);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	if (quic_stream_send_done(stream) ||
	    stream->send.state == QUIC_STREAM_SEND_STATE_RESET_SENT)
		return -EINVAL;
	quic_stream_send_abort(conn, stream, errcode);
	quic_events_wake(conn);
	return 0;
}

/**
 * quic_stream_stop_sending - QUIC_SOCKOPT_STREAM_STOP_SENDING
 * @conn:    connection
 * @id:      stream ID
 * @errcode: application error code
 *
 * The caller calls quic_output().
 *
 * Context: connection lock held.
 * Return: 0; -EINVAL, -ENOSTR, -EAGAIN as the interface says; -ENOMEM.
 */
int quic_stream_stop_sending(struct quic_conn *conn, s64 id, u32 errcode)
{
	struct quic_stream *stream = quic_stream_named(conn, id, true);

	quic_conn_assert_held(conn);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	if (quic_stream_recv_done(stream))
		return -EINVAL;
	if (stream->recv.stopped)
		return -EAGAIN;
	quic_stream_recv_stop(conn, stream, errcode);
	return 0;
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
	struct quic_stream *stream;
	int i;

	quic_conn_assert_held(conn);
	if (conn->flow.pending || !list_empty(&streams->control))
		return true;
	for (i = 0; i < QUIC_STREAM_TYPES; i++)
		if (streams->ids[i].max_owed || streams->ids[i].blocked_owed)
			return true;
	list_for_each_entry(stream, &streams->send, send_link)
		if (quic_stream_send_ready(conn, stream))
			return true;
	return false;
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
		limit = quic_flow_rx_advance(&flow->rx);
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

	limit = quic_flow_rx_advance(&recv->flow);
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

/* One frame of each stream in turn; whoever was served goes to the end. */
static void quic_streams_put_data(struct quic_conn *conn,
				  struct quic_pkt_builder *b)
{
	struct list_head *send = &conn->streams.send;
	struct quic_stream *stream, *tmp;

	list_for_each_entry_safe(stream, tmp, send, send_link) {
		if (!quic_stream_send_ready(conn, stream))
			continue;
		if (!quic_stream_send_put(conn, stream, b))
			return;
		if (!list_empty(&stream->send_link))
			list_move_tail(&stream->send_link, send);
	}
}

/**
 * quic_streams_put_frames - put what streams have to send into a packet
 * @conn: connection
 * @b:    0-RTT or 1-RTT packet
 *
 * Limits and other control frames first, then data, stream after stream.
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
