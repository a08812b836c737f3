/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames of the peer about streams: which stream one concerns, what that may
 * open or violate, and what it means (RFC 9000, 19.4, 19.5 and 19.8 to 19.13).
 *
 * Owns:    nothing; struct quic_streams belongs to stream.h.
 * Guard:   the connection lock.
 * Callers: input_frame.c, one function for each frame.
 */
#ifndef _NET_QUIC_STREAM_INPUT_H
#define _NET_QUIC_STREAM_INPUT_H

struct quic_conn;
struct quic_frame_max_data;
struct quic_frame_max_stream_data;
struct quic_frame_max_streams;
struct quic_frame_reset_stream;
struct quic_frame_stop_sending;
struct quic_frame_stream;
struct quic_frame_stream_data_blocked;
struct sk_buff;

int quic_streams_recv_data(struct quic_conn *conn,
			   const struct quic_frame_stream *frame,
			   struct sk_buff *skb);
int quic_streams_recv_reset(struct quic_conn *conn,
			    const struct quic_frame_reset_stream *frame);
int quic_streams_recv_stop_sending(struct quic_conn *conn,
				   const struct quic_frame_stop_sending *frame);
int quic_streams_recv_max_data(struct quic_conn *conn,
			       const struct quic_frame_max_data *frame);
int quic_streams_recv_max_stream_data(struct quic_conn *conn,
				      const struct quic_frame_max_stream_data *f);
int quic_streams_recv_max_streams(struct quic_conn *conn,
				  const struct quic_frame_max_streams *frame);
int quic_streams_recv_stream_data_blocked(struct quic_conn *conn,
					  const struct quic_frame_stream_data_blocked *f);

#endif /* _NET_QUIC_STREAM_INPUT_H */
