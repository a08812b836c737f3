/* SPDX-License-Identifier: GPL-2.0-only */
/* Connection IDs: those we have issued, which route packets to the connection,
 * and those the peer has issued, which we put into packets (RFC 9000, 5.1).
 *
 * Owns:    struct quic_cids; the objects in its two lists; the queues of
 *          NEW_CONNECTION_ID and RETIRE_CONNECTION_ID frames to send.
 * Guard:   the connection lock. Receivers find IDs and reset tokens under RCU
 *          through lookup.c, and ICMP errors the ID in use by quic_cid_quoted();
 *          they are therefore freed after a grace period.
 * Callers: conn.c and handshake.c (life cycle), input_frame.c, output.c,
 *          sockopt.c.
 */
#ifndef _NET_QUIC_CID_H
#define _NET_QUIC_CID_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include "lookup.h"
#include "spin.h"
#include "types.h"

/* RFC 9000, 5.1.1 asks for at least 2; more serve no path count we support. */
#define QUIC_CID_LIMIT_MAX	8
/* Retirements that may be unacknowledged: RFC 9000, 5.1.2 asks for a bound of at
 * least twice the limit.
 */
#define QUIC_CID_RETIRE_MAX	(3 * QUIC_CID_LIMIT_MAX)

struct quic_conn;
struct quic_frame_new_connection_id;
struct quic_preferred_addr;
struct quic_pkt_builder;
struct quic_sent_frame;

/**
 * struct quic_local_cid - one connection ID that leads to us
 * @entry:	in the table of lookup.c; holds the bytes
 * @list:	in quic_cids.local, by ascending sequence number
 * @seq:	sequence number
 * @announce:	a NEW_CONNECTION_ID frame has to be sent
 * @unsent:	none was sent yet, so that the peer cannot know the ID
 * @acked:	the peer has one
 * @rcu:	defers the release
 */
struct quic_local_cid {
	struct quic_cid_entry entry;
	struct list_head list;
	u64 seq;
	bool announce;
	bool unsent;
	bool acked;
	struct rcu_head rcu;
};

/**
 * struct quic_peer_cid - one connection ID that leads to the peer
 * @reset:	in the table of lookup.c, with the stateless reset token that the
 *		peer tied to the ID
 * @list:	in quic_cids.peer, by ascending sequence number
 * @cid:	the bytes
 * @seq:	sequence number
 * @has_token:	@reset.token is known; not so only for the ID of the handshake
 *		when no stateless_reset_token transport parameter came
 * @used:	packets have carried it: a reset may refer to it
 * @spin:	spin bit of these packets
 * @rcu:	defers the release
 */
struct quic_peer_cid {
	struct quic_reset_entry reset;
	struct list_head list;
	struct quic_cid cid;
	u64 seq;
	bool has_token;
	bool used;
	struct quic_spin spin;
	struct rcu_head rcu;
};

/* A retirement of one of the peer's IDs that it has not acknowledged yet. */
struct quic_cid_retire {
	u64 seq;
	bool pending;		/* its frame has to be sent, again perhaps */
};

/**
 * struct quic_cids - both sets of connection IDs of a connection
 * @local:		struct quic_local_cid, without the original DCID
 * @original:		server: the DCID of the client's first Initial while it is
 *			still accepted, else NULL
 * @local_next_seq:	sequence number of the next ID that we issue
 * @local_retire_prior_to: what our next NEW_CONNECTION_ID frames ask for
 * @nr_local:		entries of @local
 * @local_active: the number that programs are told is in use
 * @local_limit:	how many the peer stores, at most QUIC_CID_LIMIT_MAX
 * @nr_peer:		entries of @peer
 * @nr_retire:		entries of @retire
 * @peer:		struct quic_peer_cid
 * @active:		the entry of @peer that our packets carry; readers use RCU
 * @other:		the one that packets on quic_conn.alt carry; NULL when
 *			there is none, @active where the peer's own packets
 *			have the same ID on both paths (RFC 9000, 9.5)
 * @peer_retire_prior_to: largest Retire Prior To that the peer has sent
 * @retire:		retirements not yet acknowledged
 */
struct quic_cids {
	struct list_head local;
	struct quic_odcid *original;
	u64 local_next_seq;
	u64 local_retire_prior_to;
	u64 local_active;
	u8 nr_local;
	u8 local_limit;
	u8 nr_peer;
	u8 nr_retire;
	struct list_head peer;
	struct quic_peer_cid *active;
	struct quic_peer_cid *other;
	u64 peer_retire_prior_to;
	struct quic_cid_retire retire[QUIC_CID_RETIRE_MAX];
};

void quic_cids_init(struct quic_cids *cids);
void quic_cids_free(struct quic_conn *conn);

struct quic_local_cid *quic_cid_find_local(struct quic_conn *conn, u64 seq);
struct quic_local_cid *quic_cid_add_local(struct quic_conn *conn);
int quic_cid_set_first_local(struct quic_conn *conn,
			     const struct quic_cid *cid);
void quic_cid_drop_original(struct quic_conn *conn);
void quic_cids_issue(struct quic_conn *conn);

int quic_cid_set_first_peer(struct quic_conn *conn, const struct quic_cid *cid);
void quic_cid_set_first_token(struct quic_conn *conn, const u8 *token);
const struct quic_cid *quic_cid_first_local(struct quic_conn *conn);
bool quic_cid_is_reset_token(struct quic_conn *conn, const u8 *token);
bool quic_cid_quoted(const struct quic_conn *conn, const u8 *data, u32 len);

bool quic_cid_take_other(struct quic_conn *conn);
void quic_cid_share_other(struct quic_conn *conn);
void quic_cid_swap(struct quic_conn *conn);
void quic_cid_drop_other(struct quic_conn *conn);
bool quic_cid_renew(struct quic_conn *conn);
bool quic_cid_offer_preferred(struct quic_conn *conn,
			      struct quic_preferred_addr *addr);
int quic_cid_add_preferred(struct quic_conn *conn,
			   const struct quic_preferred_addr *addr);

int quic_cid_on_new(struct quic_conn *conn,
		    const struct quic_frame_new_connection_id *frame);
int quic_cid_on_retire(struct quic_conn *conn, u64 seq,
		       const struct quic_cid *dcid);

int quic_cid_get_info(struct quic_conn *conn,
		      struct quic_connection_id_info *info);
int quic_cid_set_info(struct quic_conn *conn,
		      const struct quic_connection_id_info *info);

bool quic_cids_pending(const struct quic_conn *conn);
void quic_cids_put_frames(struct quic_conn *conn, struct quic_pkt_builder *b);
void quic_cids_frame_acked(struct quic_conn *conn,
			   const struct quic_sent_frame *frame);
void quic_cids_frame_lost(struct quic_conn *conn,
			  const struct quic_sent_frame *frame);

#endif /* _NET_QUIC_CID_H */
