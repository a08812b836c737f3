/* SPDX-License-Identifier: GPL-2.0-only */
/* Many datagrams of one sender in one skb, as GRO or a sender on the same
 * machine makes them. Where all of them are for one connection, which is found
 * by the first one, the batch stays whole until that takes it apart: it is
 * looked up, locked and allowed to answer once per batch.
 *
 * Owns:    struct quic_skb_cb.batch.
 * Guard:   none of its own; softirq, RCU read side.
 * Callers: udp_rx.c, input.c.
 */
#ifndef _NET_QUIC_UDP_GRO_H
#define _NET_QUIC_UDP_GRO_H

#include <linux/skbuff.h>

struct quic_endpoint;

void quic_udp_rcv_batch(struct quic_endpoint *ep, struct sk_buff *skb);
struct sk_buff *quic_udp_batch_next(const struct sk_buff *skb, u32 *off,
				    struct sk_buff *last);

#endif /* _NET_QUIC_UDP_GRO_H */
