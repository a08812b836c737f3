// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>

#include "conn.h"
#include "event.h"
#include "frame.h"
#include "loss.h"
#include "stream.h"
#include "stream_input.h"
#include "stream_recv.h"
#include "stream_send.h"

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
	quic_loss_peer_reads(&conn->rec);
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
	quic_loss_peer_reads(&conn->rec);
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
