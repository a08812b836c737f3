// SPDX-License-Identifier: GPL-2.0-only
#include <linux/net.h>
#include <trace/events/quic.h>

#include "close.h"
#include "conn.h"
#include "event.h"
#include "frame.h"
#include "net_ns.h"
#include "output.h"

/* RFC 9000, 10.2: closing and draining last this many PTOs at least; here it may
 * be one more.
 */
#define QUIC_CLOSE_PTOS		3

/* How long a released socket goes on delivering what was written to it. The
 * idle timeout ends it earlier when the peer is gone.
 */
#define QUIC_CLOSE_LINGER_US	(10 * USEC_PER_SEC)

static bool quic_close_begun(const struct quic_conn *conn)
{
	return conn->close.state > QUIC_CLOSE_LINGER;
}

/* Nothing can happen on the connection any more: what led packets to it and
 * out of it goes; what programs may still read stays.
 */
static void quic_close_dead(struct quic_conn *conn)
{
	conn->close.state = QUIC_CLOSE_DEAD;
	quic_timers_stop(conn);
	quic_cids_free(conn);
	__skb_queue_purge(&conn->hs.parked);
	quic_batch_free(&conn->batch);
	quic_migrate_release(conn);
	quic_keys_destroy(&conn->keys);
}

/* Programs see the end at once, however long the protocol's end takes. */
static void quic_close_tell(struct quic_conn *conn)
{
	quic_conn_set_state(conn, QUIC_STATE_CLOSED);
	conn->events.wake_reader = true;
	conn->events.wake_writer = true;
}

static void quic_close_wait(struct quic_conn *conn, enum quic_close_state state)
{
	u64 pto_us = quic_recovery_pto_us(&conn->rec);

	conn->close.state = state;
	quic_timer_set_only(conn, QUIC_TIMER_CLOSE,
			    ktime_add_us(ktime_get(), QUIC_CLOSE_PTOS * pto_us),
			    pto_us * NSEC_PER_USEC);
}

/* A client that never sent anything has nobody to tell. */
static bool quic_close_peer_knows(const struct quic_conn *conn)
{
	return conn->is_server || conn->hs.any_rcvd ||
	       conn->spaces[QUIC_SPACE_INITIAL].next_pn;
}

static void quic_close_now(struct quic_conn *conn)
{
	trace_quic_conn_closed(quic_conn_sk(conn), "local", conn->close.app,
			       conn->close.code);
	if (!quic_close_peer_knows(conn)) {
		quic_close_tell(conn);
		quic_close_dead(conn);
		return;
	}
	quic_output_close(conn);
	conn->close.answer_at = 1;
	quic_close_wait(conn, QUIC_CLOSE_CLOSING);
	quic_close_tell(conn);
}

/**
 * quic_close_transport - close because of an error of ours or of the peer
 * @conn:	the connection
 * @code:	QUIC_TRANSPORT_ERROR_*, or CRYPTO with the alert added
 * @frame_type: frame that caused it, or 0
 * @phrase:	reason for people to read, or NULL
 *
 * RFC 9000, 10.2 and 11.1. Without effect once a close has begun.
 *
 * Context: connection lock held; quic_events_wake() follows.
 */
void quic_close_transport(struct quic_conn *conn, u32 code, u64 frame_type,
			  const char *phrase)
{
	struct quic_connection_close *info = &conn->settings.close;

	quic_conn_assert_held(conn);
	if (quic_close_begun(conn))
		return;
	memset(info, 0, sizeof(*info));
	info->errcode = code;
	info->frame = frame_type;
	if (phrase)
		strscpy(info->phrase, phrase);
	conn->close.app = false;
	conn->close.code = code;
	conn->close.frame_type = frame_type;
	quic_close_now(conn);
	quic_event_connection_close(conn, info);
}

/**
 * quic_close_app - close because the program is done
 * @conn: the connection
 *
 * Before the handshake is complete there is no application that the peer could
 * be told about; a TLS alert that user space has left in option
 * CONNECTION_CLOSE is told instead (RFC 9001, 4.8).
 *
 * Context: connection lock held.
 */
void quic_close_app(struct quic_conn *conn)
{
	const struct quic_connection_close *info = &conn->settings.close;
	u32 alert = QUIC_TRANSPORT_ERROR_CRYPTO;

	quic_conn_assert_held(conn);
	if (quic_close_begun(conn))
		return;
	conn->close.app = conn->hs.complete;
	conn->close.code = info->errcode;
	conn->close.frame_type = 0;
	if (!conn->hs.complete &&
	    (info->errcode < alert || info->errcode > alert + U8_MAX))
		conn->close.code = QUIC_TRANSPORT_ERROR_APPLICATION;
	quic_close_now(conn);
}

/**
 * quic_close_on_frame - the peer has closed
 * @conn:  the connection
 * @frame: its CONNECTION_CLOSE
 *
 * Context: connection lock held.
 */
void quic_close_on_frame(struct quic_conn *conn,
			 const struct quic_frame_connection_close *frame)
{
	struct quic_connection_close *info = &conn->settings.close;
	u32 len = min_t(u32, frame->len, QUIC_CLOSE_PHRASE_BUFFER_SIZE - 1);
	struct sock *sk = quic_conn_sk(conn);

	quic_conn_assert_held(conn);
	if (conn->close.state >= QUIC_CLOSE_DRAINING)
		return;
	QUIC_INC_STATS(quic_conn_net(conn), FRM_IN_CLOSES);
	trace_quic_conn_closed(sk, "remote", frame->app, frame->error_code);
	memset(info, 0, sizeof(*info));
	info->errcode = min_t(u64, frame->error_code, U32_MAX);
	info->frame = frame->app ? 0 : min_t(u64, frame->frame_type, U8_MAX);
	memcpy(info->phrase, frame->data, len);
	/* The nearest there is to a refused connect(). */
	if (!conn->hs.complete && !conn->is_server &&
	    info->errcode == QUIC_TRANSPORT_ERROR_CONNECTION_REFUSED)
		WRITE_ONCE(sk->sk_err, ECONNREFUSED);
	quic_close_wait(conn, QUIC_CLOSE_DRAINING);
	quic_close_tell(conn);
	quic_event_connection_close(conn, info);
}

/* An end without a word to the peer (RFC 9000, 10.1 and 10.3.1). */
static void quic_close_silent(struct quic_conn *conn, u32 errcode)
{
	struct quic_connection_close *info = &conn->settings.close;

	if (quic_close_begun(conn))
		return;
	memset(info, 0, sizeof(*info));
	info->errcode = errcode;
	trace_quic_conn_closed(quic_conn_sk(conn), "nobody", false, errcode);
	quic_close_tell(conn);
	quic_close_dead(conn);
	quic_event_connection_close(conn, info);
	quic_events_wake(conn);
}

/**
 * quic_close_on_reset - the peer has lost the connection's state
 * @conn: the connection
 *
 * Programs learn it as error code 0x100 in event CONNECTION_CLOSE.
 *
 * Context: connection lock held.
 */
void quic_close_on_reset(struct quic_conn *conn)
{
	quic_close_silent(conn, QUIC_TRANSPORT_ERROR_CRYPTO);
}

/**
 * quic_close_on_idle - nothing has been heard for too long
 * @conn: the connection
 *
 * Context: connection lock held.
 */
void quic_close_on_idle(struct quic_conn *conn)
{
	struct sock *sk = quic_conn_sk(conn);

	if (quic_conn_is(conn, QUIC_STATE_ESTABLISHING))
		WRITE_ONCE(sk->sk_err, ETIMEDOUT);
	quic_close_silent(conn, QUIC_TRANSPORT_ERROR_NONE);
}

/**
 * quic_close_on_slow_handshake - a client has used up its time
 * @conn: connection of a server whose handshake is not complete
 *
 * The client is told: it may be honest and behind a bad path, and then fails at
 * once instead of at a timeout of its own.
 *
 * Context: connection lock held.
 */
void quic_close_on_slow_handshake(struct quic_conn *conn)
{
	WRITE_ONCE(quic_conn_sk(conn)->sk_err, ETIMEDOUT);
	quic_close_transport(conn, QUIC_TRANSPORT_ERROR_CONNECTION_REFUSED, 0,
			     "handshake timeout");
	quic_events_wake(conn);
}

/**
 * quic_close_on_refused - there is no server at the other end
 * @conn: connection of a client
 * @err:  positive errno for the program
 *
 * Context: connection lock held.
 */
void quic_close_on_refused(struct quic_conn *conn, int err)
{
	struct sock *sk = quic_conn_sk(conn);

	WRITE_ONCE(sk->sk_err, err);
	sk_error_report(sk);
	quic_close_silent(conn, QUIC_TRANSPORT_ERROR_NONE);
}

/**
 * quic_close_on_datagram - answer a peer that has not noticed our close
 * @conn: a connection in the closing state
 *
 * Ever more rarely: RFC 9000, 10.2.1.
 *
 * Context: connection lock held.
 */
void quic_close_on_datagram(struct quic_conn *conn)
{
	struct quic_close *close = &conn->close;

	if (++close->rcvd < close->answer_at)
		return;
	close->answer_at *= 2;
	quic_output_close(conn);
}

/**
 * quic_close_timeout - lingering, closing or draining has lasted long enough
 * @conn: the connection
 *
 * Context: connection lock held.
 */
void quic_close_timeout(struct quic_conn *conn)
{
	if (conn->close.state == QUIC_CLOSE_LINGER)
		quic_close_app(conn);
	else if (conn->close.state != QUIC_CLOSE_NONE)
		quic_close_dead(conn);
}

/* Whether the peer has still to acknowledge what a program has done. */
static bool quic_close_undelivered(const struct quic_conn *conn)
{
	return conn->hs.complete && (quic_conn_sk(conn)->sk_wmem_queued ||
				     conn->streams.ending);
}

/* Nothing will be added to what MSG_MORE holds back. */
static void quic_close_push(struct quic_conn *conn)
{
	conn->close.state = QUIC_CLOSE_LINGER;
	quic_crypto_cork(conn, QUIC_CRYPTO_APP, false);
	quic_output(conn);
}

/**
 * quic_close_linger_check - close a lingering connection that has nothing left
 * @conn: the connection
 *
 * Context: connection lock held.
 */
void quic_close_linger_check(struct quic_conn *conn)
{
	if (conn->close.state == QUIC_CLOSE_LINGER &&
	    !quic_close_undelivered(conn))
		quic_close_app(conn);
}

static bool quic_close_is_connected(const struct quic_conn *conn)
{
	return quic_conn_is(conn, QUIC_STATE_ESTABLISHED) ||
	       quic_conn_is(conn, QUIC_STATE_ESTABLISHING);
}

/**
 * quic_conn_shutdown - shutdown() of a connection
 * @sk:	 its socket
 * @how: RCV_SHUTDOWN, SEND_SHUTDOWN or both
 *
 * There is no half-close: either direction ends the connection. Only when
 * sending is shut down is the peer told.
 *
 * Context: socket lock held.
 * Return: 0, or -ENOTCONN.
 */
int quic_conn_shutdown(struct sock *sk, int how)
{
	struct quic_conn *conn = quic_conn(sk);

	quic_conn_assert_held(conn);
	if (!quic_close_is_connected(conn))
		return -ENOTCONN;
	if (how & SEND_SHUTDOWN) {
		quic_close_push(conn);
		quic_close_app(conn);
	} else {
		quic_close_tell(conn);
		quic_close_dead(conn);
	}
	quic_events_wake(conn);
	return 0;
}

/**
 * quic_conn_close - the socket has been released
 * @sk: its socket
 *
 * Data that was written is still delivered, in the background; then the peer is
 * told. Meanwhile the timer holds the socket.
 *
 * Context: socket lock held.
 */
void quic_conn_close(struct sock *sk)
{
	struct quic_conn *conn = quic_conn(sk);

	quic_conn_assert_held(conn);
	if (!quic_close_is_connected(conn))
		return;
	if (!quic_close_undelivered(conn)) {
		quic_close_app(conn);
		return;
	}
	quic_timer_set(conn, QUIC_TIMER_CLOSE,
		       ktime_add_us(ktime_get(), QUIC_CLOSE_LINGER_US));
	quic_close_push(conn);
}
