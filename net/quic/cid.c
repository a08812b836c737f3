// SPDX-License-Identifier: GPL-2.0-only
#include <crypto/utils.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "conn.h"
#include "frame.h"
#include "header.h"
#include "lookup.h"
#include "net_ns.h"
#include "token.h"

/**
 * quic_cids_init - set up empty sets of connection IDs
 * @cids: what to initialise
 */
void quic_cids_init(struct quic_cids *cids)
{
	INIT_LIST_HEAD(&cids->local);
	INIT_LIST_HEAD(&cids->peer);
	cids->local_limit = 1;
}

static void quic_cid_free_local(struct quic_local_cid *lcid)
{
	quic_lookup_del_cid(&lcid->entry);
	kfree_rcu(lcid, rcu);
}

static void quic_cid_free_peer(struct quic_conn *conn,
			       struct quic_peer_cid *pcid)
{
	list_del(&pcid->list);
	conn->cids.nr_peer--;
	if (pcid->has_token)
		quic_lookup_del_reset(&pcid->reset);
	kfree_rcu(pcid, rcu);
}

static void quic_cid_set_token(struct quic_conn *conn,
			       struct quic_peer_cid *pcid, const u8 *token)
{
	pcid->reset.sk = quic_conn_sk(conn);
	memcpy(pcid->reset.token, token, QUIC_RESET_TOKEN_LEN);
	pcid->has_token = true;
	if (pcid->used)
		quic_lookup_add_reset(&pcid->reset);
}

/* From now on packets carry it, and a stateless reset may answer them: not
 * before (RFC 9000, 10.3.1).
 */
static struct quic_peer_cid *quic_cid_use(struct quic_conn *conn,
					  struct quic_peer_cid *pcid)
{
	if (pcid->used)
		return pcid;
	if (pcid->has_token)
		quic_lookup_add_reset(&pcid->reset);
	quic_spin_init(&pcid->spin,
		       READ_ONCE(quic_net(quic_conn_net(conn))->spin_bit));
	pcid->used = true;
	return pcid;
}

static void quic_cid_activate(struct quic_conn *conn,
			      struct quic_peer_cid *pcid)
{
	/* Pairs with quic_cid_quoted(), which looks without the lock. */
	smp_store_release(&conn->cids.active, quic_cid_use(conn, pcid));
}

/**
 * quic_cid_quoted - tell whether our packets begin with certain bytes
 * @conn: the connection
 * @data: beginning of a packet, as an ICMP error quotes it
 * @len:  how much of it there is
 *
 * They carry an ID of the peer's (RFC 9000, 14.2.1), which somebody who is not
 * on the path cannot know. While the first ID changes the answer may be no.
 *
 * Context: RCU read side; the connection lock need not be held.
 * Return: true if the ID is there, and has any bytes.
 */
bool quic_cid_quoted(const struct quic_conn *conn, const u8 *data, u32 len)
{
	/* Pairs with quic_cid_activate(). */
	const struct quic_peer_cid *pcid = smp_load_acquire(&conn->cids.active);
	u32 off = 1;
	u8 cid_len;

	if (!pcid || !len)
		return false;
	cid_len = READ_ONCE(pcid->cid.len);
	if (data[0] & QUIC_HDR_LONG) {
		off = 1 + 4 + 1;
		if (len < off || data[off - 1] != cid_len)
			return false;
	}
	return cid_len && len >= off + cid_len &&
	       !memcmp(data + off, pcid->cid.data, cid_len);
}

/**
 * quic_cids_free - release every connection ID of a connection
 * @conn: the connection, no longer receiving
 */
void quic_cids_free(struct quic_conn *conn)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_local_cid *lcid, *lnext;
	struct quic_peer_cid *pcid, *pnext;

	quic_cid_drop_original(conn);
	list_for_each_entry_safe(lcid, lnext, &cids->local, list) {
		list_del(&lcid->list);
		quic_cid_free_local(lcid);
	}
	cids->nr_local = 0;
	WRITE_ONCE(cids->active, NULL);
	cids->other = NULL;
	list_for_each_entry_safe(pcid, pnext, &cids->peer, list)
		quic_cid_free_peer(conn, pcid);
}

/**
 * quic_cid_find_local - an ID of ours by its sequence number
 * @conn: the connection
 * @seq:  the number
 *
 * Context: connection lock held.
 * Return: the ID, or NULL.
 */
struct quic_local_cid *quic_cid_find_local(struct quic_conn *conn, u64 seq)
{
	struct quic_local_cid *lcid;

	list_for_each_entry(lcid, &conn->cids.local, list)
		if (lcid->seq == seq)
			return lcid;
	return NULL;
}

static struct quic_peer_cid *quic_cid_find_peer(struct quic_conn *conn, u64 seq)
{
	struct quic_peer_cid *pcid;

	list_for_each_entry(pcid, &conn->cids.peer, list)
		if (pcid->seq == seq)
			return pcid;
	return NULL;
}

static void quic_cid_list_local(struct quic_cids *cids,
				struct quic_local_cid *lcid)
{
	lcid->seq = cids->local_next_seq++;
	list_add_tail(&lcid->list, &cids->local);
	cids->nr_local++;
}

/* With random bytes, or others if somebody has these. */
static struct quic_local_cid *quic_cid_add_random(struct quic_conn *conn,
						  const u8 *random)
{
	struct quic_local_cid *lcid;

	lcid = kzalloc_obj(*lcid, GFP_ATOMIC);
	if (!lcid)
		return NULL;
	lcid->entry.sk = quic_conn_sk(conn);
	lcid->entry.cid.len = QUIC_CID_LEN;
	memcpy(lcid->entry.cid.data, random, QUIC_CID_LEN);
	while (quic_lookup_add_cid(&lcid->entry))
		get_random_bytes(lcid->entry.cid.data, QUIC_CID_LEN);
	quic_cid_list_local(&conn->cids, lcid);
	return lcid;
}

/**
 * quic_cid_add_local - make a new connection ID that leads to us
 * @conn: the connection
 *
 * The ID is unpredictable (RFC 9000, 21.11) and can be received on at once.
 *
 * Context: connection lock held.
 * Return: the ID, or NULL for lack of memory.
 */
struct quic_local_cid *quic_cid_add_local(struct quic_conn *conn)
{
	u8 random[QUIC_CID_LEN];

	get_random_bytes(random, sizeof(random));
	return quic_cid_add_random(conn, random);
}

/**
 * quic_cid_set_first_local - go on with an ID that the client knows already
 * @conn: the connection of a server, which has no ID yet
 * @cid:  QUIC_CID_LEN long, made up before there was a connection
 *
 * Context: connection lock held.
 * Return: 0 or a negative errno.
 */
int quic_cid_set_first_local(struct quic_conn *conn, const struct quic_cid *cid)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_local_cid *lcid;
	int err;

	lcid = kzalloc_obj(*lcid, GFP_ATOMIC);
	if (!lcid)
		return -ENOMEM;
	lcid->entry.sk = quic_conn_sk(conn);
	lcid->entry.cid = *cid;
	err = quic_lookup_add_cid(&lcid->entry);
	if (err) {
		kfree(lcid);
		return err;
	}
	quic_cid_list_local(cids, lcid);
	return 0;
}

/**
 * quic_cid_drop_original - stop accepting the client's choice of DCID
 * @conn: the connection
 *
 * Context: connection lock held.
 */
void quic_cid_drop_original(struct quic_conn *conn)
{
	quic_lookup_del_odcid(conn->cids.original);
	conn->cids.original = NULL;
}

/**
 * quic_cids_issue - offer the peer as many IDs as it stores
 * @conn: an established connection
 *
 * RFC 9000, 5.1.1. IDs whose retirement we have asked for do not count: the
 * frame that offers the new ones asks for it.
 *
 * Context: connection lock held.
 */
void quic_cids_issue(struct quic_conn *conn)
{
	struct quic_cids *cids = &conn->cids;
	u8 random[QUIC_CID_LIMIT_MAX][QUIC_CID_LEN];
	struct quic_local_cid *lcid;
	u8 kept = 0;

	list_for_each_entry(lcid, &cids->local, list)
		if (lcid->seq >= cids->local_retire_prior_to)
			kept++;
	if (kept >= cids->local_limit)
		return;
	get_random_bytes(random[kept],
			 (cids->local_limit - kept) * QUIC_CID_LEN);
	for (; kept < cids->local_limit; kept++) {
		lcid = quic_cid_add_random(conn, random[kept]);
		if (!lcid)
			return;
		lcid->announce = true;
		lcid->unsent = true;
	}
}

/**
 * quic_cid_set_first_peer - take over the ID that the peer uses as its source
 * @conn: the connection
 * @cid:	the ID; for a client before the first answer, its random choice
 *
 * Context: connection lock held.
 * Return: 0 or -ENOMEM.
 */
int quic_cid_set_first_peer(struct quic_conn *conn, const struct quic_cid *cid)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_peer_cid *pcid = cids->active;

	if (!pcid) {
		pcid = kzalloc_obj(*pcid, GFP_ATOMIC);
		if (!pcid)
			return -ENOMEM;
		list_add_tail(&pcid->list, &cids->peer);
		cids->nr_peer++;
		quic_cid_activate(conn, pcid);
	}
	pcid->cid = *cid;
	return 0;
}

/**
 * quic_cid_set_first_token - note the stateless_reset_token parameter
 * @conn:  connection of a client
 * @token: QUIC_RESET_TOKEN_LEN bytes, for the ID of the handshake
 *
 * Context: connection lock held.
 */
void quic_cid_set_first_token(struct quic_conn *conn, const u8 *token)
{
	struct quic_peer_cid *pcid = quic_cid_find_peer(conn, 0);

	if (pcid && !pcid->has_token)
		quic_cid_set_token(conn, pcid, token);
}

/**
 * quic_cid_first_local - source ID of our long header packets
 * @conn: the connection
 *
 * Context: connection lock held.
 * Return: the ID with the smallest sequence number still held.
 */
const struct quic_cid *quic_cid_first_local(struct quic_conn *conn)
{
	struct quic_local_cid *lcid;

	lcid = list_first_entry(&conn->cids.local, struct quic_local_cid, list);
	return &lcid->entry.cid;
}

/**
 * quic_cid_is_reset_token - is this the end of a stateless reset for us
 * @conn:  the connection
 * @token: last QUIC_RESET_TOKEN_LEN bytes of a datagram
 *
 * Every token is compared, in constant time each, so that timing tells nothing
 * (RFC 9000, 10.3.1).
 *
 * Context: connection lock held.
 * Return: whether the token belongs to one of the peer's IDs that were used.
 */
bool quic_cid_is_reset_token(struct quic_conn *conn, const u8 *token)
{
	struct quic_peer_cid *pcid;
	bool found = false;

	list_for_each_entry(pcid, &conn->cids.peer, list)
		if (pcid->has_token && pcid->used)
			found |= !crypto_memneq(pcid->reset.token, token,
						QUIC_RESET_TOKEN_LEN);
	return found;
}

static void quic_cid_report(struct quic_conn *conn, bool dest)
{
	struct quic_connection_id_info info = { .dest = dest };

	if (!quic_cid_get_info(conn, &info))
		quic_event_connection_id(conn, &info);
}

/* Returns false when too many retirements are unacknowledged already. */
static bool quic_cid_queue_retire(struct quic_cids *cids, u64 seq)
{
	struct quic_cid_retire *r;

	for (r = cids->retire; r < cids->retire + cids->nr_retire; r++)
		if (r->seq == seq)
			return true;
	if (cids->nr_retire == QUIC_CID_RETIRE_MAX)
		return false;
	cids->retire[cids->nr_retire++] = (struct quic_cid_retire) {
		.seq		= seq,
		.pending	= true,
	};
	return true;
}

/* The oldest ID of the peer that no path uses. */
static struct quic_peer_cid *quic_cid_spare(struct quic_conn *conn)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_peer_cid *pcid;

	list_for_each_entry(pcid, &cids->peer, list)
		if (pcid != cids->active && pcid != cids->other &&
		    !pcid->used)
			return pcid;
	return NULL;
}

/* An ID is at an end. If it was in use, the caller has found another. */
static void quic_cid_retire_one(struct quic_conn *conn,
				struct quic_peer_cid *pcid)
{
	if (!quic_cid_queue_retire(&conn->cids, pcid->seq))
		return;
	quic_cid_free_peer(conn, pcid);
	quic_cid_report(conn, true);
}

/**
 * quic_cid_take_other - have an ID for the path beside the one in use
 * @conn: the connection
 *
 * RFC 9000, 9.5: an ID is used on one path only, unless there are none.
 *
 * Context: connection lock held.
 * Return: whether there is one.
 */
bool quic_cid_take_other(struct quic_conn *conn)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_peer_cid *spare;

	quic_conn_assert_held(conn);
	if (cids->other)
		return true;
	if (!cids->active->cid.len) {
		cids->other = cids->active;
		return true;
	}
	spare = quic_cid_spare(conn);
	if (spare)
		cids->other = quic_cid_use(conn, spare);
	return spare;
}

/**
 * quic_cid_share_other - use the same ID on both paths
 * @conn: the connection
 *
 * For a peer that has got another address without knowing it.
 *
 * Context: connection lock held.
 */
void quic_cid_share_other(struct quic_conn *conn)
{
	conn->cids.other = conn->cids.active;
}

/**
 * quic_cid_swap - the two paths change places
 * @conn: the connection, with an ID for each
 *
 * Context: connection lock held.
 */
void quic_cid_swap(struct quic_conn *conn)
{
	struct quic_peer_cid *left = conn->cids.active;

	quic_cid_activate(conn, conn->cids.other);
	conn->cids.other = left;
}

/**
 * quic_cid_drop_other - the path beside the one in use is given up
 * @conn: the connection
 *
 * Its ID is not used again, and the peer is told to replace it.
 *
 * Context: connection lock held.
 */
void quic_cid_drop_other(struct quic_conn *conn)
{
	struct quic_peer_cid *other = conn->cids.other;

	conn->cids.other = NULL;
	if (other && other != conn->cids.active)
		quic_cid_retire_one(conn, other);
}

/**
 * quic_cid_renew - use a new ID on the path in use
 * @conn: the connection
 *
 * Context: connection lock held.
 * Return: false if there is none; the old one stays.
 */
bool quic_cid_renew(struct quic_conn *conn)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_peer_cid *spare, *old = cids->active;

	quic_conn_assert_held(conn);
	if (!old->cid.len)
		return true;
	spare = quic_cid_spare(conn);
	if (!spare)
		return false;
	quic_cid_activate(conn, spare);
	if (old != cids->other)
		quic_cid_retire_one(conn, old);
	return true;
}

/* The ID in use is gone: the oldest spare one takes its place, or else the
 * other path's.
 */
static int quic_cid_replace_active(struct quic_conn *conn)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_peer_cid *pcid = quic_cid_spare(conn);

	if (!pcid)
		pcid = list_first_entry_or_null(&cids->peer,
						struct quic_peer_cid, list);
	if (!pcid)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	quic_cid_activate(conn, pcid);
	return 0;
}

static int quic_cid_retire_peer(struct quic_conn *conn, u64 prior_to)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_peer_cid *pcid, *next;
	int err;

	cids->peer_retire_prior_to = prior_to;
	list_for_each_entry_safe(pcid, next, &cids->peer, list) {
		if (pcid->seq >= prior_to)
			break;
		if (!quic_cid_queue_retire(cids, pcid->seq))
			return QUIC_TRANSPORT_ERROR_CONNECTION_ID_LIMIT;
		if (cids->active == pcid)
			WRITE_ONCE(cids->active, NULL);
		if (cids->other == pcid)
			cids->other = NULL;
		quic_cid_free_peer(conn, pcid);
		if (!cids->active) {
			err = quic_cid_replace_active(conn);
			if (err)
				return err;
		}
		quic_cid_report(conn, true);
	}
	return 0;
}

/* A sequence number and an ID stand for each other (RFC 9000, 19.15). */
static int quic_cid_check_new(struct quic_conn *conn,
			      const struct quic_frame_new_connection_id *frame,
			      bool *known)
{
	struct quic_peer_cid *pcid;
	bool same;

	*known = false;
	list_for_each_entry(pcid, &conn->cids.peer, list) {
		same = quic_cid_equal(&pcid->cid, &frame->cid);
		if (pcid->seq != frame->seq) {
			if (same)
				return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
			continue;
		}
		if (!same || (pcid->has_token &&
			      memcmp(pcid->reset.token, frame->reset_token,
				     QUIC_RESET_TOKEN_LEN)))
			return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
		*known = true;
	}
	return 0;
}

static int quic_cid_insert_peer(struct quic_conn *conn,
				const struct quic_frame_new_connection_id *frame)
{
	struct quic_peer_cid *pcid, *pos;

	pcid = kzalloc_obj(*pcid, GFP_ATOMIC);
	if (!pcid)
		return -ENOMEM;
	pcid->cid = frame->cid;
	pcid->seq = frame->seq;
	quic_cid_set_token(conn, pcid, frame->reset_token);
	list_for_each_entry(pos, &conn->cids.peer, list)
		if (pos->seq > pcid->seq)
			break;
	list_add_tail(&pcid->list, &pos->list);
	conn->cids.nr_peer++;
	return 0;
}

/**
 * quic_cid_offer_preferred - make the ID that goes with our preferred address
 * @conn: connection of a server in its handshake
 * @addr: its ID and reset token are filled in
 *
 * RFC 9000, 5.1.1: it has sequence number 1.
 *
 * Context: connection lock held.
 * Return: false for lack of memory.
 */
bool quic_cid_offer_preferred(struct quic_conn *conn,
			      struct quic_preferred_addr *addr)
{
	struct quic_local_cid *lcid = quic_cid_add_local(conn);

	if (!lcid)
		return false;
	addr->cid = lcid->entry.cid;
	quic_token_reset(quic_net_reset_key(quic_conn_net(conn)),
			 &lcid->entry.cid, addr->reset_token);
	return true;
}

/**
 * quic_cid_add_preferred - note the ID that goes with a preferred address
 * @conn: connection of a client
 * @addr: the server's preferred_address, whose ID has sequence number 1
 *
 * RFC 9000, 5.1.1. Context: connection lock held.
 * Return: 0 or -ENOMEM.
 */
int quic_cid_add_preferred(struct quic_conn *conn,
			   const struct quic_preferred_addr *addr)
{
	struct quic_frame_new_connection_id frame = {
		.seq = 1,
		.cid = addr->cid,
	};

	quic_conn_assert_held(conn);
	if (quic_cid_find_peer(conn, 1))
		return 0;
	memcpy(frame.reset_token, addr->reset_token, QUIC_RESET_TOKEN_LEN);
	return quic_cid_insert_peer(conn, &frame);
}

/**
 * quic_cid_on_new - handle a NEW_CONNECTION_ID frame
 * @conn:  the connection
 * @frame: the frame, its lengths checked by the parser
 *
 * RFC 9000, 5.1.2 and 19.15.
 *
 * Context: connection lock held.
 * Return: 0, a transport error, or -ENOMEM.
 */
int quic_cid_on_new(struct quic_conn *conn,
		    const struct quic_frame_new_connection_id *frame)
{
	struct quic_cids *cids = &conn->cids;
	bool known;
	int err;

	quic_conn_assert_held(conn);
	if (!cids->active || !cids->active->cid.len)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	err = quic_cid_check_new(conn, frame, &known);
	if (err)
		return err;
	if (frame->seq < cids->peer_retire_prior_to) {
		if (!quic_cid_queue_retire(cids, frame->seq))
			return QUIC_TRANSPORT_ERROR_CONNECTION_ID_LIMIT;
		return 0;
	}
	if (!known) {
		err = quic_cid_insert_peer(conn, frame);
		if (err)
			return err;
	}
	if (frame->retire_prior_to > cids->peer_retire_prior_to) {
		err = quic_cid_retire_peer(conn, frame->retire_prior_to);
		if (err)
			return err;
	}
	if (cids->nr_peer > conn->local.active_connection_id_limit)
		return QUIC_TRANSPORT_ERROR_CONNECTION_ID_LIMIT;
	return 0;
}

/**
 * quic_cid_on_retire - handle a RETIRE_CONNECTION_ID frame
 * @conn: the connection
 * @seq:	sequence number that the peer gives up
 * @dcid: destination ID of the packet that carried the frame
 *
 * RFC 9000, 19.16.
 *
 * Context: connection lock held.
 * Return: 0 or a transport error.
 */
int quic_cid_on_retire(struct quic_conn *conn, u64 seq,
		       const struct quic_cid *dcid)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_local_cid *lcid;

	quic_conn_assert_held(conn);
	if (seq >= cids->local_next_seq)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	lcid = quic_cid_find_local(conn, seq);
	if (!lcid)
		return 0;
	/* Who gives up IDs before they were sent could make us issue new ones
	 * without end, several in each packet.
	 */
	if (lcid->unsent || quic_cid_equal(&lcid->entry.cid, dcid))
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	list_del(&lcid->list);
	cids->nr_local--;
	quic_cid_free_local(lcid);
	quic_cids_issue(conn);
	if (cids->local_active == seq && !list_empty(&cids->local))
		cids->local_active = list_first_entry(&cids->local,
						      struct quic_local_cid,
						      list)->seq;
	quic_cid_report(conn, false);
	return 0;
}

/**
 * quic_cid_get_info - what option CONNECTION_ID reads
 * @conn: the connection
 * @info: its @dest selects the set; @active and @prior_to are filled
 *
 * Context: connection lock held.
 * Return: 0, or -EINVAL when there are no IDs.
 */
int quic_cid_get_info(struct quic_conn *conn,
		      struct quic_connection_id_info *info)
{
	struct quic_cids *cids = &conn->cids;

	quic_conn_assert_held(conn);
	if (!cids->active || list_empty(&cids->local))
		return -EINVAL;
	if (info->dest) {
		info->active = cids->active->seq;
		info->prior_to = list_first_entry(&cids->peer,
						  struct quic_peer_cid,
						  list)->seq;
	} else {
		info->active = cids->local_active;
		info->prior_to = list_first_entry(&cids->local,
						  struct quic_local_cid,
						  list)->seq;
	}
	return 0;
}

static int quic_cid_set_local_info(struct quic_conn *conn,
				   const struct quic_connection_id_info *info)
{
	struct quic_cids *cids = &conn->cids;
	u64 first, last;

	first = list_first_entry(&cids->local, struct quic_local_cid, list)->seq;
	last = list_last_entry(&cids->local, struct quic_local_cid, list)->seq;
	if (info->prior_to &&
	    (info->prior_to <= first || info->prior_to > last ||
	     (u64)info->prior_to + cids->local_limit > U32_MAX))
		return -EINVAL;
	if (info->active && (info->active <= cids->local_active ||
			     !quic_cid_find_local(conn, info->active)))
		return -EINVAL;
	if (info->prior_to) {
		cids->local_retire_prior_to = info->prior_to;
		quic_cids_issue(conn);
	}
	if (info->active)
		cids->local_active = info->active;
	return 0;
}

static int quic_cid_set_peer_info(struct quic_conn *conn,
				  const struct quic_connection_id_info *info)
{
	struct quic_cids *cids = &conn->cids;
	struct quic_peer_cid *pcid = NULL;
	u64 first, last;

	/* A migration is at work with one of them. */
	if (quic_migrate_busy(conn))
		return -EAGAIN;
	first = list_first_entry(&cids->peer, struct quic_peer_cid, list)->seq;
	last = list_last_entry(&cids->peer, struct quic_peer_cid, list)->seq;
	if (info->prior_to &&
	    (info->prior_to <= first || info->prior_to > last ||
	     cids->nr_retire + (info->prior_to - first) > QUIC_CID_RETIRE_MAX))
		return -EINVAL;
	if (info->active) {
		pcid = quic_cid_find_peer(conn, info->active);
		if (!pcid || info->active <= cids->active->seq ||
		    info->active < info->prior_to)
			return -EINVAL;
		quic_cid_activate(conn, pcid);
	}
	if (info->prior_to)
		quic_cid_retire_peer(conn, info->prior_to);
	return 0;
}

/**
 * quic_cid_set_info - what option CONNECTION_ID does
 * @conn: an established connection
 * @info: @prior_to: retire all below; @active: use this one; 0 leaves either
 *
 * Context: connection lock held; the caller runs quic_output() afterwards.
 * Return: 0; -EINVAL, or -EAGAIN while a migration is at work, with nothing
 * changed.
 */
int quic_cid_set_info(struct quic_conn *conn,
		      const struct quic_connection_id_info *info)
{
	quic_conn_assert_held(conn);
	if (!conn->cids.active || list_empty(&conn->cids.local))
		return -EINVAL;
	if (info->dest)
		return quic_cid_set_peer_info(conn, info);
	return quic_cid_set_local_info(conn, info);
}
