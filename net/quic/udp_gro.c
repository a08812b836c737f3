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

/* An skb for the datagrams of a batch, with headers as if they came alone. */
static struct sk_buff *quic_udp_alloc_one(const struct sk_buff *skb)
{
	u32 headers = skb->data - skb_network_header(skb);
	struct sk_buff *one;

	one = alloc_skb(headers + QUIC_SKB_CB(skb)->batch, GFP_ATOMIC);
	if (!one)
		return NULL;
	skb_reset_network_header(one);
	skb_set_transport_header(one, headers - sizeof(struct udphdr));
	skb_put_data(one, skb_network_header(skb), headers);
	__skb_pull(one, headers);
	one->protocol = skb->protocol;
	*QUIC_SKB_CB(one) = *QUIC_SKB_CB(skb);
	QUIC_SKB_CB(one)->batch = 0;
	return one;
}

static void quic_udp_set_lengths(struct sk_buff *one)
{
	u16 len = sizeof(struct udphdr) + one->len;

	udp_hdr(one)->len = htons(len);
	if (ip_hdr(one)->version == 4)
		ip_hdr(one)->tot_len = htons(skb_network_header_len(one) + len);
	else
		ipv6_hdr(one)->payload_len =
			htons(skb_network_header_len(one) + len -
			      sizeof(struct ipv6hdr));
}

/**
 * quic_udp_batch_next - copy the next datagram out of a batch
 * @skb:  the batch
 * @off:  where the datagram begins; moved behind it
 * @last: what this has returned for the batch before, if nobody else has a
 *	  reference to it or to its data, or NULL
 *
 * It is copied where it is used, so that the processor has it at hand when it
 * decrypts it.
 *
 * Return: the datagram, see udp_rx.h, or NULL without memory.
 */
struct sk_buff *quic_udp_batch_next(const struct sk_buff *skb, u32 *off,
				    struct sk_buff *last)
{
	u32 begin = *off, len;
	struct sk_buff *one;

	*off = min(begin + QUIC_SKB_CB(skb)->batch, skb->len);
	len = *off - begin;
	one = last ?: quic_udp_alloc_one(skb);
	if (!one)
		return NULL;
	__skb_trim(one, 0);
	if (skb_copy_bits(skb, begin, __skb_put(one, len), len)) {
		kfree_skb(one);
		return NULL;
	}
	quic_udp_set_lengths(one);
	QUIC_SKB_CB(one)->behind = skb->len - *off;
	return one;
}

/* Whether one connection ID leads all datagrams of a batch, as it does but for
 * those of the handshake, and where the sender has just changed IDs.
 */
static bool quic_udp_batch_cid(const struct sk_buff *skb, u8 *cid)
{
	u8 buf[1 + QUIC_CID_LEN];
	const u8 *head;
	u32 off;

	for (off = 0; off < skb->len; off += QUIC_SKB_CB(skb)->batch) {
		head = skb_header_pointer(skb, off, sizeof(buf), buf);
		if (!head || head[0] & QUIC_HDR_LONG)
			return false;
		if (!off)
			memcpy(cid, head + 1, QUIC_CID_LEN);
		else if (memcmp(cid, head + 1, QUIC_CID_LEN))
			return false;
	}
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
	struct sock *sk = NULL;
	u8 cid[QUIC_CID_LEN];
	struct sk_buff *one;
	u32 off = 0;

	if (quic_udp_batch_cid(skb, cid))
		sk = quic_lookup_cid(ep->net, cid);
	if (sk) {
		quic_udp_detach(skb);
		quic_udp_deliver(sk, skb);
		return;
	}
	while (off < skb->len) {
		one = quic_udp_batch_next(skb, &off, NULL);
		if (!one) {
			quic_drop_count(ep->net, NULL, QUIC_DROP_NOMEM);
			continue;
		}
		/* An answer to it may need its route. */
		one->dev = skb->dev;
		skb_dst_copy(one, skb);
		quic_udp_rcv_datagram(ep, one);
	}
	consume_skb(skb);
}
