/* SPDX-License-Identifier: GPL-2.0-only */
/* Unreliable datagrams (RFC 9221): a queue towards the peer; what arrives goes
 * to the socket's receive queue or is dropped.
 *
 * Owns:    struct quic_dgrams.
 * Guard:   the connection lock.
 * Callers: sendmsg.c, input_frame.c, output.c through packet_build.h.
 */
#ifndef _NET_QUIC_DGRAM_H
#define _NET_QUIC_DGRAM_H

#include <linux/skbuff.h>
#include "types.h"

struct msghdr;
struct quic_conn;
struct quic_frame_datagram;
struct quic_pkt_builder;

/**
 * struct quic_dgrams - DATAGRAM frames of a connection
 * @queue: datagrams to send, charged to sk_wmem_queued
 * @bytes: payload in @queue
 */
struct quic_dgrams {
	struct sk_buff_head queue;
	u32 bytes;
};

void quic_dgrams_init(struct quic_conn *conn);
void quic_dgrams_destroy(struct quic_conn *conn);

u32 quic_dgram_max_len(struct quic_conn *conn);
int quic_dgram_append(struct quic_conn *conn, struct msghdr *msg, u32 len);
int quic_dgram_recv(struct quic_conn *conn,
		    const struct quic_frame_datagram *frame,
		    struct sk_buff *skb);
bool quic_dgrams_pending(struct quic_conn *conn);
bool quic_dgrams_put_frames(struct quic_conn *conn, struct quic_pkt_builder *b);

#endif /* _NET_QUIC_DGRAM_H */
