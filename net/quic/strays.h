/* SPDX-License-Identifier: GPL-2.0-only */
/* 0-RTT packets that have overtaken the ClientHello of their connection. A
 * server may keep a few in anticipation of the Initial packet (RFC 9000, 5.2.2),
 * which spares the client from sending them again.
 *
 * Nobody vouches for them, so that they share one small budget per network
 * namespace, the oldest make room, and none stays for longer than a moment.
 *
 * Owns:    struct quic_strays.
 * Guard:   quic_net.req_mutex.
 * Callers: request.c.
 */
#ifndef _NET_QUIC_STRAYS_H
#define _NET_QUIC_STRAYS_H

#include <linux/skbuff.h>
#include <linux/workqueue.h>

struct quic_net;
struct quic_request;

/**
 * struct quic_strays - 0-RTT datagrams that belong to nobody yet
 * @datagrams: oldest first
 * @bytes:     their truesize
 * @work:      drops those that nobody has come for
 */
struct quic_strays {
	struct sk_buff_head datagrams;
	u32 bytes;
	struct delayed_work work;
};

void quic_strays_add(struct quic_net *qn, struct sk_buff *skb);
struct sk_buff *quic_strays_take(struct quic_net *qn,
				 const struct quic_request *req);

void quic_strays_net_init(struct quic_net *qn);
void quic_strays_net_exit(struct quic_net *qn);

#endif /* _NET_QUIC_STRAYS_H */
