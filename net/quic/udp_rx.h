/* SPDX-License-Identifier: GPL-2.0-only */
/* Receiving: from the UDP socket of an endpoint to the connection or listener
 * that a datagram is for; ICMP errors the same way.
 *
 * A datagram reaches quic_conn_rcv() as one linear skb that nobody else has a
 * reference to, with skb->data at its first QUIC packet and skb->len its UDP
 * payload; the IP and UDP headers stay readable in front of it. skb->dev is
 * not valid any more.
 *
 * Owns:    struct quic_skb_cb.
 * Guard:   none of its own; softirq, RCU read side.
 * Callers: endpoint.c installs the hooks; input.c, listen.c use the accessors.
 */
#ifndef _NET_QUIC_UDP_RX_H
#define _NET_QUIC_UDP_RX_H

#include <linux/skbuff.h>

#include "types.h"

struct quic_endpoint;
struct sock;

/**
 * struct quic_skb_cb - what is remembered with a received datagram
 * @iif:  device that it came by
 * @sdif: its port of an L3 master device, or 0
 * @ep:   endpoint that it came in by, with a reference while it is queued for
 *	  the request work
 * @err:  above 0 it stands for an ICMP error of that errno instead
 * @info: MTU, for EMSGSIZE
 * @since: jiffies from which on it waits for its ClientHello, see strays.h
 * @batch: it is a batch of datagrams of that size, the last of them perhaps
 *	  smaller, see udp_gro.h; 0 for a single one
 * @behind: it is of a batch, of which so many bytes follow
 * @ecn:  codepoint of its IP header (INET_ECN_*)
 */
struct quic_skb_cb {
	struct quic_endpoint *ep;
	int iif;
	int sdif;
	int err;
	u32 info;
	unsigned long since;
	u16 batch;
	u16 behind;
	u8 ecn;
};

#define QUIC_SKB_CB(skb)	((struct quic_skb_cb *)&(skb)->cb[0])

/* Device of the VRF that it came by, 0 if by none. */
static inline int quic_skb_l3_if(const struct sk_buff *skb)
{
	return QUIC_SKB_CB(skb)->sdif ? QUIC_SKB_CB(skb)->iif : 0;
}

static inline u8 quic_skb_ecn(const struct sk_buff *skb)
{
	return QUIC_SKB_CB(skb)->ecn;
}

void quic_skb_addrs(const struct sk_buff *skb, union quic_addr *local,
		    union quic_addr *peer);
void quic_udp_detach(struct sk_buff *skb);

int quic_udp_rcv(struct sock *usk, struct sk_buff *skb);
void quic_udp_rcv_datagram(struct quic_endpoint *ep, struct sk_buff *skb);
int quic_udp_err_lookup(struct sock *usk, struct sk_buff *skb);
void quic_udp_err(struct sock *usk, struct sk_buff *skb, int err, __be16 port,
		  u32 info, u8 *payload);
void quic_udp_backlog_err(struct sock *sk, struct sk_buff *skb);
void quic_udp_deliver(struct sock *sk, struct sk_buff *skb);
void quic_udp_deliver_here(struct sock *sk, struct sk_buff *skb);
u32 quic_udp_rcv_limit(const struct sock *sk);

#endif /* _NET_QUIC_UDP_RX_H */
