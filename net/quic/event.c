// SPDX-License-Identifier: GPL-2.0-only
#include "conn.h"
#include "event.h"
#include "net_ns.h"
#include "rcvq.h"

/* Unlike sk_stream_write_space() this does not ask how full the buffer is:
 * there are also writers that wait for credit or for a stream ID.
 */
static void quic_events_write_space(struct sock *sk)
{
	struct socket_wq *wq;

	if (sk->sk_socket)
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM |
					   EPOLLWRBAND);
	sk_wake_async_rcu(sk, SOCK_WAKE_SPACE, POLL_OUT);
	rcu_read_unlock();
}

/**
 * quic_events_init - start without anything to tell
 * @conn: connection
 */
void quic_events_init(struct quic_conn *conn)
{
	struct quic_events *events = &conn->events;

	__skb_queue_head_init(&events->queue);
	events->wake_reader = false;
	events->wake_writer = false;
	quic_conn_sk(conn)->sk_write_space = quic_events_write_space;
}

/**
 * quic_events_wake - do the wake-ups that a batch has made due
 * @conn: connection
 *
 * Context: connection lock held. Calls the socket's callbacks, so be done with
 * everything else.
 */
void quic_events_wake(struct quic_conn *conn)
{
	struct quic_events *events = &conn->events;
	struct sock *sk = quic_conn_sk(conn);

	quic_conn_assert_held(conn);
	if (events->wake_reader) {
		events->wake_reader = false;
		QUIC_INC_STATS(sock_net(sk), WAKE_READERS);
		sk->sk_data_ready(sk);
	}
	if (events->wake_writer) {
		events->wake_writer = false;
		QUIC_INC_STATS(sock_net(sk), WAKE_WRITERS);
		sk->sk_write_space(sk);
	}
}

/**
 * quic_events_destroy - drop what was not read
 * @conn: connection
 */
void quic_events_destroy(struct quic_conn *conn)
{
	__skb_queue_purge(&conn->events.queue);
}

static void quic_event_add(struct quic_conn *conn, u8 type, const void *data,
			   u32 len)
{
	struct quic_events *events = &conn->events;
	struct sk_buff *skb;

	quic_conn_assert_held(conn);
	if (!quic_settings_event_on(&conn->settings, type))
		return;
	skb = alloc_skb(1 + len, GFP_ATOMIC);
	if (!skb)
		return;
	skb_put_u8(skb, type);
	skb_put_data(skb, data, len);
	if (quic_rcvq_charge(conn, skb, QUIC_ITEM_ASIDE)) {
		kfree_skb(skb);
		return;
	}
	memset(quic_item(skb), 0, sizeof(struct quic_item));
	quic_item(skb)->kind = QUIC_ITEM_EVENT;
	__skb_queue_tail(&events->queue, skb);
	events->wake_reader = true;
}

/**
 * quic_event_stream_update - a stream's state has changed
 * @conn:       connection
 * @id:         stream
 * @state:      QUIC_STREAM_SEND_STATE_* or QUIC_STREAM_RECV_STATE_*
 * @errcode:    application error code, or 0
 * @final_size: final size, or 0
 */
void quic_event_stream_update(struct quic_conn *conn, u64 id, u8 state,
			      u64 errcode, u64 final_size)
{
	struct quic_stream_update update = {
		.id = id,
		.state = state,
		.errcode = errcode,
		.finalsz = final_size,
	};

	quic_event_add(conn, QUIC_EVENT_STREAM_UPDATE, &update, sizeof(update));
}

/**
 * quic_event_stream_max_data - the peer has raised a stream's limit
 * @conn:     connection
 * @id:       stream
 * @max_data: new limit
 */
void quic_event_stream_max_data(struct quic_conn *conn, u64 id, u64 max_data)
{
	struct quic_stream_max_data info = {
		.id = id,
		.max_data = max_data,
	};

	quic_event_add(conn, QUIC_EVENT_STREAM_MAX_DATA, &info, sizeof(info));
}

/**
 * quic_event_stream_max_stream - more streams may be opened
 * @conn:       connection
 * @highest_id: highest ID of this type that may be used now
 */
void quic_event_stream_max_stream(struct quic_conn *conn, u64 highest_id)
{
	quic_event_add(conn, QUIC_EVENT_STREAM_MAX_STREAM, &highest_id,
		       sizeof(highest_id));
}

/**
 * quic_event_connection_id - a connection ID was retired
 * @conn: connection
 * @info: whose, and which remain
 */
void quic_event_connection_id(struct quic_conn *conn,
			      const struct quic_connection_id_info *info)
{
	quic_event_add(conn, QUIC_EVENT_CONNECTION_ID, info, sizeof(*info));
}

/**
 * quic_event_connection_close - the connection has ended
 * @conn:  connection
 * @close: why
 */
void quic_event_connection_close(struct quic_conn *conn,
				 const struct quic_connection_close *close)
{
	quic_event_add(conn, QUIC_EVENT_CONNECTION_CLOSE, close,
		       sizeof(*close));
}

/**
 * quic_event_connection_migration - another path is in use
 * @conn:  connection
 * @local: our address has changed, not the peer's
 */
void quic_event_connection_migration(struct quic_conn *conn, bool local)
{
	u8 value = local;

	quic_event_add(conn, QUIC_EVENT_CONNECTION_MIGRATION, &value,
		       sizeof(value));
}

/**
 * quic_event_key_update - the peer has changed keys
 * @conn:  connection
 * @phase: the key phase now
 */
void quic_event_key_update(struct quic_conn *conn, u8 phase)
{
	quic_event_add(conn, QUIC_EVENT_KEY_UPDATE, &phase, sizeof(phase));
}

/**
 * quic_event_new_token - a NEW_TOKEN frame has come
 * @conn:  connection
 * @token: its token
 * @len:   bytes of it
 */
void quic_event_new_token(struct quic_conn *conn, const u8 *token, u32 len)
{
	quic_event_add(conn, QUIC_EVENT_NEW_TOKEN, token, len);
}

/**
 * quic_event_new_session_ticket - TLS has sent a session ticket
 * @conn:   connection
 * @ticket: the TLS message with its header
 * @len:    bytes of it
 */
void quic_event_new_session_ticket(struct quic_conn *conn, const u8 *ticket,
				   u32 len)
{
	quic_event_add(conn, QUIC_EVENT_NEW_SESSION_TICKET, ticket, len);
}
