// SPDX-License-Identifier: GPL-2.0-only
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/random.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/udp.h>
#include <net/xfrm.h>

#include "addr.h"
#include "conn.h"
#include "drop.h"
#include "endpoint.h"
#include "header.h"
#include "input.h"
#include "listen.h"
#include "lookup.h"
#include "net_ns.h"
#include "steer.h"
#include "token.h"
#include "udp_gro.h"
#include "udp_rx.h"
#include "udp_tx.h"

/* RFC 9000, 10.3: at least 38 bits of nothing, and a token. */
#define QUIC_RESET_MIN		(5 + QUIC_RESET_TOKEN_LEN)
/* Longer ones than this tell no observer less. */
#define QUIC_RESET_MAX		42
#define QUIC_RESETS_PER_SECOND	200

static bool quic_skb_is_v6(const struct sk_buff *skb)
{
	return IS_ENABLED(CONFIG_IPV6) && ip_hdr(skb)->version == 6;
}

/**
 * quic_skb_addrs - between which addresses a datagram has travelled
 * @skb:   a datagram, see udp_rx.h
 * @local: result: our address and port
 * @peer:  result: the sender's
 */
void quic_skb_addrs(const struct sk_buff *skb, union quic_addr *local,
		    union quic_addr *peer)
{
	/* The link itself, not the VRF that it belongs to. */
	int link = QUIC_SKB_CB(skb)->sdif ? : QUIC_SKB_CB(skb)->iif;
	const struct udphdr *uh = udp_hdr(skb);
	const struct ipv6hdr *iph;

	memset(local, 0, sizeof(*local));
	memset(peer, 0, sizeof(*peer));
	quic_addr_set_port(local, uh->dest);
	quic_addr_set_port(peer, uh->source);
	if (!quic_skb_is_v6(skb)) {
		local->v4.sin_family = AF_INET;
		local->v4.sin_addr.s_addr = ip_hdr(skb)->daddr;
		peer->v4.sin_family = AF_INET;
		peer->v4.sin_addr.s_addr = ip_hdr(skb)->saddr;
		return;
	}
	iph = ipv6_hdr(skb);
	local->v6.sin6_family = AF_INET6;
	local->v6.sin6_addr = iph->daddr;
	local->v6.sin6_scope_id = ipv6_iface_scope_id(&iph->daddr, link);
	peer->v6.sin6_family = AF_INET6;
	peer->v6.sin6_addr = iph->saddr;
	peer->v6.sin6_scope_id = ipv6_iface_scope_id(&iph->saddr, link);
}

/* The IP layer's notes in skb->cb give way to ours. */
static void quic_udp_init_cb(struct sk_buff *skb)
{
	struct quic_skb_cb cb = {};

#if IS_ENABLED(CONFIG_IPV6)
	if (quic_skb_is_v6(skb)) {
		cb.iif = inet6_iif(skb);
		cb.sdif = inet6_sdif(skb);
		cb.ecn = ipv6_get_dsfield(ipv6_hdr(skb)) & INET_ECN_MASK;
		*QUIC_SKB_CB(skb) = cb;
		return;
	}
#endif
	cb.iif = inet_iif(skb);
	cb.sdif = inet_sdif(skb);
	cb.ecn = ip_hdr(skb)->tos & INET_ECN_MASK;
	*QUIC_SKB_CB(skb) = cb;
}

/**
 * quic_udp_detach - give up what the stack has attached to a datagram
 * @skb: the datagram, see udp_rx.h
 *
 * It is of no use, and may not be kept, once the datagram waits for somebody.
 */
void quic_udp_detach(struct sk_buff *skb)
{
	skb_orphan(skb);
	skb_dst_drop(skb);
	secpath_reset(skb);
	skb->dev = NULL;
}

/* An endpoint outlives its listener while connections use it. To clients who
 * come then, it is as for any UDP port that nobody listens on.
 */
static void quic_udp_unreachable(struct sk_buff *skb)
{
	struct inet6_skb_parm parm6 = {};
	struct inet_skb_parm parm4 = {};

	if (ip_hdr(skb)->version == 4)
		__icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0,
			    &parm4);
	else if (IS_ENABLED(CONFIG_IPV6))
		icmp6_send(skb, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, 0,
			   NULL, &parm6);
}

/* A connection bound to a device, perhaps a VRF, is not reached by others, which
 * may lead to somebody else with the same addresses.
 */
static bool quic_udp_hears(const struct sock *sk, const struct sk_buff *skb)
{
	return udp_sk_bound_dev_eq(sock_net(sk), READ_ONCE(sk->sk_bound_dev_if),
				   QUIC_SKB_CB(skb)->iif,
				   QUIC_SKB_CB(skb)->sdif);
}

/**
 * quic_udp_rcv_limit - what may wait in one of a connection's queues
 * @sk: the connection
 *
 * Return: bytes of true size. Data that is queued unread must not shut out ACKs.
 */
u32 quic_udp_rcv_limit(const struct sock *sk)
{
	return READ_ONCE(sk->sk_rcvbuf) + (READ_ONCE(sk->sk_sndbuf) >> 1);
}

/**
 * quic_udp_deliver_here - let a connection handle a datagram on this processor
 * @sk:	 the connection
 * @skb: the datagram, or a batch of them; consumed
 *
 * Context: softirqs off, no connection lock held, a reference to @sk.
 */
void quic_udp_deliver_here(struct sock *sk, struct sk_buff *skb)
{
	struct net *net = sock_net(sk);

	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk)) {
		QUIC_INC_STATS(net, PKT_RCV_FASTPATHS);
		quic_conn_rcv(sk, skb);
	} else if (sk_add_backlog(sk, skb, quic_udp_rcv_limit(sk))) {
		quic_drop_skb(net, sk, skb, QUIC_DROP_BACKLOG);
	} else {
		QUIC_INC_STATS(net, PKT_RCV_BACKLOGS);
	}
	bh_unlock_sock(sk);
}

/**
 * quic_udp_deliver - hand a datagram to its connection
 * @sk:	 the connection; the caller's reference is dropped
 * @skb: the datagram, see udp_rx.h, or a batch, see udp_gro.h; consumed
 *
 * Context: any but hard interrupt, with no connection lock held.
 */
void quic_udp_deliver(struct sock *sk, struct sk_buff *skb)
{
	if (!quic_udp_hears(sk, skb)) {
		quic_drop_skb(sock_net(sk), sk, skb, QUIC_DROP_NO_CONN);
		sock_put(sk);
		return;
	}
	local_bh_disable();
	if (!quic_steer_away(sk, skb)) {
		quic_udp_deliver_here(sk, skb);
		sock_put(sk);
	}
	local_bh_enable();
}

/* Services that answer anybody, and with more than they got: what seems to come
 * from there was forged in order to have us ask them (RFC 9000, 21.5, and
 * RFC 9308, 8.1). No client has such a port unless it is given one by chance.
 */
static bool quic_udp_from_reflector(const struct sk_buff *skb)
{
	union quic_addr local, peer;

	quic_skb_addrs(skb, &local, &peer);
	switch (ntohs(quic_addr_port(&peer))) {
	case 0:
	case 7:			/* echo */
	case 17:		/* quote of the day */
	case 19:		/* character generator */
	case 53:		/* DNS */
	case 69:		/* TFTP */
	case 111:		/* port mapper */
	case 123:		/* NTP */
	case 137 ... 138:	/* NetBIOS */
	case 161:		/* SNMP */
	case 389:		/* CLDAP */
	case 500:		/* IKE */
	case 1900:		/* SSDP */
	case 3702:		/* WS-Discovery */
	case 5353:		/* mDNS */
	case 11211:		/* memcached */
		return true;
	default:
		return false;
	}
}

/* A bucket of QUIC_RESETS_PER_SECOND, so that forged packets make us neither a
 * reflector nor an oracle (RFC 9000, 10.3.3 and 21.11).
 */
static bool quic_reset_allowed(struct quic_net *qn)
{
	unsigned long begin = READ_ONCE(qn->reset_period);

	if (time_after_eq(jiffies, begin + HZ) &&
	    cmpxchg(&qn->reset_period, begin, jiffies) == begin)
		atomic_set(&qn->reset_budget, QUIC_RESETS_PER_SECOND);
	return atomic_dec_if_positive(&qn->reset_budget) >= 0;
}

/* RFC 9000, 10.3: to a packet of a connection that we know nothing of. Shorter
 * than what it answers, so that two such ends do not answer for ever.
 */
static void quic_udp_send_reset(struct quic_endpoint *ep,
				const struct sk_buff *skb)
{
	struct quic_net *qn = quic_net(ep->net);
	struct quic_cid cid = { .len = QUIC_CID_LEN };
	u8 buf[QUIC_RESET_MAX];
	u32 len;

	if (skb->len <= QUIC_RESET_MIN || quic_udp_from_reflector(skb) ||
	    !quic_reset_allowed(qn))
		return;
	len = min_t(u32, skb->len - 1, sizeof(buf));
	memcpy(cid.data, skb->data + 1, QUIC_CID_LEN);
	get_random_bytes(buf, len - QUIC_RESET_TOKEN_LEN);
	buf[0] = (buf[0] & ~QUIC_HDR_LONG) | QUIC_HDR_FIXED;
	quic_token_reset(&qn->reset_key, &cid,
			 buf + len - QUIC_RESET_TOKEN_LEN);
	if (!quic_udp_answer(ep, skb, buf, len))
		QUIC_INC_STATS(ep->net, OUT_RESETS);
}

/* RFC 9000, 6.1 and 17.2.1: the versions that we speak, for a client that has
 * tried another one, if its datagram was as large as an Initial must be.
 */
static void quic_udp_send_version_neg(struct quic_endpoint *ep,
				      const struct sk_buff *skb,
				      const struct quic_header *hdr)
{
	u32 versions[] = { quic_version_reserved(get_random_u32()),
			   QUIC_VERSION_V1, QUIC_VERSION_V2 };
	u8 buf[1 + 4 + 2 * (1 + QUIC_CID_MAX_INVARIANT) + sizeof(versions)];
	u8 *end;

	/* A client does not believe that it was refused what is offered. */
	if (versions[0] == hdr->version)
		versions[0] ^= 0x10101010;
	end = quic_header_put_version_neg(buf, hdr->scid_ptr, hdr->scid_len,
					  hdr->dcid_ptr, hdr->dcid_len,
					  versions, ARRAY_SIZE(versions),
					  get_random_u8());
	if (!quic_udp_answer(ep, skb, buf, end - buf))
		QUIC_INC_STATS(ep->net, OUT_VERSION_NEGS);
}

static bool quic_udp_has_listener(struct quic_endpoint *ep,
				  const struct sk_buff *skb)
{
	union quic_addr local, peer;

	quic_skb_addrs(skb, &local, &peer);
	return quic_listen_exists(ep->net, &local, QUIC_SKB_CB(skb)->iif,
				  QUIC_SKB_CB(skb)->sdif);
}

/* A packet with a long header that belongs to no connection. */
static void quic_udp_rcv_first(struct quic_endpoint *ep, struct sk_buff *skb,
			       const struct quic_header *hdr)
{
	enum quic_drop_reason why = QUIC_DROP_NOT_FIRST;

	/* RFC 9000, 14.1, of Initial packets; and 6.1 of any version's. */
	if (!hdr->version || (skb->len < QUIC_MIN_UDP_PAYLOAD &&
			      hdr->type != QUIC_PKT_0RTT))
		goto drop;
	if (quic_udp_from_reflector(skb))
		goto drop;
	if (!quic_udp_has_listener(ep, skb)) {
		quic_udp_unreachable(skb);
		why = QUIC_DROP_NO_LISTENER;
		goto drop;
	}
	if (!quic_version_known(hdr->version)) {
		quic_udp_send_version_neg(ep, skb, hdr);
		consume_skb(skb);
		return;
	}
	if (hdr->type != QUIC_PKT_INITIAL && hdr->type != QUIC_PKT_0RTT)
		goto drop;
	/* RFC 9000, 7.2: keys come from it, so it has to be hard to guess. */
	if (hdr->dcid.len < QUIC_CID_MIN_INITIAL)
		goto drop;
	quic_udp_detach(skb);
	quic_request_rcv(ep, skb);
	return;
drop:
	quic_drop_skb(ep->net, NULL, skb, why);
}

static void quic_udp_rcv_long(struct quic_endpoint *ep, struct sk_buff *skb)
{
	union quic_addr local, peer;
	struct sock *sk = NULL;
	struct quic_header hdr;

	if (quic_header_parse(skb->data, skb->len, QUIC_CID_LEN, &hdr)) {
		quic_drop_skb(ep->net, NULL, skb, QUIC_DROP_HEADER);
		return;
	}
	if (hdr.dcid_len == QUIC_CID_LEN)
		sk = quic_lookup_cid(ep->net, hdr.dcid_ptr);
	if (!sk && quic_version_known(hdr.version)) {
		quic_skb_addrs(skb, &local, &peer);
		sk = quic_lookup_odcid(ep->net, &hdr.dcid, &peer);
	}
	if (sk) {
		quic_udp_detach(skb);
		quic_udp_deliver(sk, skb);
	} else {
		quic_udp_rcv_first(ep, skb, &hdr);
	}
}

static void quic_udp_rcv_short(struct quic_endpoint *ep, struct sk_buff *skb)
{
	struct sock *sk = NULL;

	if (skb->len > QUIC_CID_LEN)
		sk = quic_lookup_cid(ep->net, skb->data + 1);
	/* The last bytes may be the token of a stateless reset. */
	if (!sk && skb->len >= QUIC_RESET_MIN)
		sk = quic_lookup_reset(ep->net, skb_tail_pointer(skb) -
					       QUIC_RESET_TOKEN_LEN);
	if (sk) {
		quic_udp_detach(skb);
		quic_udp_deliver(sk, skb);
		return;
	}
	quic_udp_send_reset(ep, skb);
	quic_drop_skb(ep->net, NULL, skb, QUIC_DROP_NO_CONN);
}

/**
 * quic_udp_rcv_datagram - find out whom a datagram is for, and hand it over
 * @ep:	 endpoint that it came in by
 * @skb: the datagram, see udp_rx.h, its route attached; consumed
 *
 * Context: softirq, RCU read side.
 */
void quic_udp_rcv_datagram(struct quic_endpoint *ep, struct sk_buff *skb)
{
	if (!skb->len)
		quic_drop_skb(ep->net, NULL, skb, QUIC_DROP_HEADER);
	else if (skb->data[0] & QUIC_HDR_LONG)
		quic_udp_rcv_long(ep, skb);
	else
		quic_udp_rcv_short(ep, skb);
}

/**
 * quic_udp_rcv - encap_rcv hook of an endpoint's UDP socket
 * @usk: the UDP socket
 * @skb: a datagram or a batch with its UDP header, checksum verified
 *
 * Not all that the stack means to cut is a batch: SKB_GSO_UDP, which a virtual
 * machine may send, is one datagram in fragments to come.
 *
 * Context: softirq, RCU read side. Return: 0, the datagram is consumed.
 */
int quic_udp_rcv(struct sock *usk, struct sk_buff *skb)
{
	struct quic_endpoint *ep = rcu_dereference_sk_user_data(usk);
	bool batch;

	if (!ep || skb->pkt_type != PACKET_HOST) {
		quic_drop_skb(sock_net(usk), NULL, skb, QUIC_DROP_NO_CONN);
		return 0;
	}
	batch = skb_is_gso(skb) &&
		skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4;
	/* Decryption is in place: the bytes have to be linear and our own. */
	if (!batch && skb_linearize_cow(skb)) {
		quic_drop_skb(ep->net, NULL, skb, QUIC_DROP_NOMEM);
		return 0;
	}
	quic_udp_init_cb(skb);
	__skb_pull(skb, sizeof(struct udphdr));
	if (batch) {
		QUIC_SKB_CB(skb)->batch = skb_shinfo(skb)->gso_size;
		quic_udp_rcv_batch(ep, skb);
	} else {
		quic_udp_rcv_datagram(ep, skb);
	}
	return 0;
}

/* ICMP */

/**
 * struct quic_udp_quote - a datagram of ours, as an ICMP error quotes it
 * @skb:  the ICMP error
 * @data: beginning of the datagram's UDP payload
 * @len:  bytes of it that were quoted
 * @err:  errno that the ICMP error stands for, 0 to only ask
 * @info: MTU, for EMSGSIZE
 */
struct quic_udp_quote {
	struct sk_buff *skb;
	const u8 *data;
	u32 len;
	int err;
	u32 info;
};

/* Errors mostly come while the process that has caused them is still sending. */
static void quic_udp_err_defer(struct sock *sk,
			       const struct quic_udp_quote *quote)
{
	struct sk_buff *skb = alloc_skb(0, GFP_ATOMIC);

	if (!skb)
		return;
	*QUIC_SKB_CB(skb) = (struct quic_skb_cb) {
		.err = quote->err, .info = quote->info,
	};
	if (sk_add_backlog(sk, skb, READ_ONCE(sk->sk_rcvbuf)))
		kfree_skb(skb);
}

/* Who owns the socket is of no importance to whether it is meant: the UDP layer
 * acts upon the answer at once.
 */
static bool quic_udp_err_one(struct sock *sk, void *arg)
{
	struct quic_udp_quote *quote = arg;

	if (!quic_cid_quoted(quic_conn(sk), quote->data, quote->len))
		return false;
	if (!quote->err)
		return true;
	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		quic_udp_err_defer(sk, quote);
	else
		quic_conn_icmp(sk, quote->err, quote->info);
	bh_unlock_sock(sk);
	return true;
}

/**
 * quic_udp_backlog_err - an ICMP error has waited for the socket lock
 * @sk:  the connection that it quotes
 * @skb: stands for the error, see struct quic_skb_cb; consumed
 *
 * Context: connection lock held.
 */
void quic_udp_backlog_err(struct sock *sk, struct sk_buff *skb)
{
	quic_conn_icmp(sk, QUIC_SKB_CB(skb)->err, QUIC_SKB_CB(skb)->info);
	consume_skb(skb);
}

/* The error quotes a datagram of ours, with its IP header at skb->data and its
 * UDP header at @uh.
 */
static bool quic_udp_err_find(struct sock *usk, const struct udphdr *uh,
			      struct quic_udp_quote *quote)
{
	const struct sk_buff *skb = quote->skb;
	union quic_addr peer = {};

	quote->data = (const u8 *)(uh + 1);
	if (quote->data > skb_tail_pointer(skb))
		return false;
	quote->len = skb_tail_pointer(skb) - quote->data;

	quic_addr_set_port(&peer, uh->dest);
	if (skb->data[0] >> 4 == 4) {
		peer.v4.sin_family = AF_INET;
		peer.v4.sin_addr.s_addr = ((const struct iphdr *)skb->data)->daddr;
	} else {
		peer.v6.sin6_family = AF_INET6;
		peer.v6.sin6_addr = ((const struct ipv6hdr *)skb->data)->daddr;
	}
	return quic_lookup_each_sock(sock_net(usk), uh->source, &peer,
				     quic_udp_err_one, quote);
}

/**
 * quic_udp_err_lookup - encap_err_lookup hook: is an ICMP error about us
 * @usk: UDP socket of an endpoint
 * @skb: the ICMP error; its headers are those of the quoted datagram
 *
 * Return: 0 if it quotes a packet of a connection.
 */
int quic_udp_err_lookup(struct sock *usk, struct sk_buff *skb)
{
	struct quic_udp_quote quote = { .skb = skb };

	return quic_udp_err_find(usk, udp_hdr(skb), &quote) ? 0 : -ENOENT;
}

/**
 * quic_udp_err - encap_err_rcv hook: tell the connection of an ICMP error
 * @usk:     UDP socket of an endpoint
 * @skb:     the ICMP error
 * @err:     errno that it stands for, positive
 * @port:    remote port
 * @info:    MTU, for EMSGSIZE
 * @payload: behind the UDP header of the quoted datagram
 */
void quic_udp_err(struct sock *usk, struct sk_buff *skb, int err, __be16 port,
		  u32 info, u8 *payload)
{
	struct quic_udp_quote quote = { .skb = skb, .err = err, .info = info };

	quic_udp_err_find(usk, (struct udphdr *)payload - 1, &quote);
}
