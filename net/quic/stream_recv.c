// SPDX-License-Identifier: GPL-2.0-only
#include "conn.h"
#include "frame.h"
#include "rcvq.h"
#include "reasm.h"
#include "stream_recv.h"
#include "tune.h"
#include "udp_rx.h"

/* An item is so large at most, and so many times as large as the one before it,
 * of which it is the continuation.
 */
#define QUIC_ITEM_ROOM		((u32)SKB_WITH_OVERHEAD(16384))
#define QUIC_ITEM_GROWTH	4

#define QUIC_SIZE_UNKNOWN	U64_MAX

/**
 * quic_stream_recv_init - RECV
 * @stream: new stream
 * @window: bytes that the peer may send ahead of the reader
 */
void quic_stream_recv_init(struct quic_stream *stream, u64 window)
{
	struct quic_stream_recv *recv = &stream->recv;

	recv->state = QUIC_STREAM_RECV_STATE_RECV;
	recv->final_size = QUIC_SIZE_UNKNOWN;
	quic_reasm_init(&recv->reasm);
	quic_flow_rx_init(&recv->flow, window);
}

/**
 * quic_stream_recv_done - is the receiving part in a terminal state?
 * @stream: stream
 *
 * All data having arrived is terminal here, whether or not it has been read.
 *
 * Return: true also when there is no receiving part.
 */
bool quic_stream_recv_done(const struct quic_stream *stream)
{
	return !stream->has_recv ||
	       stream->recv.state == QUIC_STREAM_RECV_STATE_RECVD ||
	       stream->recv.state == QUIC_STREAM_RECV_STATE_RESET_RECVD;
}

/**
 * quic_stream_recv_wants_credit - is a higher limit of any use?
 * @stream: stream with a receiving part
 *
 * Return: whether the peer may have more to send than it has announced, and we
 * want it.
 */
bool quic_stream_recv_wants_credit(const struct quic_stream *stream)
{
	return stream->recv.state == QUIC_STREAM_RECV_STATE_RECV &&
	       !stream->recv.stopped;
}

/* Final size and limits against data up to @end, which is the final size if
 * @final (RFC 9000, 4.1 and 4.5).
 */
static int quic_stream_recv_check(const struct quic_conn *conn,
				  const struct quic_stream_recv *recv, u64 end,
				  bool final)
{
	u64 more = end > recv->flow.received ? end - recv->flow.received : 0;
	int err;

	if (recv->final_size != QUIC_SIZE_UNKNOWN &&
	    (end > recv->final_size || (final && end != recv->final_size)))
		return QUIC_TRANSPORT_ERROR_FINAL_SIZE;
	if (final && end < recv->flow.received)
		return QUIC_TRANSPORT_ERROR_FINAL_SIZE;
	err = quic_flow_rx_check(&recv->flow, more);
	return err ?: quic_flow_rx_check(&conn->flow.rx, more);
}

/* Bytes of the connection's credit go back to the peer. */
static void quic_stream_recv_return(struct quic_conn *conn, u64 len)
{
	quic_flow_rx_consume(&conn->flow.rx, len);
	if (quic_flow_rx_update_due(&conn->flow.rx, quic_rcvq_window(conn)))
		conn->flow.pending |= QUIC_FLOW_MAX_DATA;
}

static void quic_stream_recv_extend(struct quic_conn *conn,
				    struct quic_stream_recv *recv, u64 end)
{
	u64 more = end > recv->flow.received ? end - recv->flow.received : 0;

	recv->flow.received += more;
	conn->flow.rx.received += more;
	if (recv->stopped) {
		quic_flow_rx_consume(&recv->flow, more);
		quic_stream_recv_return(conn, more);
	}
}

/* The last item that waits to be read, if @offset is where it ends. */
static struct sk_buff *quic_stream_recv_last(struct quic_conn *conn,
					     const struct quic_stream *stream,
					     u64 offset)
{
	struct sk_buff *last = skb_peek_tail(&quic_conn_sk(conn)->sk_receive_queue);

	if (!last || quic_item(last)->kind != QUIC_ITEM_STREAM ||
	    quic_item(last)->stream_id != stream->id || quic_item(last)->fin ||
	    quic_piece_end(last) != offset)
		return NULL;
	return last;
}

/* The same if @len bytes fit behind what is in it, for which it was charged
 * already: so not each packet takes an skb, small or not.
 */
static struct sk_buff *quic_stream_recv_room(struct quic_conn *conn,
					     const struct quic_stream *stream,
					     u64 offset, u32 len)
{
	struct sk_buff *last = quic_stream_recv_last(conn, stream, offset);

	if (!last || !len || len > skb_availroom(last) || skb_cloned(last))
		return NULL;
	return last;
}

static void quic_stream_recv_append(struct quic_conn *conn,
				    struct quic_stream *stream,
				    struct sk_buff *last, const u8 *data,
				    u32 len)
{
	skb_put_data(last, data, len);
	quic_item(last)->fin = quic_piece_end(last) == stream->recv.final_size;
	conn->events.wake_reader = true;
}

static void quic_stream_recv_queue(struct quic_conn *conn,
				   struct quic_stream *stream,
				   struct sk_buff *piece)
{
	struct sk_buff *last;

	last = quic_stream_recv_room(conn, stream, quic_item(piece)->offset,
				     piece->len);
	if (last) {
		quic_stream_recv_append(conn, stream, last, piece->data,
					piece->len);
		consume_skb(piece);
		return;
	}
	quic_item(piece)->fin =
		quic_piece_end(piece) == stream->recv.final_size;
	conn->events.wake_reader = true;
	__skb_queue_tail(&quic_conn_sk(conn)->sk_receive_queue, piece);
	stream->recv.queued++;
}

/* How large an item is to become that @len bytes begin. In a batch those of the
 * next packet are likely to follow, if these have followed those of the last.
 * What turns out not to be needed stays charged, so the guess grows with what
 * has come.
 */
static u32 quic_stream_recv_guess(struct quic_conn *conn,
				  const struct quic_stream *stream, u64 offset,
				  u32 len, const struct sk_buff *skb)
{
	struct sk_buff *last = quic_stream_recv_last(conn, stream, offset);

	if (!last || !len)
		return len;
	return min3(len + QUIC_SKB_CB(skb)->behind,
		    QUIC_ITEM_GROWTH * last->len, QUIC_ITEM_ROOM);
}

/* The new part of a frame's data as an item, charged; NULL if there is nothing
 * to keep. A FIN that nothing precedes any more is an item without bytes.
 */
static struct sk_buff *quic_stream_recv_piece(struct quic_conn *conn,
					      struct quic_stream *stream,
					      const struct quic_frame_stream *frame,
					      struct sk_buff *skb)
{
	struct quic_stream_recv *recv = &stream->recv;
	u64 end = frame->offset + frame->len;
	u64 start = max(frame->offset, recv->reasm.next);
	enum quic_item_order order = QUIC_ITEM_NEXT;
	struct sk_buff *piece = NULL;
	const u8 *data;
	bool fin_only;
	u32 room;

	fin_only = frame->fin && end == recv->reasm.next &&
		   recv->final_size == QUIC_SIZE_UNKNOWN;
	if (recv->stopped || (end <= start && !fin_only))
		return NULL;

	data = frame->data + (start - frame->offset);
	room = quic_stream_recv_guess(conn, stream, start, end - start, skb);
	if (room > 2 * (end - start))
		piece = quic_piece_begin(data, end - start, room, GFP_ATOMIC);
	if (!piece)
		piece = quic_piece_alloc(skb, data, end - start, GFP_ATOMIC);
	if (!piece)
		return ERR_PTR(-ENOMEM);
	quic_item(piece)->kind = QUIC_ITEM_STREAM;
	quic_item(piece)->stream_id = stream->id;
	quic_item(piece)->offset = start;
	/* Early data waits for the handshake, and has to leave it room. */
	if (start > recv->reasm.next || conn->early.held)
		order = QUIC_ITEM_AHEAD;
	if (quic_rcvq_charge(conn, piece, order)) {
		kfree_skb(piece);
		return ERR_PTR(-ENOBUFS);
	}
	return piece;
}

/* Everything up to @end is in the queue. */
static void quic_stream_recv_go_on(struct quic_conn *conn,
				   struct quic_stream *stream, u64 end)
{
	struct quic_reasm *reasm = &stream->recv.reasm;
	struct sk_buff *piece;

	reasm->next = end;
	while ((piece = quic_reasm_pop(reasm)))
		quic_stream_recv_queue(conn, stream, piece);
}

static void quic_stream_recv_deliver(struct quic_conn *conn,
				     struct quic_stream *stream,
				     struct sk_buff *piece)
{
	struct quic_reasm *reasm = &stream->recv.reasm;
	u64 end = quic_piece_end(piece);

	if (quic_item(piece)->offset > reasm->next) {
		quic_reasm_insert(reasm, piece);
		return;
	}
	quic_stream_recv_queue(conn, stream, piece);
	quic_stream_recv_go_on(conn, stream, end);
}

static bool quic_stream_recv_complete(const struct quic_stream_recv *recv)
{
	if (recv->stopped)
		return recv->flow.received == recv->final_size;
	return recv->reasm.next == recv->final_size;
}

/* Reports the states that a frame has led to. Whoever reads them finds the
 * data behind them, as the queue of events is read first.
 */
static void quic_stream_recv_advance(struct quic_conn *conn,
				     struct quic_stream *stream, bool fin)
{
	struct quic_stream_recv *recv = &stream->recv;

	if (!recv->started) {
		recv->started = true;
		quic_event_stream_update(conn, stream->id, recv->state, 0, 0);
	}
	if (quic_stream_recv_complete(recv)) {
		recv->state = QUIC_STREAM_RECV_STATE_RECVD;
		quic_stream_disown(stream, QUIC_STREAM_MAX_DATA |
					   QUIC_STREAM_STOP_SENDING);
		quic_event_stream_update(conn, stream->id, recv->state, 0,
					 recv->final_size);
		quic_stream_end_check(conn, stream);
		return;
	}
	if (fin && recv->state == QUIC_STREAM_RECV_STATE_RECV) {
		recv->state = QUIC_STREAM_RECV_STATE_SIZE_KNOWN;
		quic_stream_disown(stream, QUIC_STREAM_MAX_DATA);
		quic_event_stream_update(conn, stream->id, recv->state, 0,
					 recv->final_size);
	}
}

/**
 * quic_stream_recv_data - a STREAM frame has come
 * @conn:   connection
 * @stream: its stream, which may be gone afterwards
 * @frame:  the frame
 * @skb:    datagram that its data lies in
 *
 * Context: connection lock held.
 * Return: 0, a transport error, or a negative errno: nothing has changed then.
 */
int quic_stream_recv_data(struct quic_conn *conn, struct quic_stream *stream,
			  const struct quic_frame_stream *frame,
			  struct sk_buff *skb)
{
	struct quic_stream_recv *recv = &stream->recv;
	u64 end = frame->offset + frame->len;
	struct sk_buff *piece = NULL, *last = NULL;
	int err;

	quic_conn_assert_held(conn);
	err = quic_stream_recv_check(conn, recv, end, frame->fin);
	if (err)
		return err;
	if (quic_stream_recv_done(stream))
		return 0;
	if (!recv->stopped && frame->offset == recv->reasm.next)
		last = quic_stream_recv_room(conn, stream, frame->offset,
					     frame->len);
	if (!last)
		piece = quic_stream_recv_piece(conn, stream, frame, skb);
	if (IS_ERR(piece))
		return PTR_ERR(piece);

	quic_stream_recv_extend(conn, recv, end);
	if (frame->fin)
		recv->final_size = end;
	if (last) {
		quic_stream_recv_append(conn, stream, last, frame->data,
					frame->len);
		quic_stream_recv_go_on(conn, stream, end);
	} else if (piece) {
		quic_stream_recv_deliver(conn, stream, piece);
	}
	if (frame->len || frame->fin)
		quic_stream_recv_advance(conn, stream, frame->fin);
	return 0;
}

/* Unread items are near the end of the queue if the stream is young, which is
 * when a peer could do this often.
 */
static void quic_stream_recv_discard(struct quic_conn *conn,
				     struct quic_stream *stream)
{
	struct sk_buff_head *queue = &quic_conn_sk(conn)->sk_receive_queue;
	struct sk_buff *skb, *tmp;

	skb_queue_reverse_walk_safe(queue, skb, tmp) {
		if (!stream->recv.queued)
			return;
		if (quic_item(skb)->kind != QUIC_ITEM_STREAM ||
		    quic_item(skb)->stream_id != stream->id)
			continue;
		__skb_unlink(skb, queue);
		kfree_skb(skb);
		stream->recv.queued--;
	}
}

/**
 * quic_stream_recv_reset - a RESET_STREAM frame has come
 * @conn:   connection
 * @stream: its stream, which may be gone afterwards
 * @frame:  the frame
 *
 * Data that was not read is discarded, and counts as consumed.
 *
 * Context: connection lock held.
 * Return: 0 or a transport error.
 */
int quic_stream_recv_reset(struct quic_conn *conn, struct quic_stream *stream,
			   const struct quic_frame_reset_stream *frame)
{
	struct quic_stream_recv *recv = &stream->recv;
	u64 unread;
	int err;

	quic_conn_assert_held(conn);
	err = quic_stream_recv_check(conn, recv, frame->final_size, true);
	if (err)
		return err;
	if (quic_stream_recv_done(stream))
		return 0;

	quic_stream_recv_extend(conn, recv, frame->final_size);
	recv->final_size = frame->final_size;
	unread = recv->final_size - recv->flow.consumed;
	quic_flow_rx_consume(&recv->flow, unread);
	quic_stream_recv_return(conn, unread);
	quic_reasm_purge(&recv->reasm);
	quic_stream_recv_discard(conn, stream);
	quic_rcvq_check_room(conn);
	recv->started = true;
	recv->state = QUIC_STREAM_RECV_STATE_RESET_RECVD;
	quic_stream_disown(stream, QUIC_STREAM_MAX_DATA |
				   QUIC_STREAM_STOP_SENDING);
	quic_event_stream_update(conn, stream->id, recv->state,
				 frame->error_code, recv->final_size);
	quic_stream_end_check(conn, stream);
	return 0;
}

/**
 * quic_stream_recv_stop - ask the peer to stop, and drop what comes
 * @conn:    connection
 * @stream:  stream whose receiving part is not done and not stopped
 * @errcode: application error code
 *
 * What is readable stays so.
 *
 * Context: connection lock held.
 */
void quic_stream_recv_stop(struct quic_conn *conn, struct quic_stream *stream,
			   u64 errcode)
{
	struct quic_stream_recv *recv = &stream->recv;
	u64 dropped = recv->flow.received - recv->reasm.next;

	quic_conn_assert_held(conn);
	recv->stopped = true;
	recv->errcode = errcode;
	quic_reasm_purge(&recv->reasm);
	quic_rcvq_check_room(conn);
	quic_flow_rx_consume(&recv->flow, dropped);
	quic_stream_recv_return(conn, dropped);
	quic_stream_disown(stream, QUIC_STREAM_MAX_DATA);
	quic_stream_owe(conn, stream, QUIC_STREAM_STOP_SENDING);
}

/**
 * quic_stream_recv_consume - a program has read from a stream's item
 * @conn:      connection
 * @id:        stream ID; the stream may have ended already
 * @len:       bytes that were read
 * @item_done: the item left the queue
 *
 * Context: connection lock held.
 */
void quic_stream_recv_consume(struct quic_conn *conn, u64 id, u32 len,
			      bool item_done)
{
	struct quic_stream *stream = quic_stream_find(conn, id);
	bool owed = conn->flow.pending & QUIC_FLOW_MAX_DATA;
	struct quic_stream_recv *recv;

	quic_stream_recv_return(conn, len);
	if (!owed && conn->flow.pending & QUIC_FLOW_MAX_DATA)
		quic_tune_window(conn, &conn->flow.rx);
	if (!stream)
		return;
	recv = &stream->recv;
	if (item_done)
		recv->queued--;
	quic_flow_rx_consume(&recv->flow, len);
	if (stream->pending & QUIC_STREAM_MAX_DATA ||
	    !quic_stream_recv_wants_credit(stream) ||
	    !quic_flow_rx_update_due(&recv->flow, recv->flow.window))
		return;
	quic_tune_window(conn, &recv->flow);
	quic_stream_owe(conn, stream, QUIC_STREAM_MAX_DATA);
}

/**
 * quic_stream_recv_purge - drop what is being reassembled
 * @stream: stream that is going away
 */
void quic_stream_recv_purge(struct quic_stream *stream)
{
	quic_reasm_purge(&stream->recv.reasm);
}
