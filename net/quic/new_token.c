// SPDX-License-Identifier: GPL-2.0-only
#include "conn.h"
#include "event.h"
#include "frame.h"
#include "new_token.h"
#include "packet_build.h"
#include "token.h"

/**
 * quic_new_token_request - let the client have a token
 * @conn: connection of a server
 *
 * Context: connection lock held; quic_output() follows.
 * Return: 0, or -EAGAIN while the client has not acknowledged the last one.
 */
int quic_new_token_request(struct quic_conn *conn)
{
	quic_conn_assert_held(conn);
	if (conn->new_token.unacked)
		return -EAGAIN;
	conn->new_token.pending = true;
	conn->new_token.unacked = true;
	return 0;
}

/**
 * quic_new_token_rcv - keep the server's token for the program
 * @conn:  connection of a client
 * @frame: the frame; its token is not empty
 *
 * A token longer than what can be stored is of no use later and is ignored.
 *
 * Context: connection lock held.
 * Return: 0 or -ENOMEM.
 */
int quic_new_token_rcv(struct quic_conn *conn,
		       const struct quic_frame_new_token *frame)
{
	int err;

	quic_conn_assert_held(conn);
	if (frame->len > QUIC_TOKEN_MAX)
		return 0;
	err = quic_blob_set(&conn->settings.token, frame->data, frame->len,
			    GFP_ATOMIC);
	if (err)
		return err;
	quic_event_new_token(conn, frame->data, frame->len);
	return 0;
}

/**
 * quic_new_token_pending - is a NEW_TOKEN frame to be sent
 * @conn: the connection
 *
 * Return: whether quic_new_token_put_frames() would put one.
 */
bool quic_new_token_pending(const struct quic_conn *conn)
{
	return conn->new_token.pending;
}

/**
 * quic_new_token_put_frames - put the NEW_TOKEN frame that is due
 * @conn: connection of a server
 * @b:	  1-RTT packet to put it in
 *
 * Context: connection lock held.
 */
void quic_new_token_put_frames(struct quic_conn *conn,
			       struct quic_pkt_builder *b)
{
	u8 token[QUIC_TOKEN_MAX];
	u32 token_len, len;

	if (!conn->new_token.pending || !quic_pkt_records_left(b))
		return;
	token_len = quic_token_new(&conn->settings.secret, conn->version,
				   &conn->path.peer, ktime_get(), token);
	len = quic_frame_len_new_token(token_len);
	if (len > quic_pkt_room(b))
		return;
	quic_frame_put_new_token(quic_pkt_put(b, len), token, token_len);
	quic_pkt_record(b, QUIC_SENT_NEW_TOKEN, 0, 0, 0, false);
	conn->new_token.pending = false;
}

/**
 * quic_new_token_acked - the client has its token
 * @conn: connection of a server
 *
 * Context: connection lock held.
 */
void quic_new_token_acked(struct quic_conn *conn)
{
	conn->new_token.unacked = false;
	conn->new_token.pending = false;
}

/**
 * quic_new_token_lost - the frame was lost: send another
 * @conn: connection of a server
 *
 * Context: connection lock held.
 */
void quic_new_token_lost(struct quic_conn *conn)
{
	conn->new_token.pending = conn->new_token.unacked;
}
