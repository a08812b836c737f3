/* SPDX-License-Identifier: GPL-2.0-only */
/* Many datagrams of one sender in one skb, as GRO or a sender on the same
 * machine makes them: taken apart, and handed to their connections in runs, so
 * that a connection is looked up, locked and allowed to answer once per run.
 *
 * A run is one skb per datagram, each as udp_rx.h describes, behind the first
 * one in its frag_list; the first one's truesize covers them all.
 *
 * Owns:    the run.
 * Guard:   none of its own; softirq, RCU read side.
 * Callers: udp_rx.c, input.c.
 */
#ifndef _NET_QUIC_UDP_GRO_H
#define _NET_QUIC_UDP_GRO_H

#include <linux/skbuff.h>

struct quic_endpoint;

void quic_udp_rcv_batch(struct quic_endpoint *ep, struct sk_buff *skb);
struct sk_buff *quic_udp_run_split(struct sk_buff *skb);

#endif /* _NET_QUIC_UDP_GRO_H */
