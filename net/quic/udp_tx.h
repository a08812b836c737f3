/* SPDX-License-Identifier: GPL-2.0-only */
/* Sending: protected packets of one path become one skb, which crosses the
 * stack once (UDP GSO), and leaves by the path's cached route.
 *
 *	p = quic_batch_reserve(conn, max);	write a datagram at p
 *	quic_batch_commit(&conn->batch, len);
 *	if (quic_batch_full(&conn->batch))
 *		quic_batch_flush(conn, path, ecn);
 *
 * All datagrams of a batch have the size of its first one, except that the
 * last may be shorter. A datagram of another size has to go into a new batch:
 * quic_batch_fits() says so beforehand, so that reserve, write, "does not fit"
 * never happens after a packet number has been used.
 *
 * Owns:    struct quic_batch; the route in struct quic_path.
 * Guard:   the connection lock; quic_udp_answer() needs none.
 * Callers: output.c, path.c; udp_rx.c and listen.c for packets without a
 *          connection.
 */
#ifndef _NET_QUIC_UDP_TX_H
#define _NET_QUIC_UDP_TX_H

#include <linux/mm_types.h>
#include <linux/skbuff.h>

#include "types.h"

/* Larger datagrams than this gain nothing and need larger pages. */
#define QUIC_UDP_MAX_PAYLOAD	16384

struct quic_conn;
struct quic_endpoint;
struct quic_path;

/**
 * struct quic_batch - datagrams that wait to leave together
 * @skb:	 the batch so far, NULL when there is none
 * @frag:	 page that datagrams are written to
 * @reserved:	 bytes promised by quic_batch_reserve(), 0 after the commit
 * @gso_size:	 size of the first datagram, which all but the last have
 * @nr:		 datagrams in @skb
 * @max:	 how many there may be, 1 where the route forbids GSO
 * @closed:	 nothing can be appended: full, or the last one was shorter
 */
struct quic_batch {
	struct sk_buff *skb;
	struct page_frag frag;
	u32 reserved;
	u16 gso_size;
	u8 nr;
	u8 max;
	bool closed;
};

void *quic_batch_reserve(struct quic_conn *conn, u32 max_len);
void quic_batch_commit(struct quic_batch *batch, u32 len);
int quic_batch_flush(struct quic_conn *conn, struct quic_path *path, u8 ecn);
void quic_batch_free(struct quic_batch *batch);

static inline bool quic_batch_empty(const struct quic_batch *batch)
{
	return !batch->nr;
}

static inline bool quic_batch_full(const struct quic_batch *batch)
{
	return batch->closed;
}

/* The most that the next datagram of a started batch can have; an empty one
 * takes any size up to QUIC_UDP_MAX_PAYLOAD.
 */
static inline u32 quic_batch_limit(const struct quic_batch *batch)
{
	if (batch->closed)
		return 0;
	return batch->nr ? batch->gso_size : QUIC_UDP_MAX_PAYLOAD;
}

static inline bool quic_batch_fits(const struct quic_batch *batch, u32 len)
{
	return len <= quic_batch_limit(batch);
}

int quic_udp_xmit(struct quic_conn *conn, struct quic_path *path,
		  struct sk_buff *skb, u16 gso_size, u8 ecn);
struct dst_entry *quic_udp_route(struct quic_conn *conn, struct quic_path *path);
void quic_udp_route_reset(struct quic_path *path);
u32 quic_udp_mtu(struct quic_conn *conn, struct quic_path *path);
int quic_udp_local_addr(struct sock *sk, const union quic_addr *peer,
			union quic_addr *local);

int quic_udp_answer(struct quic_endpoint *ep, const struct sk_buff *to,
		    const void *data, u32 len);

#endif /* _NET_QUIC_UDP_TX_H */
