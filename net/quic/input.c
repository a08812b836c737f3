// SPDX-License-Identifier: GPL-2.0-only
#include <linux/icmp.h>
#include <net/inet_ecn.h>
#include <trace/events/quic.h>

#include "addr.h"
#include "conn.h"
#include "crypto.h"
#include "drop.h"
#include "event.h"
#include "header.h"
#include "input.h"
#include "net_ns.h"
#include "output.h"
#include "rcvq.h"
#include "udp_gro.h"
#include "udp_rx.h"

/* RFC 9000, 10.3: the smallest datagram that can be a stateless reset. */
#define QUIC_RESET_MIN_LEN	(5 + QUIC_RESET_TOKEN_LEN)

/* So much of the backlog is answered at a time: an ACK is not to wait long. */
#define QUIC_INPUT_BATCH	32768

/* What becomes of the rest of a datagram after one of its packets. */
enum quic_input_next {
	QUIC_INPUT_GO_ON,
	QUIC_INPUT_STOP,
	QUIC_INPUT_TAKEN,	/* the datagram is parked */
};

static bool quic_input_alive(const struct quic_conn *conn)
{
	return conn->close.state == QUIC_CLOSE_NONE ||
	       conn->close.state == QUIC_CLOSE_LINGER;
}

/* A connection that has not heard from the server yet may start over with
 * another first flight: the same ClientHello under other keys.
 */
static void quic_input_restart(struct quic_conn *conn)
{
	LIST_HEAD(sent);

	quic_loss_withdraw(&conn->rec, &conn->spaces[QUIC_SPACE_INITIAL],
			   QUIC_PKT_INITIAL, &sent, ktime_get());
	quic_sent_list_free(&sent);
	quic_crypto_restart(conn, QUIC_CRYPTO_INITIAL);
}

/* RFC 9000, 17.2; RFC 9287, 3 */
static bool quic_input_check_bit(const struct quic_conn *conn,
				 const struct quic_header *hdr)
{
	return hdr->fixed_bit || conn->local.grease_quic_bit;
}

/* RFC 9000, 17.2.5.2 and 8.1.2; RFC 9001, 5.8 */
static void quic_input_retry(struct quic_conn *conn,
			     const struct quic_header *hdr, const u8 *pkt)
{
	struct quic_handshake *hs = &conn->hs;

	if (conn->is_server || hs->any_rcvd || hs->retry_used ||
	    hdr->version != conn->version || !hdr->token_len ||
	    !quic_input_check_bit(conn, hdr) ||
	    quic_cid_equal(&hdr->scid, &hs->odcid) ||
	    !quic_crypto_retry_verify(conn->version, &hs->odcid, pkt,
				      hdr->pkt_len))
		return;
	if (quic_blob_set(&conn->settings.token, hdr->token, hdr->token_len,
			  GFP_ATOMIC) ||
	    quic_keys_initial(&conn->keys, conn->version, &hdr->scid, false,
			      GFP_ATOMIC) ||
	    quic_cid_set_first_peer(conn, &hdr->scid))
		return;
	hs->retry_used = true;
	hs->retry_scid = hdr->scid;
	quic_input_restart(conn);
	quic_early_restart(conn);
}

static void quic_input_version_neg(struct quic_conn *conn,
				   const struct quic_header *hdr)
{
	if (!quic_version_on_negotiation(conn, hdr))
		return;
	quic_input_restart(conn);
	/* A session belongs to one version (RFC 9369, 5). */
	quic_early_reject(conn);
}

/* Keys that have not come yet, as opposed to keys that are gone. */
static bool quic_input_key_awaited(struct quic_conn *conn, u8 level)
{
	if (level == QUIC_CRYPTO_EARLY && !conn->is_server)
		return false;
	return !conn->hs.complete &&
	       !conn->spaces[quic_level_space(level)].discarded;
}

/* RFC 9000, 7.2: the Source Connection ID of the peer's first packet is what
 * ours go to; it does not change during the handshake.
 */
static bool quic_input_check_scid(struct quic_conn *conn,
				  const struct quic_header *hdr)
{
	if (!hdr->long_form)
		return true;
	if (conn->hs.any_rcvd || conn->is_server)
		return conn->hs.confirmed ||
		       quic_cid_equal(&hdr->scid, &conn->cids.active->cid);
	return true;
}

/* What the first packet that opens tells, before its frames are looked at. */
static int quic_input_authenticated(struct quic_conn *conn,
				    const struct quic_header *hdr)
{
	int err;

	err = quic_version_on_packet(conn, hdr);
	if (err)
		return err;
	if (!conn->hs.any_rcvd && !conn->is_server) {
		err = quic_cid_set_first_peer(conn, &hdr->scid);
		if (err)
			return err;
	}
	conn->hs.any_rcvd = true;
	/* RFC 9000, 8.1: only who has our Initial can make Handshake packets.
	 * RFC 9001, 4.9.1: a server needs no Initial keys from then on.
	 */
	if (hdr->type == QUIC_PKT_HANDSHAKE && conn->is_server) {
		conn->path.validated = true;
		conn->rec.amp_blocked = false;
		quic_handshake_discard_space(conn, QUIC_CRYPTO_INITIAL);
	}
	return 0;
}

static bool quic_input_is_reset(struct quic_conn *conn,
				const struct sk_buff *skb)
{
	return skb->len >= QUIC_RESET_MIN_LEN &&
	       quic_cid_is_reset_token(conn, skb_tail_pointer(skb) -
				       QUIC_RESET_TOKEN_LEN);
}

static void quic_input_drop(struct quic_conn *conn, struct quic_rx_pkt *rx,
			    enum quic_drop_reason why)
{
	rx->drop = why;
	conn->stats.rx_dropped++;
	quic_drop_count(quic_conn_net(conn), quic_conn_sk(conn), why);
}

/* Removes both protections. Returns the length of the header, or below 0. */
static int quic_input_open(struct quic_conn *conn, struct quic_rx_pkt *rx,
			   const struct quic_header *hdr, u8 *pkt)
{
	struct quic_pnspace *space = &conn->spaces[rx->space];
	struct quic_open o = {
		.pkt	= pkt,
		.len	= hdr->pkt_len,
		.level	= rx->level,
		.version = hdr->version,
		.now	= rx->now,
		.pto_us	= quic_recovery_pto_us(&conn->rec),
	};
	u32 pn_len, pn;
	u8 rsvd;
	int err;

	err = quic_crypto_unprotect(quic_keys_rx_for(&conn->keys, rx->level,
						     hdr->version),
				    pkt, hdr->pkt_len, hdr->pn_off, &pn_len,
				    &pn);
	if (err)
		return err;
	rx->pn = quic_pn_expand(space->largest_rcvd, pn, pn_len);
	o.pn = rx->pn;
	o.hdr_len = hdr->pn_off + pn_len;
	o.key_phase = !hdr->long_form && (pkt[0] & QUIC_HDR_KEY_PHASE);
	err = quic_keys_open(&conn->keys, &o);
	if (err > 0)
		quic_close_transport(conn, err, 0, "packet protection");
	if (err)
		return err > 0 ? -EPROTO : err;
	if (o.peer_updated) {
		trace_quic_key_update(quic_conn_sk(conn), "remote",
				      quic_keys_phase(&conn->keys));
		quic_event_key_update(conn, quic_keys_phase(&conn->keys));
	}
	if (rx->level == QUIC_CRYPTO_APP)
		quic_timer_set(conn, QUIC_TIMER_KEYS,
			       quic_keys_expiry(&conn->keys));
	rsvd = hdr->long_form ? QUIC_HDR_LONG_RSVD : QUIC_HDR_SHORT_RSVD;
	if (pkt[0] & rsvd) {
		quic_close_transport(conn,
				     QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION,
				     0, "reserved bits");
		return -EPROTO;
	}
	return o.hdr_len;
}

static bool quic_input_is_newest(const struct quic_conn *conn,
				 const struct quic_rx_pkt *rx)
{
	u64 largest = conn->spaces[rx->space].largest_rcvd;

	return largest == QUIC_PN_NONE || rx->pn > largest;
}

/* RFC 9000, 17.4: on each path for itself, with the packet that has the highest
 * number. That may be one of another path, and the wave then has a flaw.
 */
static void quic_input_spin(struct quic_conn *conn, const struct quic_rx_pkt *rx,
			    bool spin)
{
	const struct quic_path *path;
	struct quic_peer_cid *pcid;

	if (rx->type != QUIC_PKT_1RTT || !quic_input_is_newest(conn, rx))
		return;
	path = quic_migrate_find(conn, &rx->local, &rx->peer);
	pcid = path == &conn->alt ? conn->cids.other : conn->cids.active;
	if (path && pcid)
		quic_spin_on_packet(&pcid->spin, conn->is_server, spin);
}

static void quic_input_payload(struct quic_conn *conn, struct quic_rx_pkt *rx,
			       const u8 *pos, const u8 *end)
{
	u64 bad_type = 0;
	int err;

	err = quic_input_frames(conn, rx, pos, end, &bad_type);
	if (err > 0) {
		quic_input_drop(conn, rx, QUIC_DROP_FRAME);
		quic_close_transport(conn, err, bad_type, NULL);
		return;
	}
	if (err < 0) {
		quic_input_drop(conn, rx, QUIC_DROP_RCVBUF);
		return;
	}
	if (!quic_input_alive(conn))
		return;
	if (rx->type == QUIC_PKT_1RTT)
		quic_migrate_on_packet(conn, rx,
				       quic_input_is_newest(conn, rx));
	quic_pnspace_on_received(&conn->spaces[rx->space], rx->pn,
				 rx->ack_eliciting, rx->ecn, rx->now,
				 conn->local.max_ack_delay_us,
				 rx->space != QUIC_SPACE_APP || rx->ack_now);
	quic_conn_idle_restart(conn, rx->now);
	conn->idle_sent = false;
}

static enum quic_input_next quic_input_packet(struct quic_conn *conn,
					      struct quic_rx_pkt *rx,
					      const struct quic_header *hdr,
					      u8 *pkt)
{
	struct sk_buff *rest;
	int hdr_len;

	rx->type = hdr->type;
	rx->level = quic_pkt_level(hdr->type);
	rx->space = quic_level_space(rx->level);
	rx->dcid = hdr->dcid;
	rx->ack_eliciting = false;
	rx->ack_now = false;
	rx->non_probing = false;
	if (!quic_input_check_bit(conn, hdr) ||
	    !quic_version_expected(conn, hdr) ||
	    /* RFC 9000, 17.2.2: a server has no use for a token */
	    (hdr->type == QUIC_PKT_INITIAL && hdr->token_len &&
	     !conn->is_server) ||
	    !quic_input_check_scid(conn, hdr)) {
		quic_input_drop(conn, rx, QUIC_DROP_HEADER);
		return QUIC_INPUT_GO_ON;
	}
	if (!quic_keys_rx(&conn->keys, rx->level)) {
		if (!quic_input_key_awaited(conn, rx->level)) {
			quic_input_drop(conn, rx, QUIC_DROP_NO_KEY);
			return QUIC_INPUT_GO_ON;
		}
		rest = skb_clone(rx->skb, GFP_ATOMIC);
		if (!rest) {
			quic_input_drop(conn, rx, QUIC_DROP_NOMEM);
			return QUIC_INPUT_STOP;
		}
		skb_pull(rest, pkt - rest->data);
		if (quic_handshake_park(conn, rest, rx->level)) {
			rx->taken = true;
		} else {
			consume_skb(rest);
			quic_input_drop(conn, rx, QUIC_DROP_NO_KEY);
		}
		return QUIC_INPUT_TAKEN;
	}
	hdr_len = quic_input_open(conn, rx, hdr, pkt);
	if (hdr_len < 0) {
		quic_input_drop(conn, rx, QUIC_DROP_AUTH);
		if (!hdr->long_form && quic_input_is_reset(conn, rx->skb))
			quic_close_on_reset(conn);
		return QUIC_INPUT_GO_ON;
	}
	conn->stats.opened++;
	if (quic_pnspace_check_dup(&conn->spaces[rx->space], rx->pn)) {
		quic_input_drop(conn, rx, QUIC_DROP_DUPLICATE);
		return QUIC_INPUT_GO_ON;
	}
	conn->stats.rx_pkts++;
	conn->stats.rx_bytes += hdr->pkt_len;
	trace_quic_pkt_rcvd(quic_conn_sk(conn), rx->type, rx->pn,
			    hdr->pkt_len);
	rx->taken = true;
	if (quic_input_authenticated(conn, hdr))
		return QUIC_INPUT_STOP;
	quic_input_spin(conn, rx, hdr->spin);
	quic_input_payload(conn, rx, pkt + hdr_len,
			   pkt + hdr->pkt_len - QUIC_TAG_LEN);
	return QUIC_INPUT_GO_ON;
}

static enum quic_input_next quic_input_one(struct quic_conn *conn,
					   struct quic_rx_pkt *rx,
					   const struct quic_header *hdr,
					   u8 *pkt)
{
	switch (hdr->type) {
	case QUIC_PKT_INITIAL:
	case QUIC_PKT_HANDSHAKE:
	case QUIC_PKT_0RTT:
	case QUIC_PKT_1RTT:
		return quic_input_packet(conn, rx, hdr, pkt);
	case QUIC_PKT_RETRY:
		quic_input_retry(conn, hdr, pkt);
		return QUIC_INPUT_STOP;
	case QUIC_PKT_VERSION_NEG:
		quic_input_version_neg(conn, hdr);
		return QUIC_INPUT_STOP;
	default:
		return QUIC_INPUT_STOP;
	}
}

/* Packets of one datagram, RFC 9000, 12.2: all have the same destination ID. */
static void quic_input_packets(struct quic_conn *conn, struct quic_rx_pkt *rx)
{
	struct sk_buff *skb = rx->skb;
	struct quic_cid first = {};
	struct quic_header hdr;
	u32 off = 0;
	int err;

	while (off < skb->len && quic_input_alive(conn)) {
		err = quic_header_parse(skb->data + off, skb->len - off,
					QUIC_CID_LEN, &hdr);
		/* Too short to be opened; what is behind it may be good. */
		if (err == -EMSGSIZE && off) {
			off += hdr.pkt_len;
			continue;
		}
		if (err) {
			quic_input_drop(conn, rx, QUIC_DROP_HEADER);
			/* A reset need not look like one of our packets. */
			if (!off && quic_input_is_reset(conn, skb))
				quic_close_on_reset(conn);
			return;
		}
		if (!off) {
			first = hdr.dcid;
		} else if (!quic_cid_equal(&first, &hdr.dcid)) {
			quic_input_drop(conn, rx, QUIC_DROP_HEADER);
			return;
		}
		if (quic_input_one(conn, rx, &hdr, skb->data + off) !=
		    QUIC_INPUT_GO_ON)
			return;
		off += hdr.pkt_len;
	}
}

static void quic_input_handle(struct quic_conn *conn, struct quic_rx_pkt *rx)
{
	struct sk_buff *skb = rx->skb;

	quic_conn_assert_held(conn);
	rx->ecn = quic_skb_ecn(skb);
	quic_skb_addrs(skb, &rx->local, &rx->peer);
	rx->foreign = !quic_addr_equal(&rx->peer, &conn->path.peer) &&
		      !quic_addr_equal(&rx->peer, &conn->alt.peer);
	if (quic_input_alive(conn)) {
		quic_input_packets(conn, rx);
		return;
	}
	quic_input_drop(conn, rx, QUIC_DROP_CLOSED);
	if (conn->close.state == QUIC_CLOSE_CLOSING)
		quic_close_on_datagram(conn);
}

static void quic_input_free(const struct quic_rx_pkt *rx)
{
	if (rx->drop && !rx->taken)
		quic_drop_free(rx->skb, rx->drop);
	else
		consume_skb(rx->skb);
}

/**
 * quic_input_datagram - handle one datagram
 * @conn: the connection
 * @skb:  the datagram as udp_rx.c delivers it, or the rest of it as
 *	  quic_handshake_park() kept it; consumed
 *
 * Context: connection lock held; quic_output() and quic_events_wake() follow.
 */
void quic_input_datagram(struct quic_conn *conn, struct sk_buff *skb)
{
	struct quic_rx_pkt rx = {
		.skb	= skb,
		.now	= ktime_get(),
	};

	quic_input_handle(conn, &rx);
	quic_input_free(&rx);
}

/* Until the handshake is confirmed the address of the peer is fixed (RFC 9000,
 * 9).
 */
static bool quic_input_check_path(struct quic_conn *conn,
				  const struct sk_buff *skb)
{
	union quic_addr local, peer;
	struct quic_path *path;

	quic_skb_addrs(skb, &local, &peer);
	path = quic_migrate_find(conn, &local, &peer);
	if (!path && !conn->hs.confirmed &&
	    quic_addr_equal(&peer, &conn->path.peer))
		path = &conn->path;
	if (path)
		path->rx_bytes += skb->len;
	return path || conn->hs.confirmed;
}

static void quic_conn_rcv_one(struct quic_conn *conn, struct quic_rx_pkt *rx)
{
	if (!conn->path.endpoint)
		quic_input_drop(conn, rx, QUIC_DROP_CLOSED);
	else if (!quic_input_check_path(conn, rx->skb))
		quic_input_drop(conn, rx, QUIC_DROP_PATH);
	else
		quic_input_handle(conn, rx);
}

/* One skb serves one datagram after the other, unless a part of one is kept. */
static void quic_conn_rcv_batch(struct quic_conn *conn, struct sk_buff *skb)
{
	ktime_t now = ktime_get();
	struct sk_buff *last = NULL;
	u32 off = 0;

	quic_rcvq_prepay(conn, skb);
	while (off < skb->len) {
		struct quic_rx_pkt rx = { .now = now };

		rx.skb = quic_udp_batch_next(skb, &off, last);
		last = NULL;
		if (!rx.skb) {
			quic_drop_count(quic_conn_net(conn), quic_conn_sk(conn),
					QUIC_DROP_NOMEM);
			continue;
		}
		quic_conn_rcv_one(conn, &rx);
		if (rx.drop || skb_cloned(rx.skb))
			quic_input_free(&rx);
		else
			last = rx.skb;
	}
	consume_skb(last);
	consume_skb(skb);
}

static void quic_conn_take(struct quic_conn *conn, struct sk_buff *skb)
{
	struct quic_rx_pkt rx = {};

	if (QUIC_SKB_CB(skb)->batch) {
		quic_conn_rcv_batch(conn, skb);
		return;
	}
	rx.skb = skb;
	rx.now = ktime_get();
	quic_conn_rcv_one(conn, &rx);
	quic_input_free(&rx);
}

static void quic_conn_react(struct quic_conn *conn)
{
	conn->unanswered = 0;
	quic_output(conn);
	quic_events_wake(conn);
}

/**
 * quic_conn_rcv - a datagram has come for a connection, or a batch of them
 * @sk:	 its socket
 * @skb: the datagram, see udp_rx.h, or the batch, see udp_gro.h; consumed
 *
 * What a batch calls for is decided once, after it: one ACK covers all of it.
 *
 * Context: connection lock held: softirq with the socket not owned.
 */
void quic_conn_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct quic_conn *conn = quic_conn(sk);

	quic_conn_take(conn, skb);
	quic_conn_react(conn);
}

/**
 * quic_conn_rcv_backlog - the same, of what came while the socket was owned
 * @sk:	 its socket
 * @skb: the datagram or the batch; consumed
 *
 * Datagrams that came singly have become a batch by waiting together.
 *
 * Context: connection lock held; quic_conn_rcv_end() follows.
 */
void quic_conn_rcv_backlog(struct sock *sk, struct sk_buff *skb)
{
	struct quic_conn *conn = quic_conn(sk);

	conn->unanswered += skb->len;
	quic_conn_take(conn, skb);
	if (conn->unanswered >= QUIC_INPUT_BATCH)
		quic_conn_react(conn);
}

/**
 * quic_conn_rcv_end - the backlog is empty
 * @sk: the socket
 *
 * Context: connection lock held.
 */
void quic_conn_rcv_end(struct sock *sk)
{
	struct quic_conn *conn = quic_conn(sk);

	if (conn->unanswered)
		quic_conn_react(conn);
}

/**
 * quic_conn_icmp - an ICMP error quotes a packet of ours
 * @sk:	 the socket
 * @err: errno that it stands for
 * @mtu: with EMSGSIZE, what the path carries
 *
 * Unreachable is believed only while the server has not been heard: afterwards
 * anybody could end a connection with it (RFC 9000, 21.12.3 has the thought).
 *
 * Context: connection lock held.
 */
void quic_conn_icmp(struct sock *sk, int err, u32 mtu)
{
	struct quic_conn *conn = quic_conn(sk);

	if (!conn->path.endpoint)
		return;
	if (err == EMSGSIZE) {
		quic_path_update_mtu(conn, &conn->path);
		return;
	}
	if (quic_conn_is(conn, QUIC_STATE_ESTABLISHING) && !conn->is_server &&
	    !conn->hs.any_rcvd) {
		quic_close_on_refused(conn, err);
		quic_events_wake(conn);
	}
}
