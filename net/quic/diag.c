// SPDX-License-Identifier: GPL-2.0-only
/* QUIC sockets in NETLINK_SOCK_DIAG, for ss and its like: see
 * <uapi/linux/quic_diag.h>.
 */
#include <linux/inet_diag.h>
#include <linux/module.h>
#include <linux/quic_diag.h>
#include <linux/sock_diag.h>
#include <net/inet_sock.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "info.h"

#define QUIC_DIAG_BATCH		16
#define QUIC_DIAG_CC_NAME_MAX	16

/* How far a dump has come: sockets of the namespace's list. */
struct quic_diag_ctx {
	unsigned int done;
};

static bool quic_diag_wants(const struct inet_diag_req_v2 *req, int attr)
{
	return req->idiag_ext & BIT(attr - 1);
}

static int quic_diag_put_meminfo(struct sock *sk, struct sk_buff *skb)
{
	struct inet_diag_meminfo mem = {
		.idiag_rmem = sk_rmem_alloc_get(sk),
		.idiag_wmem = READ_ONCE(sk->sk_wmem_queued),
		.idiag_fmem = READ_ONCE(sk->sk_forward_alloc),
		.idiag_tmem = sk_wmem_alloc_get(sk),
	};

	return nla_put(skb, INET_DIAG_MEMINFO, sizeof(mem), &mem);
}

static int quic_diag_put_info(struct sock *sk, struct sk_buff *skb)
{
	struct nlattr *attr;

	attr = nla_reserve_64bit(skb, INET_DIAG_INFO,
				 sizeof(struct quic_diag_info), INET_DIAG_PAD);
	if (!attr)
		return -EMSGSIZE;
	quic_info_fill(sk, nla_data(attr));
	return 0;
}

/* Extensions of a request that have nothing to do with TCP. */
static int quic_diag_put_attrs(struct sock *sk, struct sk_buff *skb,
			       const struct inet_diag_req_v2 *req)
{
	const char *cc = quic_info_cc(sk);

	if (quic_diag_wants(req, INET_DIAG_MEMINFO) &&
	    quic_diag_put_meminfo(sk, skb))
		return -EMSGSIZE;
	if (quic_diag_wants(req, INET_DIAG_SKMEMINFO) &&
	    sock_diag_put_meminfo(sk, skb, INET_DIAG_SKMEMINFO))
		return -EMSGSIZE;
	if (quic_diag_wants(req, INET_DIAG_CONG) && cc &&
	    nla_put_string(skb, INET_DIAG_CONG, cc))
		return -EMSGSIZE;
	if (quic_diag_wants(req, INET_DIAG_INFO))
		return quic_diag_put_info(sk, skb);
	return 0;
}

static int quic_diag_fill_locked(struct sock *sk, struct sk_buff *skb,
				 struct netlink_callback *cb,
				 const struct inet_diag_req_v2 *req,
				 u16 nlmsg_flags, bool net_admin)
{
	struct user_namespace *user_ns = sk_user_ns(NETLINK_CB(cb->skb).sk);
	struct inet_diag_msg *msg;
	struct nlmsghdr *nlh;

	nlh = nlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			cb->nlh->nlmsg_type, sizeof(*msg), nlmsg_flags);
	if (!nlh)
		return -EMSGSIZE;
	msg = nlmsg_data(nlh);
	memset(msg, 0, sizeof(*msg));
	inet_diag_msg_common_fill(msg, sk);
	msg->idiag_state = sk->sk_state;
	quic_info_timer(sk, msg);
	quic_info_queues(sk, msg);
	if (inet_diag_msg_attrs_fill(sk, skb, msg, req->idiag_ext, user_ns,
				     net_admin) ||
	    quic_diag_put_attrs(sk, skb, req)) {
		nlmsg_cancel(skb, nlh);
		return -EMSGSIZE;
	}
	nlmsg_end(skb, nlh);
	return 0;
}

static int quic_diag_fill(struct sock *sk, struct sk_buff *skb,
			  struct netlink_callback *cb,
			  const struct inet_diag_req_v2 *req, u16 nlmsg_flags,
			  bool net_admin)
{
	int err;

	lock_sock(sk);
	err = quic_diag_fill_locked(sk, skb, cb, req, nlmsg_flags, net_admin);
	release_sock(sk);
	return err;
}

static bool quic_diag_match(struct sock *sk, const struct netlink_callback *cb,
			    const struct inet_diag_req_v2 *req)
{
	const struct inet_sock *inet = inet_sk(sk);

	if (!(req->idiag_states & BIT(inet_sk_state_load(sk))))
		return false;
	if (req->sdiag_family != AF_UNSPEC &&
	    req->sdiag_family != sk->sk_family)
		return false;
	if (req->id.idiag_sport &&
	    req->id.idiag_sport != READ_ONCE(inet->inet_sport))
		return false;
	if (req->id.idiag_dport &&
	    req->id.idiag_dport != READ_ONCE(inet->inet_dport))
		return false;
	return inet_diag_bc_sk(cb->data, sk);
}

static void quic_diag_dump(struct sk_buff *skb, struct netlink_callback *cb,
			   const struct inet_diag_req_v2 *req)
{
	bool net_admin = netlink_net_capable(cb->skb, CAP_NET_ADMIN);
	struct quic_diag_ctx *ctx = (void *)cb->ctx;
	struct sock *socks[QUIC_DIAG_BATCH];
	struct net *net = sock_net(skb->sk);
	unsigned int n, i;
	int err = 0;

	NL_ASSERT_CTX_FITS(struct quic_diag_ctx);

	do {
		n = quic_info_socks(net, ctx->done, socks, QUIC_DIAG_BATCH);
		for (i = 0; i < n; i++) {
			if (!err && quic_diag_match(socks[i], cb, req))
				err = quic_diag_fill(socks[i], skb, cb, req,
						     NLM_F_MULTI, net_admin);
			if (!err)
				ctx->done++;
			sock_put(socks[i]);
		}
		cond_resched();
	} while (!err && n == QUIC_DIAG_BATCH);
}

/* Connections may share addresses and ports; a cookie tells them apart. */
static bool quic_diag_is(struct sock *sk, const struct inet_diag_req_v2 *req)
{
	const struct inet_diag_sockid *id = &req->id;
	struct inet_diag_msg msg = {};

	inet_diag_msg_common_fill(&msg, sk);
	return msg.idiag_family == req->sdiag_family &&
	       msg.id.idiag_sport == id->idiag_sport &&
	       msg.id.idiag_dport == id->idiag_dport &&
	       msg.id.idiag_if == id->idiag_if &&
	       !memcmp(msg.id.idiag_src, id->idiag_src,
		       sizeof(id->idiag_src)) &&
	       !memcmp(msg.id.idiag_dst, id->idiag_dst,
		       sizeof(id->idiag_dst)) &&
	       !sock_diag_check_cookie(sk, id->idiag_cookie);
}

/* The socket of a request for one, with a reference, or NULL. */
static struct sock *quic_diag_find(struct net *net,
				   const struct inet_diag_req_v2 *req)
{
	struct sock *socks[QUIC_DIAG_BATCH];
	struct sock *found = NULL;
	unsigned int n, i, skip = 0;

	do {
		n = quic_info_socks(net, skip, socks, QUIC_DIAG_BATCH);
		for (i = 0; i < n; i++) {
			if (!found && quic_diag_is(socks[i], req))
				found = socks[i];
			else
				sock_put(socks[i]);
		}
		skip += n;
		cond_resched();
	} while (!found && n == QUIC_DIAG_BATCH);
	return found;
}

static struct sk_buff *quic_diag_alloc_reply(void)
{
	return nlmsg_new(sizeof(struct inet_diag_msg) +
			 inet_diag_msg_attrs_size() +
			 nla_total_size(sizeof(struct inet_diag_meminfo)) +
			 nla_total_size(SK_MEMINFO_VARS * sizeof(u32)) +
			 nla_total_size(QUIC_DIAG_CC_NAME_MAX) +
			 nla_total_size_64bit(sizeof(struct quic_diag_info)),
			 GFP_KERNEL);
}

static int quic_diag_dump_one(struct netlink_callback *cb,
			      const struct inet_diag_req_v2 *req)
{
	struct sk_buff *in_skb = cb->skb;
	struct net *net = sock_net(in_skb->sk);
	struct sk_buff *rep;
	struct sock *sk;
	int err;

	sk = quic_diag_find(net, req);
	if (!sk)
		return -ENOENT;
	rep = quic_diag_alloc_reply();
	if (!rep) {
		sock_put(sk);
		return -ENOMEM;
	}
	err = quic_diag_fill(sk, rep, cb, req, 0,
			     netlink_net_capable(in_skb, CAP_NET_ADMIN));
	sock_put(sk);
	if (err) {
		WARN_ON_ONCE(err == -EMSGSIZE);
		kfree_skb(rep);
		return err;
	}
	return nlmsg_unicast(net->diag_nlsk, rep, NETLINK_CB(in_skb).portid);
}

/* For inet_diag's own messages about one socket. */
static void quic_diag_get_info(struct sock *sk, struct inet_diag_msg *msg,
			       void *info)
{
	lock_sock(sk);
	quic_info_queues(sk, msg);
	if (info)
		quic_info_fill(sk, info);
	release_sock(sk);
}

#ifdef CONFIG_INET_DIAG_DESTROY
static int quic_diag_destroy(struct sk_buff *in_skb,
			     const struct inet_diag_req_v2 *req)
{
	struct sock *sk;
	int err;

	sk = quic_diag_find(sock_net(in_skb->sk), req);
	if (!sk)
		return -ENOENT;
	err = sock_diag_destroy(sk, ECONNABORTED);
	sock_put(sk);
	return err;
}
#endif

static const struct inet_diag_handler quic_diag_handler = {
	.owner		 = THIS_MODULE,
	.dump		 = quic_diag_dump,
	.dump_one	 = quic_diag_dump_one,
	.idiag_get_info	 = quic_diag_get_info,
	.idiag_type	 = IPPROTO_QUIC,
	.idiag_info_size = sizeof(struct quic_diag_info),
#ifdef CONFIG_INET_DIAG_DESTROY
	.destroy	 = quic_diag_destroy,
#endif
};

static int __init quic_diag_init(void)
{
	return inet_diag_register(&quic_diag_handler);
}

static void __exit quic_diag_exit(void)
{
	inet_diag_unregister(&quic_diag_handler);
}

module_init(quic_diag_init);
module_exit(quic_diag_exit);
MODULE_DESCRIPTION("QUIC socket monitoring via SOCK_DIAG");
MODULE_LICENSE("GPL");
/* PF_NETLINK, NETLINK_SOCK_DIAG, AF_INET - IPPROTO_QUIC */
MODULE_ALIAS("net-pf-16-proto-4-type-2-261");
