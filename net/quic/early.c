// SPDX-License-Identifier: GPL-2.0-only
#include "conn.h"
#include "dgram.h"
#include "early.h"
#include "handshake.h"
#include "outcome.h"
#include "stream_output.h"

/**
 * quic_early_remember - take the peer's limits of an earlier connection
 * @conn:  connection whose handshake runs
 * @param: what the program has kept of them
 *
 * RFC 9000, 7.4.1: what holds for one connection only, such as delays and
 * connection IDs, is not taken over.
 *
 * Context: connection lock held.
 * Return: 0, or -EINVAL in a wrong state or for a value out of range.
 */
int quic_early_remember(struct quic_conn *conn,
			const struct quic_transport_param *param)
{
	struct quic_tparams tp = conn->remote;
	int err;

	quic_conn_assert_held(conn);
	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHING) ||
	    conn->hs.tparams_rcvd || conn->early.offered)
		return -EINVAL;
	err = quic_tparams_from_uapi(&tp, param);
	if (err)
		return err;
	tp.disable_compatible_version = param->disable_compatible_version;
	conn->remote = tp;
	conn->early.remembered = true;
	quic_streams_apply_remote(conn);
	quic_path_update_mtu(conn, &conn->path);
	return 0;
}

/**
 * quic_early_install - take a secret of level EARLY
 * @conn:   the connection
 * @secret: the secret
 *
 * TLS libraries hand out both directions alike: the one that has no use is
 * accepted. A server's limits count from here on, as early data goes by them.
 *
 * Context: connection lock held, process.
 * Return: 0, -EINVAL for an unknown cipher, -ENOMEM.
 */
int quic_early_install(struct quic_conn *conn,
		       const struct quic_crypto_secret *secret)
{
	int err;

	quic_conn_assert_held(conn);
	if (!quic_cipher_secret_len(secret->type))
		return -EINVAL;
	if (!!secret->send == conn->is_server)
		return 0;
	if (!conn->is_server && conn->hs.tparams_rcvd)
		return 0;
	err = quic_keys_install(&conn->keys, QUIC_CRYPTO_EARLY, secret->send,
				secret->type, conn->versions.original,
				secret->secret,
				GFP_KERNEL);
	if (err)
		return err;
	if (conn->is_server) {
		WRITE_ONCE(conn->early.held, true);
		quic_handshake_freeze_tparams(conn, true);
	} else {
		conn->early.offered = true;
		quic_encrypted_ext_init(&conn->early.ee);
	}
	return 0;
}

/**
 * quic_early_feed - look for the server's answer to 0-RTT
 * @conn: connection of a client
 * @data: CRYPTO data of Handshake level, in order
 * @len:  how much
 *
 * Context: connection lock held.
 */
void quic_early_feed(struct quic_conn *conn, const u8 *data, u32 len)
{
	struct quic_early *early = &conn->early;

	quic_conn_assert_held(conn);
	if (!early->offered || early->answered ||
	    !quic_encrypted_ext_feed(&early->ee, data, len))
		return;
	early->answered = true;
	early->accepted = early->ee.early_data;
	if (!early->accepted)
		quic_early_reject(conn);
}

/**
 * quic_early_end - 0-RTT is over for a client
 * @conn: the connection
 *
 * RFC 9001, 4.9.3. What 0-RTT packets carry may only go by remembered limits
 * (RFC 9000, 7.4.1), so it also ends when there are others.
 *
 * Context: connection lock held.
 */
void quic_early_end(struct quic_conn *conn)
{
	quic_conn_assert_held(conn);
	if (!conn->is_server)
		quic_keys_discard(&conn->keys, QUIC_CRYPTO_EARLY);
}

/* What 0-RTT packets carried beside stream data is due again. */
static void quic_early_withdraw(struct quic_conn *conn)
{
	LIST_HEAD(sent);

	quic_loss_withdraw(&conn->rec, &conn->spaces[QUIC_SPACE_APP],
			   QUIC_PKT_0RTT, &sent, ktime_get());
	quic_outcome_lost(conn, &sent);
}

/**
 * quic_early_restart - send 0-RTT packets once more
 * @conn: connection of a client that has got a Retry
 *
 * The server has dropped them; keys stay, and so do packet numbers (RFC 9000,
 * 17.2.5.3).
 *
 * Context: connection lock held.
 */
void quic_early_restart(struct quic_conn *conn)
{
	quic_conn_assert_held(conn);
	if (conn->early.offered)
		quic_early_withdraw(conn);
}

/**
 * quic_early_reject - the server has not accepted 0-RTT
 * @conn: connection of a client
 *
 * Everything begins anew in 1-RTT packets, as if it had never been sent.
 *
 * Context: connection lock held.
 */
void quic_early_reject(struct quic_conn *conn)
{
	quic_conn_assert_held(conn);
	if (!conn->early.offered)
		return;
	quic_early_end(conn);
	quic_early_withdraw(conn);
	quic_streams_rewind(conn);
}

/* RFC 9000, 7.4.1; RFC 9221, 3 */
static bool quic_early_reduced(const struct quic_tparams *was,
			       const struct quic_tparams *is)
{
	return is->active_connection_id_limit <
		       was->active_connection_id_limit ||
	       is->initial_max_data < was->initial_max_data ||
	       is->initial_max_stream_data_bidi_local <
		       was->initial_max_stream_data_bidi_local ||
	       is->initial_max_stream_data_bidi_remote <
		       was->initial_max_stream_data_bidi_remote ||
	       is->initial_max_stream_data_uni <
		       was->initial_max_stream_data_uni ||
	       is->initial_max_streams_bidi < was->initial_max_streams_bidi ||
	       is->initial_max_streams_uni < was->initial_max_streams_uni ||
	       is->max_datagram_frame_size < was->max_datagram_frame_size;
}

/**
 * quic_early_set_remote - the peer's parameters of this connection are there
 * @conn: the connection
 * @tp:	  the parameters, about to become quic_conn.remote
 *
 * A server that has accepted 0-RTT must not lower a limit that the data went
 * by. Any other may, and then less is allowed than was queued.
 *
 * Context: connection lock held.
 * Return: 0 or QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION.
 */
int quic_early_set_remote(struct quic_conn *conn,
			  const struct quic_tparams *tp)
{
	struct quic_early *early = &conn->early;
	bool reduced;

	quic_conn_assert_held(conn);
	if (!early->remembered)
		return 0;
	reduced = quic_early_reduced(&conn->remote, tp);
	if (early->accepted && reduced)
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	/* An answer that could not be read is as good as none. */
	if (!early->answered)
		quic_early_reject(conn);
	quic_early_end(conn);
	if (reduced) {
		early->lowered = true;
		quic_streams_forget_remote(conn);
	}
	early->remembered = false;
	return 0;
}

/**
 * quic_early_release - let a server's program read early data
 * @conn: connection whose handshake is complete
 *
 * Context: connection lock held; quic_events_wake() follows.
 */
void quic_early_release(struct quic_conn *conn)
{
	quic_conn_assert_held(conn);
	if (!conn->early.held)
		return;
	WRITE_ONCE(conn->early.held, false);
	conn->events.wake_reader = true;
}

/**
 * quic_early_wanted - is there something for a 0-RTT packet?
 * @conn: the connection
 *
 * The server can do nothing with it before the ClientHello.
 *
 * Return: whether streams or datagrams have something to send, and may.
 */
bool quic_early_wanted(struct quic_conn *conn)
{
	if (!conn->crypto[QUIC_CRYPTO_INITIAL].out.next &&
	    !quic_crypto_pending(conn, QUIC_CRYPTO_INITIAL))
		return false;
	return quic_dgrams_pending(conn) || quic_streams_pending(conn);
}
