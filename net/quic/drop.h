/* SPDX-License-Identifier: GPL-2.0-only */
/* Why something that came from the network was thrown away: a datagram, one
 * packet of it, or what a DATAGRAM frame carried. Each reason is shown by
 * quic:quic_pkt_dropped, has a counter in /proc/net/quic/snmp, and what is
 * nearest to it in skb:kfree_skb.
 *
 * Owns:    enum quic_drop_reason.
 * Guard:   none needed.
 * Callers: udp_rx.c, request.c, input.c, dgram.c.
 */
#ifndef _NET_QUIC_DROP_H
#define _NET_QUIC_DROP_H

struct net;
struct sk_buff;
struct sock;

/* <trace/events/quic.h> repeats them. */
enum quic_drop_reason {
	QUIC_DROP_NONE,
	QUIC_DROP_HEADER,	/* malformed, or not for this connection */
	QUIC_DROP_NO_CONN,	/* no connection has this ID */
	QUIC_DROP_NO_LISTENER,	/* nobody listens there */
	QUIC_DROP_NOT_FIRST,	/* cannot begin a connection */
	QUIC_DROP_TOKEN,	/* Retry token bad or too old */
	QUIC_DROP_HELLO,	/* ClientHello unreadable or unwanted */
	QUIC_DROP_BUSY,		/* too many first packets wait */
	QUIC_DROP_BACKLOG,	/* too many packets wait for the socket */
	QUIC_DROP_RCVBUF,	/* the receive buffer is full */
	QUIC_DROP_PATH,		/* address changed before it may */
	QUIC_DROP_CLOSED,	/* the connection is over */
	QUIC_DROP_NO_KEY,	/* key discarded, or too many wait for it */
	QUIC_DROP_AUTH,		/* not authentic */
	QUIC_DROP_DUPLICATE,	/* packet number received before */
	QUIC_DROP_FRAME,	/* frame malformed or not allowed */
	QUIC_DROP_NOMEM,	/* no memory */
	QUIC_DROP_MAX,
};

void quic_drop_count(struct net *net, struct sock *sk,
		     enum quic_drop_reason why);
void quic_drop_free(struct sk_buff *skb, enum quic_drop_reason why);
void quic_drop_skb(struct net *net, struct sock *sk, struct sk_buff *skb,
		   enum quic_drop_reason why);

#endif /* _NET_QUIC_DROP_H */
