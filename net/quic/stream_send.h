/* SPDX-License-Identifier: GPL-2.0-only */
/* Sending part of a stream (RFC 9000, 3.1): bytes in, STREAM frames out, what
 * becomes of them, and the end by FIN or RESET_STREAM.
 *
 * Owns:    struct quic_stream_send, which is declared in stream.h.
 * Guard:   the connection lock.
 * Callers: stream.c, sendmsg.c.
 */
#ifndef _NET_QUIC_STREAM_SEND_H
#define _NET_QUIC_STREAM_SEND_H

#include <linux/types.h>

struct iov_iter;
struct quic_conn;
struct quic_pkt_builder;
struct quic_sent_frame;
struct quic_stream;

void quic_stream_send_init(struct quic_stream *stream, u64 max_data);
u64 quic_stream_send_credit(const struct quic_conn *conn,
			    const struct quic_stream *stream);
int quic_stream_send_append(struct quic_conn *conn, struct quic_stream *stream,
			    struct iov_iter *from, u32 len, bool splice);
void quic_stream_send_fin(struct quic_conn *conn, struct quic_stream *stream);
void quic_stream_send_cork(struct quic_stream *stream, bool more);
void quic_stream_send_abort(struct quic_conn *conn, struct quic_stream *stream,
			    u64 errcode);

void quic_stream_send_rewind(struct quic_conn *conn, struct quic_stream *stream);
bool quic_stream_send_may(struct quic_conn *conn, struct quic_stream *stream);
bool quic_stream_send_may_wait(const struct quic_stream *stream);
bool quic_stream_send_held(struct quic_conn *conn,
			   const struct quic_stream *stream, u32 room);
bool quic_stream_send_put(struct quic_conn *conn, struct quic_stream *stream,
			  struct quic_pkt_builder *b);
void quic_stream_send_acked(struct quic_conn *conn, struct quic_stream *stream,
			    const struct quic_sent_frame *frame);
void quic_stream_send_lost(struct quic_conn *conn, struct quic_stream *stream,
			   const struct quic_sent_frame *frame);
void quic_stream_send_reset_acked(struct quic_conn *conn,
				  struct quic_stream *stream);
void quic_stream_send_purge(struct quic_conn *conn, struct quic_stream *stream);
bool quic_stream_send_done(const struct quic_stream *stream);

#endif /* _NET_QUIC_STREAM_SEND_H */
