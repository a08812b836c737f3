// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/slab.h>

#include "conn.h"
#include "stream.h"
#include "stream_recv.h"
#include "stream_send.h"

/**
 * quic_streams_type - the two lowest bits of IDs of one type
 * @conn:  connection
 * @local: streams that this end opens, not the peer
 * @uni:   unidirectional
 *
 * Return: QUIC_STREAM_TYPE_* bits.
 */
u8 quic_streams_type(const struct quic_conn *conn, bool local, bool uni)
{
	u8 type = local == conn->is_server ? QUIC_STREAM_TYPE_SERVER_MASK : 0;

	return uni ? type | QUIC_STREAM_TYPE_UNI_MASK : type;
}

/**
 * quic_streams_ids - the IDs of one type of stream
 * @conn:  connection
 * @local: streams that this end opens, not the peer
 * @uni:   unidirectional
 *
 * Return: the counters.
 */
struct quic_stream_ids *quic_streams_ids(struct quic_conn *conn, bool local,
					 bool uni)
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
	streams->ending = 0;
	streams->peer_mem = 0;
	streams->send = RB_ROOT_CACHED;
	streams->turn = 1;	/* a stream's own begins at 0 */
	streams->push = 0;
	streams->now = 0;
	streams->release = KTIME_MAX;
	streams->writers = 0;
	streams->awaited = false;
	streams->gathering = false;
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
 * replaced by those of this handshake; limits do not shrink.
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

/**
 * quic_streams_forget_remote - the peer's limits turn out to be lower
 * @conn: connection; quic_streams_apply_remote() follows
 *
 * After limits of an earlier connection were relied on. What was opened stays
 * open, and what was queued stays queued until it is allowed.
 *
 * Context: connection lock held.
 */
void quic_streams_forget_remote(struct quic_conn *conn)
{
	struct quic_stream *stream;
	struct rb_node *node;

	quic_streams_ids(conn, true, false)->max = 0;
	quic_streams_ids(conn, true, true)->max = 0;
	conn->flow.tx.max = 0;
	for (node = rb_first(&conn->streams.tree); node; node = rb_next(node)) {
		stream = rb_entry(node, struct quic_stream, node);
		if (stream->has_send)
			stream->send.flow.max = 0;
	}
}

/* How many there may be is for the limits that we have announced to say; what
 * those of the peer cost is not available to its data. Of ours each has been
 * allowed by the peer: if there is no memory now, the next allocation settles
 * the debt.
 */
static bool quic_stream_charge(struct quic_conn *conn, u64 id)
{
	const u32 size = sizeof(struct quic_stream);
	struct sock *sk = quic_conn_sk(conn);

	if (quic_stream_is_local(conn, id)) {
		sk_wmem_schedule(sk, size);
	} else {
		if (!__sk_rmem_schedule(sk, size, false))
			return false;
		conn->streams.peer_mem += size;
	}
	sk_mem_charge(sk, size);
	return true;
}

static void quic_stream_uncharge(struct quic_conn *conn,
				 const struct quic_stream *stream)
{
	if (!quic_stream_is_local(conn, stream->id))
		conn->streams.peer_mem -= sizeof(*stream);
	sk_mem_uncharge(quic_conn_sk(conn), sizeof(*stream));
}

static void quic_stream_free(struct quic_conn *conn, struct quic_stream *stream)
{
	if (stream->has_send)
		quic_stream_send_purge(conn, stream);
	if (stream->has_recv)
		quic_stream_recv_purge(stream);
	list_del(&stream->control_link);
	quic_stream_uncharge(conn, stream);
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
	RB_CLEAR_NODE(&stream->send_node);
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
	err = -ENOMEM;
	if (!quic_stream_charge(conn, id))
		goto out_free;
	err = quic_stream_ids_take(ids, quic_stream_number(id), gfp);
	if (err)
		goto out_uncharge;
	quic_stream_insert(&conn->streams, stream);
	if (!opened && stream->has_send)
		quic_stream_set_active(conn, stream);
	return stream;

out_uncharge:
	quic_stream_uncharge(conn, stream);
out_free:
	kfree(stream);
	return ERR_PTR(err);
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
	quic_conn_assert_held(conn);
	return conn->flow.tx.used - conn->flow.tx_sent;
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
