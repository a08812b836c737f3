/* SPDX-License-Identifier: GPL-2.0-only */
/* Our frames about streams: what is to be sent, the order in which it is put
 * into a packet, and what becomes of it when the packet arrives or is lost
 * (RFC 9000, 13.3).
 *
 * Owns:    nothing; struct quic_streams belongs to stream.h.
 * Guard:   the connection lock.
 * Callers: output.c.
 */
#ifndef _NET_QUIC_STREAM_OUTPUT_H
#define _NET_QUIC_STREAM_OUTPUT_H

#include "types.h"

struct quic_conn;
struct quic_pkt_builder;
struct quic_sent_frame;

bool quic_streams_pending(struct quic_conn *conn);
void quic_streams_rewind(struct quic_conn *conn);
bool quic_streams_put_frames(struct quic_conn *conn, struct quic_pkt_builder *b);
void quic_streams_frame_acked(struct quic_conn *conn,
			      const struct quic_sent_frame *frame);
void quic_streams_frame_lost(struct quic_conn *conn,
			     const struct quic_sent_frame *frame);

#endif /* _NET_QUIC_STREAM_OUTPUT_H */
