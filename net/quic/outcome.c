// SPDX-License-Identifier: GPL-2.0-only
#include <trace/events/quic.h>

#include "conn.h"
#include "net_ns.h"
#include "outcome.h"
#include "stream_output.h"
#include "tune.h"

static void quic_outcome_frame_acked(struct quic_conn *conn,
				     struct quic_pnspace *space,
				     const struct quic_sent_frame *frame)
{
	switch (frame->kind) {
	case QUIC_SENT_ACK:
		quic_pnspace_on_ack_acked(space, frame->offset);
		break;
	case QUIC_SENT_CRYPTO:
		quic_crypto_frame_acked(conn, frame);
		break;
	case QUIC_SENT_NEW_CID:
	case QUIC_SENT_RETIRE_CID:
		quic_cids_frame_acked(conn, frame);
		break;
	case QUIC_SENT_NEW_TOKEN:
		quic_new_token_acked(conn);
		break;
	case QUIC_SENT_HANDSHAKE_DONE:
		conn->hs.done_acked = true;
		conn->hs.done_pending = false;
		break;
	case QUIC_SENT_PATH_CHALLENGE:
	case QUIC_SENT_PATH_RESPONSE:
	case QUIC_SENT_PING:
	case QUIC_SENT_DATAGRAM:
	case QUIC_SENT_CLOSE:
		break;
	default:
		quic_streams_frame_acked(conn, frame);
		break;
	}
}

static void quic_outcome_frame_lost(struct quic_conn *conn,
				    const struct quic_sent_frame *frame)
{
	switch (frame->kind) {
	case QUIC_SENT_CRYPTO:
		conn->stats.retrans_bytes += frame->len;
		quic_crypto_frame_lost(conn, frame);
		break;
	case QUIC_SENT_NEW_CID:
	case QUIC_SENT_RETIRE_CID:
		quic_cids_frame_lost(conn, frame);
		break;
	case QUIC_SENT_NEW_TOKEN:
		quic_new_token_lost(conn);
		break;
	case QUIC_SENT_HANDSHAKE_DONE:
		conn->hs.done_pending = !conn->hs.done_acked;
		break;
	case QUIC_SENT_ACK:
	case QUIC_SENT_PATH_CHALLENGE:
	case QUIC_SENT_PATH_RESPONSE:
	case QUIC_SENT_PING:
	case QUIC_SENT_DATAGRAM:
	case QUIC_SENT_CLOSE:
		return;
	case QUIC_SENT_STREAM:
		conn->stats.retrans_bytes += frame->len;
		fallthrough;
	default:
		quic_streams_frame_lost(conn, frame);
		break;
	}
	QUIC_INC_STATS(quic_conn_net(conn), FRM_RETRANS);
}

/**
 * quic_outcome_acked - do what follows from packets that have arrived
 * @conn:  the connection
 * @acked: struct quic_sent_pkt, all freed
 *
 * Context: connection lock held.
 */
void quic_outcome_acked(struct quic_conn *conn, struct list_head *acked)
{
	struct quic_sent_pkt *pkt, *next;
	struct quic_pnspace *space;
	u8 i;

	quic_tune_sndbuf(conn);
	list_for_each_entry_safe(pkt, next, acked, list) {
		space = &conn->spaces[quic_level_space(quic_pkt_level(pkt->type))];
		for (i = 0; i < pkt->nr_frames; i++)
			quic_outcome_frame_acked(conn, space, &pkt->frames[i]);
		if (pkt->mtu_probe && pkt->path_gen == conn->rec.path_gen)
			quic_path_mtu_answer(conn, pkt->size, false);
		conn->stats.acked_bytes += pkt->size;
		list_del(&pkt->list);
		quic_sent_pkt_free(pkt);
	}
	quic_send_buf_reclaim(quic_conn_sk(conn));
}

static void quic_outcome_requeue(struct quic_conn *conn,
				 const struct quic_sent_pkt *pkt)
{
	u8 i;

	for (i = 0; i < pkt->nr_frames; i++)
		quic_outcome_frame_lost(conn, &pkt->frames[i]);
}

/**
 * quic_outcome_lost - queue again what packets carried that were lost
 * @conn: the connection
 * @lost: struct quic_sent_pkt, all freed
 *
 * Context: connection lock held.
 */
void quic_outcome_lost(struct quic_conn *conn, struct list_head *lost)
{
	struct quic_sent_pkt *pkt, *next;

	list_for_each_entry_safe(pkt, next, lost, list) {
		trace_quic_pkt_lost(quic_conn_sk(conn), pkt->type, pkt->pn,
				    pkt->size);
		if (pkt->mtu_probe && pkt->path_gen == conn->rec.path_gen)
			quic_path_mtu_answer(conn, pkt->size, true);
		conn->stats.lost_bytes += pkt->size;
		quic_outcome_requeue(conn, pkt);
		list_del(&pkt->list);
		quic_sent_pkt_free(pkt);
	}
}

/**
 * quic_outcome_repeat - let probes repeat what has not been answered
 * @conn: the connection
 * @id:   packet number space
 * @room: bytes that the probes may have, all together
 *
 * A probe carries data rather than a PING where it can (RFC 9002, 6.2.4): what
 * the oldest unanswered packets carried is the likeliest to be missing. Small
 * ones are repeated together: the one that a peer waits for need not be the
 * oldest, and the next probe comes after twice the time.
 *
 * Context: connection lock held.
 */
void quic_outcome_repeat(struct quic_conn *conn, enum quic_space_id id,
			 u32 room)
{
	const struct quic_sent_pkt *pkt;
	u32 used = 0;

	list_for_each_entry(pkt, &conn->spaces[id].sent, list) {
		if (!pkt->ack_eliciting || pkt->mtu_probe)
			continue;
		if (used && used + pkt->size > room)
			break;
		quic_outcome_requeue(conn, pkt);
		used += pkt->size;
	}
}
