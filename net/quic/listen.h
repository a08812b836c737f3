/* SPDX-License-Identifier: GPL-2.0-only */
/* Listeners, and connections that nobody has accepted yet.
 *
 * First packets of unknown connections are queued by the receive path and
 * handled by one work item per network namespace: it checks tokens, answers
 * with Retry, reads the ClientHello to choose among listeners by ALPN, and
 * keeps the datagrams until accept() makes a connection of them.
 *
 * Owns:    struct quic_listener, struct quic_request.
 * Guard:   a listener's accept queue: the listener's socket lock. All requests
 *          of a netns and those still being assembled: quic_net.req_mutex.
 *          Lock order: req_mutex, listener, connection.
 * Callers: af_quic.c (listen, accept, close), udp_rx.c (first packets).
 */
#ifndef _NET_QUIC_LISTEN_H
#define _NET_QUIC_LISTEN_H

#include <linux/list.h>
#include <linux/skbuff.h>

#include "settings.h"
#include "types.h"

struct net;
struct proto_accept_arg;
struct quic_conn;
struct quic_endpoint;
struct quic_hello_buf;
struct quic_net;
struct quic_odcid;
struct sock;

/**
 * struct quic_listener - what a listening socket has in addition
 * @node:	in quic_net.listeners, by port
 * @sk:		the socket
 * @alpn:	its ALPN list, which does not change while it listens
 * @addr:	its bound address
 * @bound_if:	the device that it is bound to, or 0
 * @v6only:	it is bound to the IPv6 wildcard and refuses IPv4
 * @reuseport:	it shares address and list with others of the same user
 * @requests:	struct quic_request that wait for accept(), oldest first
 * @rcu:	the receive path reads listeners without a lock
 */
struct quic_listener {
	struct hlist_node node;
	struct sock *sk;
	struct quic_alpn alpn;
	union quic_addr addr;
	int bound_if;
	bool v6only;
	bool reuseport;
	struct list_head requests;
	struct rcu_head rcu;
};

/**
 * struct quic_request - a connection that has not been accepted
 * @original:	its entry in the table of lookup.c, by @dcid and @peer
 * @list:	in quic_listener.requests, or in quic_net.gathering
 * @listener:	socket whose queue it is in; NULL while the ClientHello gathers
 * @endpoint:	where its packets come in; a reference is held
 * @local:	our address as the client sees it, never a wildcard
 * @peer:	the client's
 * @version:	QUIC version of the client's Initial packets
 * @dcid:	their Destination Connection ID: Initial keys come from it
 * @scid:	the client's Source Connection ID
 * @odcid:	the very first DCID: differs from @dcid after a Retry
 * @retry_scid:	Source Connection ID of our Retry
 * @retried:	a Retry took place: @retry_scid is valid
 * @validated:	a token has proved the client's address (RFC 9000, 8.1)
 * @rcvd:	when its first datagram came
 * @datagrams:	what has been received for it, undecrypted, oldest first
 * @bytes:	truesize of @datagrams
 * @hello:	the ClientHello as far as it is gathered, else NULL
 */
struct quic_request {
	struct quic_odcid *original;
	struct list_head list;
	struct sock *listener;
	struct quic_endpoint *endpoint;
	union quic_addr local;
	union quic_addr peer;
	u32 version;
	struct quic_cid dcid;
	struct quic_cid scid;
	struct quic_cid odcid;
	struct quic_cid retry_scid;
	bool retried;
	bool validated;
	ktime_t rcvd;
	struct sk_buff_head datagrams;
	u32 bytes;
	struct quic_hello_buf *hello;
};

struct quic_odcid *quic_request_take_original(struct quic_request *req,
					      struct sock *sk);

int quic_listen_start(struct sock *sk, int backlog);
void quic_listen_stop(struct sock *sk);
struct sock *quic_listen_accept(struct sock *sk, struct proto_accept_arg *arg);
bool quic_listen_pending(const struct sock *sk);

bool quic_listen_exists(struct net *net, const union quic_addr *local, int iif,
			int sdif);
void quic_listen_rcv(struct quic_net *qn, struct sk_buff *skb);

void quic_listen_net_init(struct quic_net *qn);
void quic_listen_net_exit(struct quic_net *qn);

#endif /* _NET_QUIC_LISTEN_H */
