/* SPDX-License-Identifier: GPL-2.0-only */
/* Listeners: several may share an address and port, told apart by ALPN.
 *
 * Owns:    struct quic_listener, which lives as long as its socket.
 * Guard:   quic_net.req_mutex for the table and for accept queues; the receive
 *          path and poll() look without it, under RCU or with a reference to
 *          the socket.
 * Callers: af_quic.c (listen, accept, close), request.c, udp_rx.c, poll.c.
 */
#ifndef _NET_QUIC_LISTEN_H
#define _NET_QUIC_LISTEN_H

#include <linux/list.h>

#include "request.h"
#include "settings.h"
#include "types.h"

struct net;
struct proto_accept_arg;
struct quic_header;
struct quic_net;
struct sk_buff;
struct sock;

/**
 * struct quic_listener - what a listening socket has in addition
 * @node:	in quic_net.listeners, by port
 * @sk:		the socket
 * @alpn:	its ALPN list, which does not change while it listens
 * @addr:	its bound address
 * @bound_if:	the device that it is bound to, or 0
 * @v6only:	bound to the IPv6 wildcard, it refuses IPv4
 * @reuseport:	it may share address and list with others of the same user
 * @past:	the secret that its tokens were made with before
 * @requests:	struct quic_request that wait for accept(), oldest first
 */
struct quic_listener {
	struct hlist_node node;
	struct sock *sk;
	struct quic_alpn alpn;
	union quic_addr addr;
	int bound_if;
	bool v6only;
	bool reuseport;
	struct quic_token_past past;
	struct list_head requests;
};

int quic_listen_start(struct sock *sk);
void quic_listen_stop(struct sock *sk);
struct sock *quic_listen_accept(struct sock *sk, struct proto_accept_arg *arg);
bool quic_listen_pending(const struct sock *sk);
void quic_listen_free(struct sock *sk);

bool quic_listen_exists(struct net *net, const union quic_addr *local, int iif,
			int sdif);
bool quic_listen_by_alpn(struct quic_net *qn, const struct sk_buff *skb);
const struct quic_token_secret *
quic_listen_retry_secret(struct quic_net *qn, const struct sk_buff *skb,
			 bool busy);
void quic_listen_check_token(struct quic_net *qn, const struct sk_buff *skb,
			     const struct quic_header *hdr,
			     struct quic_token_result *res);
struct quic_listener *quic_listen_pick(struct quic_net *qn, struct sk_buff *skb,
				       const struct quic_alpn_name *name);
void quic_listen_queue(struct quic_listener *l, struct quic_request *req);

#endif /* _NET_QUIC_LISTEN_H */
