/* SPDX-License-Identifier: GPL-2.0-only */
/* Receiving part of a stream (RFC 9000, 3.2): STREAM frames in, ordered pieces
 * into the socket's receive queue, final size, the end by FIN or reset, and the
 * credit that reading returns.
 *
 * Owns:    struct quic_stream_recv, which is declared in stream.h.
 * Guard:   the connection lock.
 * Callers: stream.c, recvmsg.c.
 */
#ifndef _NET_QUIC_STREAM_RECV_H
#define _NET_QUIC_STREAM_RECV_H

#include <linux/types.h>

struct quic_conn;
struct quic_frame_reset_stream;
struct quic_frame_stream;
struct quic_stream;
struct sk_buff;

void quic_stream_recv_init(struct quic_stream *stream, u64 window);
int quic_stream_recv_data(struct quic_conn *conn, struct quic_stream *stream,
			  const struct quic_frame_stream *frame,
			  struct sk_buff *skb);
int quic_stream_recv_reset(struct quic_conn *conn, struct quic_stream *stream,
			   const struct quic_frame_reset_stream *frame);
void quic_stream_recv_stop(struct quic_conn *conn, struct quic_stream *stream,
			   u64 errcode);
void quic_stream_recv_consume(struct quic_conn *conn, u64 id, u32 len,
			      bool item_done);
void quic_stream_recv_purge(struct quic_stream *stream);
bool quic_stream_recv_done(const struct quic_stream *stream);
bool quic_stream_recv_wants_credit(const struct quic_stream *stream);

#endif /* _NET_QUIC_STREAM_RECV_H */
