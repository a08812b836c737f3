/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a connection: immediate close, closing and draining, idle
 * timeout, stateless reset (RFC 9000, 10), and what the socket calls that end
 * a connection do.
 *
 * Owns:    struct quic_close.
 * Guard:   the connection lock.
 * Callers: everybody who finds a reason; af_quic.c for shutdown and release.
 */
#ifndef _NET_QUIC_CLOSE_H
#define _NET_QUIC_CLOSE_H

#include <linux/types.h>
#include <linux/ktime.h>

struct quic_conn;
struct quic_frame_connection_close;
struct sock;

enum quic_close_state {
	QUIC_CLOSE_NONE,	/* the connection lives */
	QUIC_CLOSE_LINGER,	/* released; queued data is still delivered */
	QUIC_CLOSE_CLOSING,	/* our CONNECTION_CLOSE was sent: 10.2.1 */
	QUIC_CLOSE_DRAINING,	/* the peer's has come: 10.2.2 */
	QUIC_CLOSE_DEAD,	/* nothing is sent or answered any more */
};

/**
 * struct quic_close - how the connection ends
 * @state:	enum quic_close_state
 * @app:	our CONNECTION_CLOSE is of type 0x1d
 * @code:	error code that ours carries
 * @frame_type:	frame that caused a transport error, or 0
 * @rcvd:	packets received in the closing state
 * @answer_at:	value of @rcvd at which our CONNECTION_CLOSE is repeated; doubles
 *		each time (RFC 9000, 10.2.1)
 */
struct quic_close {
	u8 state;
	bool app;
	u32 code;
	u64 frame_type;
	u32 rcvd;
	u32 answer_at;
};

void quic_close_transport(struct quic_conn *conn, u32 code, u64 frame_type,
			  const char *phrase);
void quic_close_app(struct quic_conn *conn);
void quic_close_on_frame(struct quic_conn *conn,
			 const struct quic_frame_connection_close *frame);
void quic_close_on_reset(struct quic_conn *conn);
void quic_close_on_idle(struct quic_conn *conn);
void quic_close_on_slow_handshake(struct quic_conn *conn);
void quic_close_on_refused(struct quic_conn *conn, int err);
void quic_close_on_datagram(struct quic_conn *conn);
void quic_close_timeout(struct quic_conn *conn);
void quic_close_linger_check(struct quic_conn *conn);

int quic_conn_shutdown(struct sock *sk, int how);
void quic_conn_close(struct sock *sk);

#endif /* _NET_QUIC_CLOSE_H */
