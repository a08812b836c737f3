// SPDX-License-Identifier: GPL-2.0-only
#include <trace/events/quic.h>

#include "conn.h"
#include "crypto_stream.h"
#include "dgram.h"
#include "frame.h"
#include "input.h"
#include "net_ns.h"
#include "new_token.h"
#include "outcome.h"
#include "stream_input.h"

/* Handlers return 0, a transport error, or an errno; see types.h. */
typedef int (*quic_frame_handler)(struct quic_conn *conn,
				  struct quic_rx_pkt *pkt,
				  const struct quic_frame *frame);

static int quic_handle_nothing(struct quic_conn *conn, struct quic_rx_pkt *pkt,
			       const struct quic_frame *frame)
{
	return 0;
}

static void quic_input_trace_ack(const struct quic_conn *conn,
				 const struct quic_rx_pkt *pkt,
				 const struct quic_frame_ack *ack, u64 delay_us)
{
	u64 smallest, largest;
	struct quic_ack_iter it;

	if (!trace_quic_ack_rcvd_enabled())
		return;
	quic_ack_iter_init(&it, ack);
	while (quic_ack_iter_next(&it, &smallest, &largest))
		trace_quic_ack_rcvd(quic_conn_sk(conn), pkt->type, pkt->pn,
				    smallest, largest, delay_us);
}

static int quic_handle_ack(struct quic_conn *conn, struct quic_rx_pkt *pkt,
			   const struct quic_frame *frame)
{
	struct quic_pnspace *space = &conn->spaces[pkt->space];
	const struct quic_frame_ack *ack = &frame->ack;
	LIST_HEAD(acked);
	LIST_HEAD(lost);
	u64 delay_us = 0;
	int err;

	/* RFC 9000, 18.2: the exponent is for ACK frames of 1-RTT packets;
	 * the others are not delayed on purpose.
	 */
	if (pkt->level == QUIC_CRYPTO_APP)
		delay_us = quic_frame_ack_delay_us(ack,
						   conn->remote.ack_delay_exponent);
	err = quic_loss_on_ack(&conn->rec, space, ack, delay_us, pkt->now,
			       &acked, &lost);
	if (pkt->level == QUIC_CRYPTO_HANDSHAKE && !list_empty(&acked))
		conn->rec.peer_validated = true;
	quic_outcome_acked(conn, &acked);
	quic_outcome_lost(conn, &lost);
	if (!err && pkt->level == QUIC_CRYPTO_APP)
		err = quic_keys_on_ack(&conn->keys, ack->largest_acked,
				       pkt->now,
				       quic_recovery_pto_us(&conn->rec));
	quic_input_trace_ack(conn, pkt, ack, delay_us);
	trace_quic_metrics(quic_conn_sk(conn), &conn->rec);
	return err;
}

static int quic_handle_crypto(struct quic_conn *conn, struct quic_rx_pkt *pkt,
			      const struct quic_frame *frame)
{
	quic_version_on_crypto(conn, pkt->level);
	return quic_crypto_recv(conn, pkt->level, &frame->crypto, pkt->skb);
}

static int quic_handle_new_token(struct quic_conn *conn,
				 struct quic_rx_pkt *pkt,
				 const struct quic_frame *frame)
{
	return quic_new_token_rcv(conn, &frame->new_token);
}

static int quic_handle_stream(struct quic_conn *conn, struct quic_rx_pkt *pkt,
			      const struct quic_frame *frame)
{
	if (frame->stream.fin)
		pkt->ack_now = true;
	return quic_streams_recv_data(conn, &frame->stream, pkt->skb);
}

static int quic_handle_reset_stream(struct quic_conn *conn,
				    struct quic_rx_pkt *pkt,
				    const struct quic_frame *frame)
{
	return quic_streams_recv_reset(conn, &frame->reset_stream);
}

static int quic_handle_stop_sending(struct quic_conn *conn,
				    struct quic_rx_pkt *pkt,
				    const struct quic_frame *frame)
{
	return quic_streams_recv_stop_sending(conn, &frame->stop_sending);
}

static int quic_handle_max_data(struct quic_conn *conn, struct quic_rx_pkt *pkt,
				const struct quic_frame *frame)
{
	return quic_streams_recv_max_data(conn, &frame->max_data);
}

static int quic_handle_max_stream_data(struct quic_conn *conn,
				       struct quic_rx_pkt *pkt,
				       const struct quic_frame *frame)
{
	return quic_streams_recv_max_stream_data(conn, &frame->max_stream_data);
}

static int quic_handle_max_streams(struct quic_conn *conn,
				   struct quic_rx_pkt *pkt,
				   const struct quic_frame *frame)
{
	return quic_streams_recv_max_streams(conn, &frame->max_streams);
}

static int quic_handle_stream_data_blocked(struct quic_conn *conn,
					   struct quic_rx_pkt *pkt,
					   const struct quic_frame *frame)
{
	return quic_streams_recv_stream_data_blocked(conn,
						     &frame->stream_data_blocked);
}

static int quic_handle_new_connection_id(struct quic_conn *conn,
					 struct quic_rx_pkt *pkt,
					 const struct quic_frame *frame)
{
	return quic_cid_on_new(conn, &frame->new_connection_id);
}

static int quic_handle_retire_connection_id(struct quic_conn *conn,
					    struct quic_rx_pkt *pkt,
					    const struct quic_frame *frame)
{
	return quic_cid_on_retire(conn, frame->retire_connection_id.seq,
				  &pkt->dcid);
}

static int quic_handle_path_challenge(struct quic_conn *conn,
				      struct quic_rx_pkt *pkt,
				      const struct quic_frame *frame)
{
	quic_migrate_on_challenge(conn, pkt, frame->path_challenge.data);
	return 0;
}

static int quic_handle_path_response(struct quic_conn *conn,
				     struct quic_rx_pkt *pkt,
				     const struct quic_frame *frame)
{
	return quic_migrate_on_response(conn, frame->path_response.data);
}

static int quic_handle_connection_close(struct quic_conn *conn,
					struct quic_rx_pkt *pkt,
					const struct quic_frame *frame)
{
	quic_close_on_frame(conn, &frame->connection_close);
	return 0;
}

/* TLS may still owe us the other 1-RTT key: it counts when that is there. */
static int quic_handle_handshake_done(struct quic_conn *conn,
				      struct quic_rx_pkt *pkt,
				      const struct quic_frame *frame)
{
	conn->hs.done_rcvd = true;
	if (conn->hs.complete)
		quic_handshake_confirm(conn);
	return 0;
}

static int quic_handle_datagram(struct quic_conn *conn, struct quic_rx_pkt *pkt,
				const struct quic_frame *frame)
{
	return quic_dgram_recv(conn, &frame->datagram, pkt->skb);
}

static const quic_frame_handler quic_frame_handlers[QUIC_FRAME_TYPES] = {
	[QUIC_FRAME_PADDING]		= quic_handle_nothing,
	[QUIC_FRAME_PING]		= quic_handle_nothing,
	[QUIC_FRAME_ACK]		= quic_handle_ack,
	[QUIC_FRAME_ACK_ECN]		= quic_handle_ack,
	[QUIC_FRAME_RESET_STREAM]	= quic_handle_reset_stream,
	[QUIC_FRAME_STOP_SENDING]	= quic_handle_stop_sending,
	[QUIC_FRAME_CRYPTO]		= quic_handle_crypto,
	[QUIC_FRAME_NEW_TOKEN]		= quic_handle_new_token,
	[QUIC_FRAME_STREAM ... QUIC_FRAME_STREAM_LAST] = quic_handle_stream,
	[QUIC_FRAME_MAX_DATA]		= quic_handle_max_data,
	[QUIC_FRAME_MAX_STREAM_DATA]	= quic_handle_max_stream_data,
	[QUIC_FRAME_MAX_STREAMS_BIDI]	= quic_handle_max_streams,
	[QUIC_FRAME_MAX_STREAMS_UNI]	= quic_handle_max_streams,
	[QUIC_FRAME_DATA_BLOCKED]	= quic_handle_nothing,
	[QUIC_FRAME_STREAM_DATA_BLOCKED] = quic_handle_stream_data_blocked,
	[QUIC_FRAME_STREAMS_BLOCKED_BIDI] = quic_handle_nothing,
	[QUIC_FRAME_STREAMS_BLOCKED_UNI] = quic_handle_nothing,
	[QUIC_FRAME_NEW_CONNECTION_ID]	= quic_handle_new_connection_id,
	[QUIC_FRAME_RETIRE_CONNECTION_ID] = quic_handle_retire_connection_id,
	[QUIC_FRAME_PATH_CHALLENGE]	= quic_handle_path_challenge,
	[QUIC_FRAME_PATH_RESPONSE]	= quic_handle_path_response,
	[QUIC_FRAME_CONNECTION_CLOSE]	= quic_handle_connection_close,
	[QUIC_FRAME_CONNECTION_CLOSE_APP] = quic_handle_connection_close,
	[QUIC_FRAME_HANDSHAKE_DONE]	= quic_handle_handshake_done,
	[QUIC_FRAME_DATAGRAM]		= quic_handle_datagram,
	[QUIC_FRAME_DATAGRAM_LEN]	= quic_handle_datagram,
};

/* RFC 9000, 12.4, 12.5, 19.7 and 19.20 */
static int quic_frame_allowed(const struct quic_conn *conn,
			      const struct quic_rx_pkt *pkt,
			      const struct quic_frame_info *info)
{
	if (!(info->pkts & pkt->type))
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	if (conn->is_server && (info->flags & QUIC_FRAME_SERVER_ONLY))
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	/* RFC 9000, 9: a server does not move by itself. It may ask whether it
	 * could, though: see docs/decisions.md.
	 */
	if (!conn->is_server && pkt->foreign &&
	    !(info->flags & QUIC_FRAME_PROBING))
		return -EADDRNOTAVAIL;
	return 0;
}

/* What a frame is about, in the words that quic_pkt_record() has for it. */
static void quic_input_trace_frame(const struct quic_conn *conn,
				   const struct quic_rx_pkt *pkt,
				   const struct quic_frame *frame,
				   const char *name)
{
	u64 id = 0, offset = 0;
	bool fin = false;
	u32 len = 0;

	switch (frame->type) {
	case QUIC_FRAME_CRYPTO:
		id = pkt->level;
		offset = frame->crypto.offset;
		len = frame->crypto.len;
		break;
	case QUIC_FRAME_STREAM ... QUIC_FRAME_STREAM_LAST:
		id = frame->stream.stream_id;
		offset = frame->stream.offset;
		len = frame->stream.len;
		fin = frame->stream.fin;
		break;
	case QUIC_FRAME_RESET_STREAM:
		id = frame->reset_stream.stream_id;
		break;
	case QUIC_FRAME_STOP_SENDING:
		id = frame->stop_sending.stream_id;
		break;
	case QUIC_FRAME_MAX_DATA:
		offset = frame->max_data.max_data;
		break;
	case QUIC_FRAME_MAX_STREAM_DATA:
		id = frame->max_stream_data.stream_id;
		offset = frame->max_stream_data.max_stream_data;
		break;
	case QUIC_FRAME_MAX_STREAMS_BIDI:
	case QUIC_FRAME_MAX_STREAMS_UNI:
		id = frame->max_streams.uni;
		offset = frame->max_streams.max_streams;
		break;
	case QUIC_FRAME_NEW_CONNECTION_ID:
		id = frame->new_connection_id.seq;
		break;
	case QUIC_FRAME_RETIRE_CONNECTION_ID:
		id = frame->retire_connection_id.seq;
		break;
	case QUIC_FRAME_DATAGRAM:
	case QUIC_FRAME_DATAGRAM_LEN:
		len = frame->datagram.len;
		break;
	}
	trace_quic_frame_rcvd(quic_conn_sk(conn), pkt->type, pkt->pn, name, id,
			      offset, len, fin);
}

/**
 * quic_input_frames - handle the frames of a packet
 * @conn:     the connection
 * @pkt:      the packet
 * @pos:      first byte of its payload
 * @end:      end of its payload
 * @bad_type: receives the type of the frame that caused an error
 *
 * Context: connection lock held.
 * Return: 0, a transport error, or a negative errno: then the packet is not to
 * be acknowledged, and what its first frames did is repeated harmlessly.
 */
int quic_input_frames(struct quic_conn *conn, struct quic_rx_pkt *pkt,
		      const u8 *pos, const u8 *end, u64 *bad_type)
{
	const struct quic_frame_info *info;
	struct quic_frame frame;
	int err;

	/* RFC 9000, 12.4 */
	if (pos == end)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	while (pos < end) {
		frame.type = 0;
		err = quic_frame_parse(&pos, end, &frame);
		*bad_type = frame.type;
		if (err)
			return err;
		info = quic_frame_info(frame.type);
		if (!info)
			return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
		err = quic_frame_allowed(conn, pkt, info);
		if (err)
			return err;
		if (trace_quic_frame_rcvd_enabled())
			quic_input_trace_frame(conn, pkt, &frame, info->name);
		if (info->flags & QUIC_FRAME_ACK_ELICITING)
			pkt->ack_eliciting = true;
		if (!(info->flags & QUIC_FRAME_PROBING))
			pkt->non_probing = true;
		err = quic_frame_handlers[frame.type](conn, pkt, &frame);
		if (err)
			return err;
		/* What follows a CONNECTION_CLOSE has no connection to act on. */
		if (conn->close.state == QUIC_CLOSE_DRAINING)
			return 0;
	}
	return 0;
}
