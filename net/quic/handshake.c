// SPDX-License-Identifier: GPL-2.0-only
#include <linux/random.h>
#include <trace/events/quic.h>

#include "conn.h"
#include "crypto_stream.h"
#include "event.h"
#include "handshake.h"
#include "input.h"
#include "net_ns.h"
#include "output.h"
#include "rcvq.h"
#include "session.h"
#include "token.h"

/* Packets that came too early are as good as new ones now. */
static void quic_handshake_unpark(struct quic_conn *conn)
{
	struct sk_buff_head again;
	struct sk_buff *skb;

	__skb_queue_head_init(&again);
	skb_queue_splice_init(&conn->hs.parked, &again);
	conn->hs.nr_parked_early = 0;
	while ((skb = __skb_dequeue(&again))) {
		skb_orphan(skb);
		quic_input_datagram(conn, skb);
	}
}

/**
 * quic_handshake_park - keep a datagram until the keys of its packet are there
 * @conn:  the connection
 * @skb:   skb->data is at the packet; taken over if the answer is true
 * @level: encryption level of the packet
 *
 * Context: connection lock held.
 * Return: whether there was room.
 */
bool quic_handshake_park(struct quic_conn *conn, struct sk_buff *skb, u8 level)
{
	struct sk_buff_head *parked = &conn->hs.parked;

	quic_conn_assert_held(conn);
	if (skb_queue_len(parked) >= QUIC_PARKED_MAX)
		return false;
	if (level == QUIC_CRYPTO_EARLY &&
	    conn->hs.nr_parked_early >= QUIC_EARLY_PARKED_MAX)
		return false;
	if (quic_rcvq_charge(conn, skb, QUIC_ITEM_AHEAD))
		return false;
	if (level == QUIC_CRYPTO_EARLY)
		conn->hs.nr_parked_early++;
	__skb_queue_tail(parked, skb);
	QUIC_INC_STATS(quic_conn_net(conn), PKT_DEC_BACKLOGS);
	return true;
}

/* To find out what encryption costs: only if both ends have asked, by their
 * authenticated parameters, and for 1-RTT packets alone.
 */
static void quic_handshake_waive(struct quic_conn *conn)
{
	if (conn->hs.tparams_sent && conn->hs.tparams_rcvd &&
	    conn->local.disable_1rtt_encryption &&
	    conn->remote.disable_1rtt_encryption)
		quic_keys_waive(&conn->keys);
}

static bool quic_handshake_secret_valid(const struct quic_crypto_secret *secret)
{
	switch (secret->level) {
	case QUIC_CRYPTO_EARLY:
	case QUIC_CRYPTO_APP:
	case QUIC_CRYPTO_HANDSHAKE:
		return quic_cipher_secret_len(secret->type);
	default:
		return false;
	}
}

static int quic_handshake_install(struct quic_conn *conn,
				  const struct quic_crypto_secret *secret)
{
	if (secret->level == QUIC_CRYPTO_EARLY)
		return quic_early_install(conn, secret);
	return quic_keys_install(&conn->keys, secret->level, secret->send,
				 secret->type, conn->version, secret->secret,
				 GFP_KERNEL);
}

static void quic_handshake_secret_installed(struct quic_conn *conn, u8 level,
					    bool send)
{
	if (level == QUIC_CRYPTO_APP && send)
		quic_early_end(conn);
	if (level == QUIC_CRYPTO_HANDSHAKE && send)
		conn->rec.has_handshake_keys = true;
	if (level == QUIC_CRYPTO_APP && !send) {
		quic_blob_clear(&conn->settings.token);
		quic_blob_clear(&conn->settings.ticket);
		quic_session_used(conn);
		quic_early_release(conn);
	}
}

/* Nothing of TLS is held back any more, and shares a datagram with what there is
 * to say now.
 */
static void quic_handshake_check_complete(struct quic_conn *conn)
{
	if (!quic_keys_tx(&conn->keys, QUIC_CRYPTO_APP) ||
	    !quic_keys_rx(&conn->keys, QUIC_CRYPTO_APP))
		return;
	quic_crypto_cork(conn, QUIC_CRYPTO_APP, false);
	quic_conn_established(conn);
	/* A HANDSHAKE_DONE that waits would end the level of Finished. */
	if (!conn->is_server && !skb_queue_empty(&conn->hs.parked))
		quic_output(conn);
}

/**
 * quic_handshake_set_secrets - take traffic secrets from TLS
 * @conn:    the connection
 * @secrets: level, direction, cipher and bytes of each
 * @nr:	     how many there are, above 0
 *
 * All of them are there before any is used. A bad one among them leaves
 * everything as it was; without memory it depends, and the call can be repeated.
 *
 * Context: connection lock held, process.
 * Return: 0; -EINVAL in a wrong state or for wrong values; -ENOMEM; -EPIPE if a
 * packet that waited for a key has closed the connection.
 */
int quic_handshake_set_secrets(struct quic_conn *conn,
			       const struct quic_crypto_secret *secrets, u32 nr)
{
	const struct quic_crypto_secret *end = secrets + nr, *secret;
	bool opens = false;
	int err;

	quic_conn_assert_held(conn);
	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHING))
		return -EINVAL;
	for (secret = secrets; secret < end; secret++)
		if (!quic_handshake_secret_valid(secret))
			return -EINVAL;
	for (secret = secrets; secret < end; secret++) {
		err = quic_handshake_install(conn, secret);
		if (err)
			return err;
	}
	quic_handshake_waive(conn);
	for (secret = secrets; secret < end; secret++) {
		quic_handshake_secret_installed(conn, secret->level,
						secret->send);
		opens |= !secret->send;
	}
	quic_handshake_check_complete(conn);
	if (opens)
		quic_handshake_unpark(conn);
	if (quic_conn_is(conn, QUIC_STATE_CLOSED))
		return -EPIPE;
	quic_output(conn);
	quic_events_wake(conn);
	return 0;
}

/* RFC 9000, 7.3: the IDs that the handshake began with are authenticated by
 * being repeated inside TLS.
 */
static bool quic_handshake_cids_match(struct quic_conn *conn,
				      const struct quic_tparams *tp)
{
	const struct quic_handshake *hs = &conn->hs;

	if (!tp->has_initial_scid ||
	    !quic_cid_equal(&tp->initial_scid, &conn->cids.active->cid))
		return false;
	if (conn->is_server)
		return true;
	if (!tp->has_original_dcid ||
	    !quic_cid_equal(&tp->original_dcid, &hs->odcid))
		return false;
	if (tp->has_retry_scid != hs->retry_used)
		return false;
	return !hs->retry_used ||
	       quic_cid_equal(&tp->retry_scid, &hs->retry_scid);
}

/**
 * quic_handshake_apply_remote - let the peer's transport parameters take effect
 * @conn: the connection, its @remote just filled in
 *
 * Context: connection lock held.
 */
void quic_handshake_apply_remote(struct quic_conn *conn)
{
	const struct quic_tparams *tp = &conn->remote;

	quic_streams_apply_remote(conn);
	conn->rec.max_ack_delay_us = tp->max_ack_delay_us;
	conn->cids.local_limit = min_t(u8, tp->active_connection_id_limit,
				       QUIC_CID_LIMIT_MAX);
	conn->idle_timeout_us = quic_tparams_idle_timeout_us(&conn->local, tp);
	quic_conn_idle_restart(conn, ktime_get());
	if (!conn->is_server && tp->stateless_reset)
		quic_cid_set_first_token(conn, tp->stateless_reset_token);
	if (!conn->is_server && tp->has_preferred_addr &&
	    quic_cid_add_preferred(conn, &tp->preferred_addr))
		conn->remote.has_preferred_addr = false;
	quic_path_update_mtu(conn, &conn->path);
}

/**
 * quic_handshake_set_tparams - take the peer's transport parameters from TLS
 * @conn: the connection
 * @buf:  body of TLS extension 0x39
 * @len:  its length
 *
 * After a HelloRetryRequest a server's TLS sees them, and gives them, twice.
 *
 * Context: connection lock held.
 * Return: 0; -EINVAL in a wrong state, or for parameters with which the
 * connection has been closed; -EPROTONOSUPPORT if it was the version.
 */
int quic_handshake_set_tparams(struct quic_conn *conn, const u8 *buf, u32 len)
{
	struct quic_tparams tp;
	int err;

	quic_conn_assert_held(conn);
	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHING))
		return -EINVAL;
	err = quic_tparams_decode(&tp, !conn->is_server, buf, len);
	if (err || !quic_handshake_cids_match(conn, &tp)) {
		quic_close_transport(conn, QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM,
				     0, "bad transport parameters");
		return -EINVAL;
	}
	err = quic_version_check(conn, &tp);
	if (err) {
		quic_close_transport(conn, err, 0, "version mismatch");
		return -EPROTONOSUPPORT;
	}
	err = quic_early_set_remote(conn, &tp);
	if (err) {
		quic_close_transport(conn, err, 0, "limits below those of 0-RTT");
		return -EINVAL;
	}
	conn->remote = tp;
	conn->hs.tparams_rcvd = true;
	/* Programs can see what has become of it. */
	if (!tp.disable_1rtt_encryption)
		conn->local.disable_1rtt_encryption = false;
	quic_handshake_waive(conn);
	quic_handshake_apply_remote(conn);
	quic_events_wake(conn);
	return 0;
}

static void quic_handshake_fill_server(struct quic_conn *conn,
				       struct quic_tparams *tp)
{
	tp->has_original_dcid = true;
	tp->original_dcid = conn->hs.odcid;
	tp->has_retry_scid = conn->hs.retry_used;
	tp->retry_scid = conn->hs.retry_scid;
	if (tp->stateless_reset)
		quic_token_reset(quic_net_reset_key(quic_conn_net(conn)),
				 quic_cid_first_local(conn),
				 tp->stateless_reset_token);
	if (tp->has_preferred_addr && !tp->preferred_addr.cid.len &&
	    !quic_cid_offer_preferred(conn, &tp->preferred_addr))
		tp->has_preferred_addr = false;
	if (!conn->remote.version_info.chosen)
		tp->disable_compatible_version = true;
	if (!conn->remote.disable_1rtt_encryption)
		tp->disable_1rtt_encryption = false;
}

/* RFC 9000, 18.1: ids of the form 31 * N + 27 are reserved for this. The id fits
 * into two bytes, all of it into few: programs read ours into small buffers.
 */
static void quic_handshake_fill_grease(struct quic_tparams *tp)
{
	tp->grease_id = 31 * get_random_u32_inclusive(1, 500) + 27;
	tp->grease_len = get_random_u32_below(sizeof(tp->grease) + 1);
	get_random_bytes(tp->grease, tp->grease_len);
}

/**
 * quic_handshake_get_tparams - give TLS our transport parameters
 * @conn: the connection
 * @buf:  where to write the body of TLS extension 0x39
 * @size: bytes at @buf
 *
 * From here on they are frozen.
 *
 * Context: connection lock held.
 * Return: length, -EINVAL in a wrong state or if @size is too small.
 */
int quic_handshake_get_tparams(struct quic_conn *conn, u8 *buf, u32 size)
{
	struct quic_tparams *tp = &conn->local;
	int len;

	quic_conn_assert_held(conn);
	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHING))
		return -EINVAL;
	tp->has_initial_scid = true;
	tp->initial_scid = *quic_cid_first_local(conn);
	quic_version_fill(conn, tp);
	/* TLS may ask again, and nothing may have changed (RFC 8446, 4.1.2). */
	if (!tp->grease_id)
		quic_handshake_fill_grease(tp);
	if (conn->is_server)
		quic_handshake_fill_server(conn, tp);
	len = quic_tparams_encode(tp, conn->is_server, buf, size);
	if (len < 0)
		return -EINVAL;
	if (conn->hs.tparams_sent)
		return len;
	quic_handshake_freeze_tparams(conn, false);
	return quic_tparams_encode(tp, conn->is_server, buf, size);
}

/**
 * quic_handshake_freeze_tparams - the local parameters are what they are
 * @conn:  the connection
 * @early: early data goes by them
 *
 * What the receive buffer has no room for is not announced, unless early data
 * may have been sent by it already: limits must not shrink then (RFC 9000,
 * 7.4.1).
 *
 * Context: connection lock held.
 */
void quic_handshake_freeze_tparams(struct quic_conn *conn, bool early)
{
	struct quic_flow_rx *rx = &conn->flow.rx;

	if (conn->hs.tparams_sent)
		return;
	conn->hs.tparams_sent = true;
	quic_streams_apply_local(conn);
	if (early)
		return;
	rx->max = quic_rcvq_window(conn);
	conn->local.initial_max_data = rx->max;
}

/**
 * quic_handshake_confirm - the handshake is confirmed (RFC 9001, 4.1.2)
 * @conn: the connection
 *
 * Context: connection lock held.
 */
void quic_handshake_confirm(struct quic_conn *conn)
{
	quic_conn_assert_held(conn);
	if (conn->hs.confirmed)
		return;
	conn->hs.confirmed = true;
	trace_quic_conn_state(quic_conn_sk(conn), "confirmed");
	quic_recovery_confirm(&conn->rec);
	quic_keys_on_confirmed(&conn->keys, ktime_get());
	quic_handshake_discard_space(conn, QUIC_CRYPTO_INITIAL);
	quic_handshake_discard_space(conn, QUIC_CRYPTO_HANDSHAKE);
	quic_cid_drop_original(conn);
	quic_migrate_on_confirmed(conn);
}

/**
 * quic_handshake_discard_space - drop keys and state of a level
 * @conn:  the connection
 * @level: QUIC_CRYPTO_INITIAL or QUIC_CRYPTO_HANDSHAKE
 *
 * RFC 9001, 4.9; RFC 9002, 6.4. Harmless when repeated.
 *
 * Context: connection lock held.
 */
void quic_handshake_discard_space(struct quic_conn *conn, u8 level)
{
	enum quic_space_id id = quic_level_space(level);
	struct quic_pnspace *space = &conn->spaces[id];

	quic_conn_assert_held(conn);
	if (space->discarded)
		return;
	quic_loss_discard_space(&conn->rec, space, ktime_get());
	quic_keys_discard(&conn->keys, level);
	quic_crypto_discard(conn, level);
	conn->pto_probes[id] = 0;
}
