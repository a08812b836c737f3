// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "drop.h"
#include "endpoint.h"
#include "header.h"
#include "lookup.h"
#include "udp_gro.h"
#include "udp_rx.h"

/**
 * struct quic_udp_run - neighbours in a batch that are for one connection
 * @sk:	   the connection, with a reference; NULL if there is no run
 * @first: the first datagram, which holds the others
 * @last:  the last one
 * @cid:   connection ID that all of them carry
 */
struct quic_udp_run {
	struct sock *sk;
	struct sk_buff *first;
	struct sk_buff *last;
	u8 cid[QUIC_CID_LEN];
};

/* A datagram of a batch, with headers as if it had come alone. */
static struct sk_buff *quic_udp_extract(const struct sk_buff *skb, u32 off,
					u32 len)
{
	u32 headers = skb->data - skb_network_header(skb);
	struct sk_buff *one;

	one = alloc_skb(headers + len, GFP_ATOMIC);
	if (!one)
		return NULL;
	skb_reset_network_header(one);
	skb_set_transport_header(one, headers - sizeof(struct udphdr));
	skb_put_data(one, skb_network_header(skb), headers);
	if (skb_copy_bits(skb, off, skb_put(one, len), len)) {
		kfree_skb(one);
		return NULL;
	}
	if (ip_hdr(one)->version == 4)
		ip_hdr(one)->tot_len = htons(one->len);
	else
		ipv6_hdr(one)->payload_len =
			htons(one->len - sizeof(struct ipv6hdr));
	__skb_pull(one, headers);
	udp_hdr(one)->len = htons(len + sizeof(struct udphdr));
	one->protocol = skb->protocol;
	*QUIC_SKB_CB(one) = *QUIC_SKB_CB(skb);
	return one;
}

static void quic_udp_run_add(struct quic_udp_run *run, struct sk_buff *one)
{
	if (run->first == run->last)
		skb_shinfo(run->first)->frag_list = one;
	else
		run->last->next = one;
	run->last = one;
	run->first->truesize += one->truesize;
}

static void quic_udp_run_end(struct quic_udp_run *run)
{
	if (run->sk)
		quic_udp_deliver(run->sk, run->first);
	run->sk = NULL;
}

static bool quic_udp_is_short(const struct sk_buff *skb)
{
	return skb->len > QUIC_CID_LEN && !(skb->data[0] & QUIC_HDR_LONG);
}

/* Whether the datagram is part of a run, if need be of a new one. */
static bool quic_udp_run_take(struct quic_endpoint *ep,
			      struct quic_udp_run *run, struct sk_buff *one)
{
	if (run->sk && quic_udp_is_short(one) &&
	    !memcmp(run->cid, one->data + 1, QUIC_CID_LEN)) {
		quic_udp_run_add(run, one);
		return true;
	}
	quic_udp_run_end(run);
	if (!quic_udp_is_short(one))
		return false;
	run->sk = quic_lookup_cid(ep->net, one->data + 1);
	if (!run->sk)
		return false;
	run->first = one;
	run->last = one;
	memcpy(run->cid, one->data + 1, QUIC_CID_LEN);
	return true;
}

/**
 * quic_udp_rcv_batch - handle an skb with several datagrams
 * @ep:	 endpoint that they came in by
 * @skb: the datagrams, skb->data at the first one, struct quic_skb_cb filled in;
 *	 consumed
 *
 * Context: softirq, RCU read side.
 */
void quic_udp_rcv_batch(struct quic_endpoint *ep, struct sk_buff *skb)
{
	u32 size = skb_shinfo(skb)->gso_size;
	struct quic_udp_run run = {};
	struct sk_buff *one;
	u32 off, len;

	for (off = 0; off < skb->len; off += len) {
		len = min(size, skb->len - off);
		one = quic_udp_extract(skb, off, len);
		if (!one) {
			quic_drop_count(ep->net, NULL, QUIC_DROP_NOMEM);
			continue;
		}
		if (quic_udp_run_take(ep, &run, one))
			continue;
		/* An answer to it may need its route. */
		one->dev = skb->dev;
		skb_dst_copy(one, skb);
		quic_udp_rcv_datagram(ep, one);
	}
	quic_udp_run_end(&run);
	consume_skb(skb);
}

/**
 * quic_udp_run_split - separate the first datagram of a run from the others
 * @skb: what quic_udp_deliver() was given; becomes the first datagram alone
 *
 * Return: the others, linked by skb->next, or NULL.
 */
struct sk_buff *quic_udp_run_split(struct sk_buff *skb)
{
	struct sk_buff *rest = skb_shinfo(skb)->frag_list;
	struct sk_buff *one;

	skb_shinfo(skb)->frag_list = NULL;
	for (one = rest; one; one = one->next)
		skb->truesize -= one->truesize;
	return rest;
}
