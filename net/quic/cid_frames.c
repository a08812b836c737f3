// SPDX-License-Identifier: GPL-2.0-only
#include "conn.h"
#include "frame.h"
#include "net_ns.h"
#include "packet_build.h"
#include "token.h"

/**
 * quic_cids_pending - is there a frame about connection IDs to send
 * @conn: the connection
 *
 * Context: connection lock held.
 * Return: whether quic_cids_put_frames() would put one.
 */
bool quic_cids_pending(const struct quic_conn *conn)
{
	const struct quic_cids *cids = &conn->cids;
	const struct quic_local_cid *lcid;
	u8 i;

	for (i = 0; i < cids->nr_retire; i++)
		if (cids->retire[i].pending)
			return true;
	list_for_each_entry(lcid, &cids->local, list)
		if (lcid->announce)
			return true;
	return false;
}

static bool quic_cid_put_retire(struct quic_cid_retire *r,
				struct quic_pkt_builder *b)
{
	u32 len = quic_frame_len_retire_connection_id(r->seq);

	if (quic_pkt_room(b) < len || !quic_pkt_records_left(b))
		return false;
	quic_frame_put_retire_connection_id(quic_pkt_put(b, len), r->seq);
	quic_pkt_record(b, QUIC_SENT_RETIRE_CID, r->seq, 0, 0, false);
	r->pending = false;
	return true;
}

static bool quic_cid_put_new(struct quic_conn *conn,
			     struct quic_local_cid *lcid,
			     struct quic_pkt_builder *b)
{
	u64 prior_to = min(conn->cids.local_retire_prior_to, lcid->seq);
	u8 token[QUIC_RESET_TOKEN_LEN];
	u32 len;

	len = quic_frame_len_new_connection_id(lcid->seq, prior_to,
					       lcid->entry.cid.len);
	if (quic_pkt_room(b) < len || !quic_pkt_records_left(b))
		return false;
	quic_token_reset(quic_net_reset_key(quic_conn_net(conn)),
			 &lcid->entry.cid, token);
	quic_frame_put_new_connection_id(quic_pkt_put(b, len), lcid->seq,
					 prior_to, &lcid->entry.cid, token);
	quic_pkt_record(b, QUIC_SENT_NEW_CID, lcid->seq, 0, 0, false);
	lcid->announce = false;
	lcid->unsent = false;
	return true;
}

/**
 * quic_cids_put_frames - put the frames about connection IDs that are due
 * @conn: the connection
 * @b:	1-RTT packet to put them in
 *
 * Context: connection lock held.
 */
void quic_cids_put_frames(struct quic_conn *conn, struct quic_pkt_builder *b)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_local_cid *lcid;
	u8 i;

	for (i = 0; i < cids->nr_retire; i++)
		if (cids->retire[i].pending &&
		    !quic_cid_put_retire(&cids->retire[i], b))
			return;
	list_for_each_entry(lcid, &cids->local, list)
		if (lcid->announce && !quic_cid_put_new(conn, lcid, b))
			return;
}

static void quic_cid_new_acked(struct quic_conn *conn, u64 seq)
{
	struct quic_local_cid *lcid = quic_cid_find_local(conn, seq);

	if (!lcid)
		return;
	lcid->acked = true;
	lcid->announce = false;
}

/**
 * quic_cids_frame_acked - the peer has a frame about connection IDs
 * @conn:  the connection
 * @frame: ledger entry of kind NEW_CID or RETIRE_CID
 *
 * Context: connection lock held.
 */
void quic_cids_frame_acked(struct quic_conn *conn,
			   const struct quic_sent_frame *frame)
{
	struct quic_cids *cids = &conn->cids;
	u8 i;

	if (frame->kind == QUIC_SENT_NEW_CID) {
		quic_cid_new_acked(conn, frame->id);
		return;
	}
	for (i = 0; i < cids->nr_retire; i++) {
		if (cids->retire[i].seq != frame->id)
			continue;
		cids->retire[i] = cids->retire[--cids->nr_retire];
		return;
	}
}

/**
 * quic_cids_frame_lost - a frame about connection IDs has to be sent anew,
 * unless another packet has brought it
 * @conn:  the connection
 * @frame: ledger entry of kind NEW_CID or RETIRE_CID
 *
 * Context: connection lock held.
 */
void quic_cids_frame_lost(struct quic_conn *conn,
			  const struct quic_sent_frame *frame)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_local_cid *lcid;
	u8 i;

	if (frame->kind == QUIC_SENT_NEW_CID) {
		lcid = quic_cid_find_local(conn, frame->id);
		if (lcid)
			lcid->announce = !lcid->acked;
		return;
	}
	for (i = 0; i < cids->nr_retire; i++)
		if (cids->retire[i].seq == frame->id)
			cids->retire[i].pending = true;
}
