/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests: connections that nobody has accepted yet.
 *
 * Datagrams of connections that do not exist are queued by the receive path and
 * handled by one work item per network namespace. It checks tokens, answers
 * with Retry, reads the ClientHello to choose among listeners by ALPN, and
 * keeps the datagrams until accept() makes a connection of them. What a flood
 * of them can cost is bounded: bytes in the queue, ClientHellos that gather,
 * backlog of each listener, bytes of each request.
 *
 * Owns:    struct quic_request.
 * Guard:   quic_net.req_mutex, for every request and for all listeners. Lock
 *          order: socket lock of the listener, req_mutex, connection lock.
 * Callers: udp_rx.c queues; listen.c accepts; conn.c reads.
 */
#ifndef _NET_QUIC_REQUEST_H
#define _NET_QUIC_REQUEST_H

#include <linux/list.h>
#include <linux/skbuff.h>

#include "first.h"
#include "types.h"

struct quic_endpoint;
struct quic_listener;
struct quic_net;
struct quic_odcid;
struct sock;

/**
 * struct quic_request - a connection that has not been accepted
 * @list:	in quic_listener.requests, or in quic_net.gathering
 * @original:	its entry in the table of lookup.c, by @dcid and @peer
 * @listener:	whose queue it is in; NULL while the ClientHello gathers
 * @endpoint:	where its packets come in; a reference is held
 * @local:	our address as the client sees it, never a wildcard
 * @peer:	the client's
 * @l3_if:	device of the VRF that the client has come by, or 0
 * @version:	QUIC version of the client's Initial packets
 * @dcid:	their Destination Connection ID: Initial keys come from it
 * @scid:	the client's Source Connection ID
 * @odcid:	the very first DCID: differs from @dcid after a Retry
 * @retry_scid:	Source Connection ID of our Retry
 * @retried:	a Retry took place: @retry_scid is valid
 * @validated:	a token has proved the client's address (RFC 9000, 8.1)
 * @began:	jiffies when its first datagram came
 * @datagrams:	what has been received for it, undecrypted, oldest first
 * @bytes:	truesize of @datagrams
 * @first:	the ClientHello while it gathers, else NULL
 * @said:	what the client has been told meanwhile
 * @chosen:	entry of the table by @said.scid, once the client knows that ID
 */
struct quic_request {
	struct list_head list;
	struct quic_odcid *original;
	struct quic_listener *listener;
	struct quic_endpoint *endpoint;
	union quic_addr local;
	union quic_addr peer;
	int l3_if;
	u32 version;
	struct quic_cid dcid;
	struct quic_cid scid;
	struct quic_cid odcid;
	struct quic_cid retry_scid;
	bool retried;
	bool validated;
	unsigned long began;
	struct sk_buff_head datagrams;
	u32 bytes;
	struct quic_first *first;
	struct quic_first_said said;
	struct quic_odcid *chosen;
};

void quic_request_rcv(struct quic_endpoint *ep, struct sk_buff *skb);
struct quic_odcid *quic_request_take_original(struct quic_request *req,
					      struct sock *sk);
void quic_request_free(struct quic_net *qn, struct quic_request *req);
void quic_request_listener_gone(struct quic_net *qn);

void quic_request_net_init(struct quic_net *qn);
void quic_request_net_exit(struct quic_net *qn);

#endif /* _NET_QUIC_REQUEST_H */
