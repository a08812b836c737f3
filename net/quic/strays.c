// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>

#include "addr.h"
#include "drop.h"
#include "net_ns.h"
#include "request.h"
#include "strays.h"
#include "udp_rx.h"

/* Bytes (truesize) of all of them, about a hundred packets. */
#define QUIC_STRAYS_BYTES	(256 * 1024)
/* Longer than packets overtake each other, shorter than a client's patience. */
#define QUIC_STRAYS_TIME	HZ

/* Where the Destination Connection ID of a long header is (RFC 8999, 5.1). */
#define QUIC_STRAYS_CID_LEN_OFF	5

static void quic_strays_unlink(struct quic_strays *strays, struct sk_buff *skb)
{
	__skb_unlink(skb, &strays->datagrams);
	strays->bytes -= skb->truesize;
}

/* Those that came until @time, in jiffies, have waited in vain. */
static void quic_strays_expire(struct quic_net *qn, unsigned long time)
{
	struct quic_strays *strays = &qn->strays;
	struct sk_buff *skb;

	lockdep_assert_held(&qn->req_mutex);

	while ((skb = skb_peek(&strays->datagrams))) {
		if (time_after(QUIC_SKB_CB(skb)->since, time))
			break;
		quic_strays_unlink(strays, skb);
		quic_drop_skb(qn->net, NULL, skb, QUIC_DROP_NOT_FIRST);
	}
}

static void quic_strays_work(struct work_struct *work)
{
	struct quic_net *qn = container_of(to_delayed_work(work),
					   struct quic_net, strays.work);

	mutex_lock(&qn->req_mutex);
	quic_strays_expire(qn, jiffies - QUIC_STRAYS_TIME);
	if (!skb_queue_empty(&qn->strays.datagrams))
		queue_delayed_work(system_dfl_wq, &qn->strays.work,
				   QUIC_STRAYS_TIME);
	mutex_unlock(&qn->req_mutex);
}

/**
 * quic_strays_add - keep a 0-RTT datagram for a while
 * @qn:  network namespace
 * @skb: datagram whose first packet is 0-RTT, of an unknown client; consumed
 *
 * Context: req_mutex held.
 */
void quic_strays_add(struct quic_net *qn, struct sk_buff *skb)
{
	struct quic_strays *strays = &qn->strays;
	struct sk_buff *oldest;

	lockdep_assert_held(&qn->req_mutex);

	/* The endpoint is not theirs to hold. */
	QUIC_SKB_CB(skb)->ep = NULL;
	QUIC_SKB_CB(skb)->since = jiffies;
	__skb_queue_tail(&strays->datagrams, skb);
	strays->bytes += skb->truesize;
	while (strays->bytes > QUIC_STRAYS_BYTES) {
		oldest = skb_peek(&strays->datagrams);
		quic_strays_unlink(strays, oldest);
		quic_drop_skb(qn->net, NULL, oldest, QUIC_DROP_BUSY);
	}
	queue_delayed_work(system_dfl_wq, &strays->work, QUIC_STRAYS_TIME);
}

static bool quic_strays_match(const struct sk_buff *skb,
			      const struct quic_request *req)
{
	const u8 *cid = skb->data + QUIC_STRAYS_CID_LEN_OFF;
	union quic_addr local, peer;

	if (*cid != req->dcid.len || memcmp(cid + 1, req->dcid.data, *cid))
		return false;
	quic_skb_addrs(skb, &local, &peer);
	return quic_addr_equal(&local, &req->local) &&
	       quic_addr_equal(&peer, &req->peer) &&
	       quic_skb_l3_if(skb) == req->l3_if;
}

/**
 * quic_strays_take - the ClientHello has come
 * @qn:  network namespace
 * @req: the client
 *
 * Context: req_mutex held. Return: the oldest of its datagrams, or NULL.
 */
struct sk_buff *quic_strays_take(struct quic_net *qn,
				 const struct quic_request *req)
{
	struct sk_buff *skb;

	lockdep_assert_held(&qn->req_mutex);

	skb_queue_walk(&qn->strays.datagrams, skb) {
		if (quic_strays_match(skb, req)) {
			quic_strays_unlink(&qn->strays, skb);
			return skb;
		}
	}
	return NULL;
}

/**
 * quic_strays_net_init - set up the part of a netns that belongs to strays
 * @qn: the netns
 */
void quic_strays_net_init(struct quic_net *qn)
{
	__skb_queue_head_init(&qn->strays.datagrams);
	INIT_DELAYED_WORK(&qn->strays.work, quic_strays_work);
}

/**
 * quic_strays_net_exit - drop what is left
 * @qn: the netns, in which no datagram is handled any more
 */
void quic_strays_net_exit(struct quic_net *qn)
{
	cancel_delayed_work_sync(&qn->strays.work);
	mutex_lock(&qn->req_mutex);
	quic_strays_expire(qn, jiffies);
	mutex_unlock(&qn->req_mutex);
}
