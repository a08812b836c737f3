// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/udp.h>
#include <net/xfrm.h>

#include "addr.h"
#include "conn.h"
#include "endpoint.h"
#include "net_ns.h"
#include "udp_rx.h"
#include "udp_tx.h"

/* Datagrams in one skb. UDP GSO allows more, the IP length field does not. */
#define QUIC_BATCH_MAX		64

/* Room in front of the first datagram: link layer, IP, UDP. */
#define QUIC_UDP_HEADROOM	(MAX_HEADER + sizeof(struct ipv6hdr) + \
				 sizeof(struct udphdr))

/* Payload of a batch, so that the IP datagram stays below 64 KiB. */
#define QUIC_BATCH_BYTES	(IP_MAX_MTU - sizeof(struct ipv6hdr) - \
				 sizeof(struct udphdr))

/**
 * struct quic_udp_flow - headers of a datagram
 * @sk:	   socket that sends
 * @local: our address
 * @peer:  the peer's address
 * @oif:   device that it has to leave by, perhaps a VRF, or 0
 * @tos:   DSCP and ECN
 * @df:	   must not be fragmented (IPv4)
 */
struct quic_udp_flow {
	struct sock *sk;
	const union quic_addr *local;
	const union quic_addr *peer;
	int oif;
	u8 tos;
	bool df;
};

static bool quic_udp_is_v6(const union quic_addr *addr)
{
	return IS_ENABLED(CONFIG_IPV6) && addr->sa.sa_family == AF_INET6;
}

static u32 quic_udp_overhead(const union quic_addr *peer)
{
	return sizeof(struct udphdr) + (quic_udp_is_v6(peer) ?
					sizeof(struct ipv6hdr) :
					sizeof(struct iphdr));
}

/* Routes */

static struct dst_entry *quic_udp_route4(const struct quic_udp_flow *flow,
					 struct flowi4 *fl4)
{
	const struct sockaddr_in *local = &flow->local->v4;
	const struct sockaddr_in *peer = &flow->peer->v4;
	struct sock *sk = flow->sk;
	struct rtable *rt;

	flowi4_init_output(fl4, flow->oif, READ_ONCE(sk->sk_mark),
			   ip_sock_rt_tos(sk), ip_sock_rt_scope(sk),
			   IPPROTO_UDP, inet_sk_flowi_flags(sk),
			   peer->sin_addr.s_addr, local->sin_addr.s_addr,
			   peer->sin_port, local->sin_port, sk_uid(sk));
	security_sk_classify_flow(sk, flowi4_to_flowi_common(fl4));
	rt = ip_route_output_flow(sock_net(sk), fl4, sk);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	/* SO_BROADCAST has no meaning for a transport with acknowledgments. */
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
		ip_rt_put(rt);
		return ERR_PTR(-EACCES);
	}
	return &rt->dst;
}

#if IS_ENABLED(CONFIG_IPV6)
static void quic_udp_init_fl6(const struct quic_udp_flow *flow,
			      struct flowi6 *fl6)
{
	const struct sockaddr_in6 *local = &flow->local->v6;
	const struct sockaddr_in6 *peer = &flow->peer->v6;
	struct sock *sk = flow->sk;
	struct ipv6_pinfo *np = inet6_sk(sk);

	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_proto = IPPROTO_UDP;
	/* A link is more exact than the VRF that it belongs to. */
	fl6->flowi6_oif = peer->sin6_scope_id ? : flow->oif;
	fl6->flowi6_mark = READ_ONCE(sk->sk_mark);
	fl6->flowi6_uid = sk_uid(sk);
	fl6->daddr = peer->sin6_addr;
	fl6->saddr = local->sin6_addr;
	fl6->fl6_dport = peer->sin6_port;
	fl6->fl6_sport = local->sin6_port;
	if (np)
		fl6->flowlabel = ip6_make_flowinfo(READ_ONCE(np->tclass),
						   np->flow_label);
}

static struct dst_entry *quic_udp_route6(const struct quic_udp_flow *flow,
					 struct flowi6 *fl6)
{
	struct sock *sk = flow->sk;

	quic_udp_init_fl6(flow, fl6);
	security_sk_classify_flow(sk, flowi6_to_flowi_common(fl6));
	return ip6_dst_lookup_flow(sock_net(sk), sk, fl6, NULL);
}
#endif

static struct dst_entry *quic_udp_lookup(const struct quic_udp_flow *flow)
{
	struct flowi fl;

#if IS_ENABLED(CONFIG_IPV6)
	if (quic_udp_is_v6(flow->peer))
		return quic_udp_route6(flow, &fl.u.ip6);
#endif
	return quic_udp_route4(flow, &fl.u.ip4);
}

static u32 quic_udp_dst_cookie(const struct quic_path *path,
			       struct dst_entry *dst)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (quic_udp_is_v6(&path->peer))
		return rt6_get_cookie(dst_rt6_info(dst));
#endif
	return 0;
}

/**
 * quic_udp_route_reset - forget the route of a path
 * @path: the path
 *
 * Context: connection lock held.
 */
void quic_udp_route_reset(struct quic_path *path)
{
	dst_release(path->dst);
	path->dst = NULL;
}

/**
 * quic_udp_route - the route of a path, looked up again when it has changed
 * @conn: the connection
 * @path: one of its paths
 *
 * sk_dst_cache tells whether a socket option (mark, DSCP, device ...) has made
 * routes obsolete since: setting one resets it.
 *
 * Context: connection lock held. Return: the route, valid until the lock is
 * released, or an ERR_PTR.
 */
struct dst_entry *quic_udp_route(struct quic_conn *conn, struct quic_path *path)
{
	struct sock *sk = quic_conn_sk(conn);
	struct quic_udp_flow flow = {
		.sk	= sk,
		.local	= &path->local,
		.peer	= &path->peer,
		.oif	= sk->sk_bound_dev_if,
	};
	struct dst_entry *dst = path->dst;

	if (dst && rcu_access_pointer(sk->sk_dst_cache) &&
	    (!READ_ONCE(dst->obsolete) || dst_check(dst, path->dst_cookie)))
		return dst;

	quic_udp_route_reset(path);
	dst = quic_udp_lookup(&flow);
	if (IS_ERR(dst))
		return dst;
	path->dst = dst;
	path->dst_cookie = quic_udp_dst_cookie(path, dst);
	sk_dst_set(sk, dst_clone(dst));
	return dst;
}

/**
 * quic_udp_local_addr - which address of ours reaches a peer
 * @sk:	   socket with the options that routing looks at
 * @peer:  the peer's address
 * @local: in: our address, perhaps the wildcard; out: the address to use
 *
 * Context: process or softirq. Return: 0, or the errno of routing.
 */
int quic_udp_local_addr(struct sock *sk, const union quic_addr *peer,
			union quic_addr *local)
{
	const struct quic_udp_flow flow = {
		.sk	= sk,
		.local	= local,
		.peer	= peer,
		.oif	= sk->sk_bound_dev_if,
	};
	struct dst_entry *dst;
	struct flowi fl;

#if IS_ENABLED(CONFIG_IPV6)
	if (quic_udp_is_v6(peer)) {
		dst = quic_udp_route6(&flow, &fl.u.ip6);
		if (IS_ERR(dst))
			return PTR_ERR(dst);
		local->v6.sin6_addr = fl.u.ip6.saddr;
		if (ipv6_addr_type(&fl.u.ip6.saddr) & IPV6_ADDR_LINKLOCAL)
			local->v6.sin6_scope_id = dst_dev(dst)->ifindex;
		dst_release(dst);
		return 0;
	}
#endif
	dst = quic_udp_route4(&flow, &fl.u.ip4);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	local->v4.sin_addr.s_addr = fl.u.ip4.saddr;
	dst_release(dst);
	return 0;
}

static bool quic_udp_use_pmtu(const struct sock *sk,
			      const union quic_addr *peer)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (quic_udp_is_v6(peer))
		return READ_ONCE(inet6_sk(sk)->pmtudisc) < IPV6_PMTUDISC_PROBE;
#endif
	return ip_sk_use_pmtu(sk);
}

/**
 * quic_udp_mtu - the largest UDP payload that the route of a path carries
 * @conn: the connection
 * @path: one of its paths
 *
 * What the route has learnt from ICMP counts, unless IP(V6)_MTU_DISCOVER says
 * that it should not.
 *
 * Context: connection lock held. Return: bytes, QUIC_MIN_UDP_PAYLOAD at least.
 */
u32 quic_udp_mtu(struct quic_conn *conn, struct quic_path *path)
{
	struct dst_entry *dst = quic_udp_route(conn, path);
	u32 overhead = quic_udp_overhead(&path->peer);
	u32 mtu;

	if (IS_ERR(dst))
		return QUIC_MIN_UDP_PAYLOAD;
	mtu = quic_udp_use_pmtu(quic_conn_sk(conn), &path->peer) ?
		dst_mtu(dst) : READ_ONCE(dst_dev(dst)->mtu);
	if (mtu < QUIC_MIN_UDP_PAYLOAD + overhead)
		return QUIC_MIN_UDP_PAYLOAD;
	return min_t(u32, mtu - overhead, QUIC_UDP_MAX_PAYLOAD);
}

/* Headers */

static void quic_udp_put_udp(struct sk_buff *skb,
			     const struct quic_udp_flow *flow)
{
	struct udphdr *uh;
	u32 len;

	uh = __skb_push(skb, sizeof(*uh));
	skb_reset_transport_header(skb);
	len = skb->len;
	uh->source = quic_addr_port(flow->local);
	uh->dest = quic_addr_port(flow->peer);
	udp_set_len_short(uh, len);

	/* The pseudo header is summed here, the rest by the device or, at the
	 * latest, in front of it; with GSO per datagram.
	 */
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct udphdr, check);
	if (quic_udp_is_v6(flow->peer))
		uh->check = ~udp_v6_check(len, &flow->local->v6.sin6_addr,
					  &flow->peer->v6.sin6_addr, 0);
	else
		uh->check = ~udp_v4_check(len, flow->local->v4.sin_addr.s_addr,
					  flow->peer->v4.sin_addr.s_addr, 0);
}

static int quic_udp_out4(struct sk_buff *skb, const struct quic_udp_flow *flow)
{
	struct sock *sk = flow->sk;
	int ttl = READ_ONCE(inet_sk(sk)->uc_ttl);
	struct net *net = sock_net(sk);
	struct iphdr *iph;

	if (ttl < 0)
		ttl = ip4_dst_hoplimit(skb_dst(skb));

	iph = __skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	iph->version = 4;
	iph->ihl = sizeof(*iph) >> 2;
	iph->tos = flow->tos;
	iph->frag_off = flow->df ? htons(IP_DF) : 0;
	iph->ttl = ttl;
	iph->protocol = IPPROTO_UDP;
	iph->saddr = flow->local->v4.sin_addr.s_addr;
	iph->daddr = flow->peer->v4.sin_addr.s_addr;
	ip_select_ident_segs(net, skb, sk, skb_shinfo(skb)->gso_segs ? : 1);
	return ip_local_out(net, sk, skb);
}

#if IS_ENABLED(CONFIG_IPV6)
static int quic_udp_out6(struct sk_buff *skb, const struct quic_udp_flow *flow)
{
	struct sock *sk = flow->sk;
	struct ipv6_pinfo *np = inet6_sk(sk);
	struct net *net = sock_net(sk);
	struct ipv6hdr *iph;
	struct flowi6 fl6;
	int hop_limit = -1;

	quic_udp_init_fl6(flow, &fl6);
	if (np)
		hop_limit = READ_ONCE(np->hop_limit);
	if (hop_limit < 0)
		hop_limit = ip6_dst_hoplimit(skb_dst(skb));

	iph = __skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	ip6_flow_hdr(iph, flow->tos,
		     ip6_make_flowlabel(net, skb, fl6.flowlabel,
					ip6_autoflowlabel(net, sk), &fl6));
	iph->nexthdr = IPPROTO_UDP;
	iph->hop_limit = hop_limit;
	iph->saddr = flow->local->v6.sin6_addr;
	iph->daddr = flow->peer->v6.sin6_addr;
	skb->protocol = htons(ETH_P_IPV6);
	return ip6_local_out(net, sk, skb);
}
#endif

/* Consumes @skb, which carries its route. */
static int quic_udp_out(struct sk_buff *skb, const struct quic_udp_flow *flow)
{
	int err;

	skb->priority = READ_ONCE(flow->sk->sk_priority);
	skb->mark = READ_ONCE(flow->sk->sk_mark);
	quic_udp_put_udp(skb, flow);
#if IS_ENABLED(CONFIG_IPV6)
	if (quic_udp_is_v6(flow->peer))
		err = quic_udp_out6(skb, flow);
	else
#endif
		err = quic_udp_out4(skb, flow);
	/* A full queue has lost the packet, as any router might have. */
	return err > 0 ? net_xmit_errno(err) : err;
}

/* A route that claims to carry less than any QUIC path has to, which a forged
 * ICMP error can bring about, must not silence us (RFC 9000, 14.2.1): then
 * fragments are let through.
 */
static bool quic_udp_df(const struct sock *sk, const struct dst_entry *dst,
			const union quic_addr *peer)
{
	return READ_ONCE(inet_sk(sk)->pmtudisc) != IP_PMTUDISC_DONT &&
	       dst_mtu(dst) >= QUIC_MIN_UDP_PAYLOAD + quic_udp_overhead(peer);
}

static u8 quic_udp_tos(const struct sock *sk, const union quic_addr *peer,
		       u8 ecn)
{
	u8 tos = READ_ONCE(inet_sk(sk)->tos);

#if IS_ENABLED(CONFIG_IPV6)
	if (quic_udp_is_v6(peer) && inet6_sk(sk))
		tos = READ_ONCE(inet6_sk(sk)->tclass);
#endif
	return (tos & ~INET_ECN_MASK) | ecn;
}

/**
 * quic_udp_xmit - send one skb with one datagram or a batch
 * @conn:     the connection
 * @path:     path that it leaves by
 * @skb:      payload only, with headroom for all headers; consumed
 * @gso_size: size of the datagrams of a batch, 0 for a single one
 * @ecn:      INET_ECN_* codepoint
 *
 * The skb is charged to the socket until the device is done with it, so that
 * queueing disciplines see who sends, and the socket's memory stays until then.
 *
 * Context: connection lock held. Return: 0 or a negative errno; -EMSGSIZE says
 * that quic_udp_mtu() has changed.
 */
int quic_udp_xmit(struct quic_conn *conn, struct quic_path *path,
		  struct sk_buff *skb, u16 gso_size, u8 ecn)
{
	struct sock *sk = quic_conn_sk(conn);
	struct quic_udp_flow flow = {
		.sk	= sk,
		.local	= &path->local,
		.peer	= &path->peer,
		.oif	= sk->sk_bound_dev_if,
		.tos	= quic_udp_tos(sk, &path->peer, ecn),
	};
	struct dst_entry *dst;
	int err;

	dst = quic_udp_route(conn, path);
	if (IS_ERR(dst)) {
		kfree_skb(skb);
		QUIC_INC_STATS(sock_net(sk), PKT_ENC_DROP);
		return PTR_ERR(dst);
	}
	if (gso_size) {
		skb_shinfo(skb)->gso_size = gso_size;
		skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(skb->len, gso_size);
	}
	flow.df = quic_udp_df(sk, dst, &path->peer);
	skb_dst_set(skb, dst_clone(dst));
	skb_set_owner_w(skb, sk);
	skb_set_hash_from_sk(skb, sk);
	QUIC_INC_STATS(sock_net(sk), OUT_BATCHES);
	err = quic_udp_out(skb, &flow);
	if (err)
		QUIC_INC_STATS(sock_net(sk), PKT_ENC_DROP);
	return err;
}

/**
 * quic_udp_answer - answer a datagram that belongs to no connection
 * @ep:   endpoint that it came in by, and whose UDP socket sends
 * @to:   the datagram, see udp_rx.h
 * @data: payload of the answer
 * @len:  its length, at most QUIC_MIN_UDP_PAYLOAD
 *
 * Context: any but hard interrupt. Return: 0 or a negative errno.
 */
int quic_udp_answer(struct quic_endpoint *ep, const struct sk_buff *to,
		    const void *data, u32 len)
{
	union quic_addr local, peer;
	struct quic_udp_flow flow = {
		.sk	= ep->sock->sk,
		.local	= &local,
		.peer	= &peer,
		.oif	= ep->bound_if ? : quic_skb_l3_if(to),
		.df	= true,
	};
	struct dst_entry *dst;
	struct sk_buff *skb;

	skb = alloc_skb(QUIC_UDP_HEADROOM + len, GFP_ATOMIC);
	if (!skb)
		return -ENOMEM;
	skb_reserve(skb, QUIC_UDP_HEADROOM);
	skb_put_data(skb, data, len);
	quic_skb_addrs(to, &local, &peer);
	dst = quic_udp_lookup(&flow);
	if (IS_ERR(dst)) {
		kfree_skb(skb);
		return PTR_ERR(dst);
	}
	skb_dst_set(skb, dst);
	return quic_udp_out(skb, &flow);
}

/* Batches */

static bool quic_batch_start(struct quic_conn *conn, gfp_t gfp)
{
	struct quic_batch *batch = &conn->batch;
	struct dst_entry *dst = conn->path.dst;

	batch->gso_size = 0;
	batch->closed = false;
	batch->max = QUIC_BATCH_MAX;
	if (dst)
		batch->max = min_t(u32, batch->max,
				   READ_ONCE(dst_dev(dst)->gso_max_segs));
	/* IPsec wants to see every datagram by itself. */
	if (dst && dst_xfrm(dst))
		batch->max = 1;
	if (batch->skb)
		return true;
	batch->skb = alloc_skb(QUIC_UDP_HEADROOM, gfp);
	if (batch->skb)
		skb_reserve(batch->skb, QUIC_UDP_HEADROOM);
	return batch->skb;
}

/**
 * quic_batch_reserve - get room for one datagram
 * @conn:    the connection whose batch is meant
 * @max_len: what quic_batch_fits() has allowed
 *
 * Context: connection lock held. Return: writable, contiguous memory that is
 * the caller's until the next call, or NULL for lack of memory.
 */
void *quic_batch_reserve(struct quic_conn *conn, u32 max_len)
{
	gfp_t gfp = sk_gfp_mask(quic_conn_sk(conn), GFP_ATOMIC | __GFP_NOWARN);
	struct quic_batch *batch = &conn->batch;
	struct page_frag *frag = &batch->frag;

	if (!batch->nr && !quic_batch_start(conn, gfp))
		return NULL;
	if (!skb_page_frag_refill(max_len, frag, gfp))
		return NULL;
	/* Under pressure there are single pages only. */
	if (frag->size - frag->offset < max_len)
		return NULL;
	batch->reserved = max_len;
	return page_address(frag->page) + frag->offset;
}

static bool quic_batch_is_last(const struct quic_batch *batch, u32 len)
{
	const struct sk_buff *skb = batch->skb;

	if (len < batch->gso_size || batch->nr == batch->max ||
	    skb->len + batch->gso_size > QUIC_BATCH_BYTES)
		return true;
	/* The next one would need a page that the skb has no slot for. */
	return skb_shinfo(skb)->nr_frags == MAX_SKB_FRAGS &&
	       batch->frag.size - batch->frag.offset < batch->gso_size;
}

/**
 * quic_batch_commit - what was reserved has become a datagram
 * @batch: the batch
 * @len:   length of the datagram; 0 gives the room back
 *
 * Context: connection lock held.
 */
void quic_batch_commit(struct quic_batch *batch, u32 len)
{
	struct page_frag *frag = &batch->frag;
	struct sk_buff *skb = batch->skb;
	int nr = skb_shinfo(skb)->nr_frags;

	if (WARN_ON_ONCE(len > batch->reserved))
		len = batch->reserved;
	batch->reserved = 0;
	if (!len)
		return;
	if (skb_can_coalesce(skb, nr, frag->page, frag->offset)) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[nr - 1], len);
	} else {
		get_page(frag->page);
		skb_fill_page_desc(skb, nr, frag->page, frag->offset, len);
	}
	skb_len_add(skb, len);
	frag->offset += len;
	if (!batch->nr++)
		batch->gso_size = len;
	batch->closed = quic_batch_is_last(batch, len);
}

/**
 * quic_batch_flush - send what is in the batch
 * @conn: the connection
 * @path: path that it leaves by
 * @ecn:  INET_ECN_* codepoint of all its datagrams
 *
 * Context: connection lock held. Return: as quic_udp_xmit(); 0 if it is empty.
 */
int quic_batch_flush(struct quic_conn *conn, struct quic_path *path, u8 ecn)
{
	struct quic_batch *batch = &conn->batch;
	struct sk_buff *skb = batch->skb;
	u16 gso_size = batch->nr > 1 ? batch->gso_size : 0;

	if (!batch->nr)
		return 0;
	batch->skb = NULL;
	batch->nr = 0;
	batch->closed = false;
	return quic_udp_xmit(conn, path, skb, gso_size, ecn);
}

/**
 * quic_batch_free - release the memory of a batch
 * @batch: the batch; what is in it is lost
 */
void quic_batch_free(struct quic_batch *batch)
{
	kfree_skb(batch->skb);
	if (batch->frag.page)
		put_page(batch->frag.page);
	memset(batch, 0, sizeof(*batch));
}
