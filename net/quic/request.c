// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/kcov.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "addr.h"
#include "conn.h"
#include "drop.h"
#include "early.h"
#include "endpoint.h"
#include "first.h"
#include "header.h"
#include "listen.h"
#include "lookup.h"
#include "net_ns.h"
#include "request.h"
#include "strays.h"
#include "udp_rx.h"

/* Bytes (truesize) of datagrams that may wait for the work, in a netns. */
#define QUIC_FIRST_QUEUE_BYTES	(4 * 1024 * 1024)
/* ClientHellos that may gather at a time, and for how long: probes of a client
 * that loses much come in ever longer intervals. Where there are too many, one
 * that has had some time makes room.
 */
#define QUIC_GATHER_MAX		256
#define QUIC_GATHER_TIME	(30 * HZ)
#define QUIC_GATHER_TIME_BUSY	(2 * HZ)
/* Handshakes in a netns, of servers, from which on every new client has to
 * prove its address before it costs memory (RFC 9000, 8.1.2).
 */
#define QUIC_REQUESTS_BUSY	512
/* Bytes of one request; more than any first congestion window. */
#define QUIC_REQUEST_BYTES	(128 * 1024)

/* RFC 9001, 8.1: a TLS alert, as an error code of QUIC. */
#define QUIC_ERROR_NO_ALPN	(QUIC_TRANSPORT_ERROR_CRYPTO + 120)

/**
 * quic_request_rcv - a datagram has come that may begin a connection
 * @ep:	 endpoint that it came in by
 * @skb: the datagram, see udp_rx.h; consumed
 *
 * Context: softirq, RCU read side.
 */
void quic_request_rcv(struct quic_endpoint *ep, struct sk_buff *skb)
{
	struct quic_net *qn = quic_net(ep->net);
	struct sk_buff_head *queue = &qn->first;
	bool ok = false;

	if (refcount_inc_not_zero(&ep->ref)) {
		QUIC_SKB_CB(skb)->ep = ep;
		spin_lock(&queue->lock);
		ok = qn->first_bytes + skb->truesize <= QUIC_FIRST_QUEUE_BYTES;
		if (ok) {
			qn->first_bytes += skb->truesize;
			__skb_queue_tail(queue, skb);
		}
		spin_unlock(&queue->lock);
		if (ok)
			queue_work(system_dfl_wq, &qn->first_work);
		else
			quic_endpoint_put(ep);
	}
	if (!ok)
		quic_drop_skb(ep->net, NULL, skb, QUIC_DROP_BUSY);
}

static struct sk_buff *quic_request_next_skb(struct quic_net *qn)
{
	struct sk_buff *skb;

	spin_lock_bh(&qn->first.lock);
	skb = __skb_dequeue(&qn->first);
	if (skb)
		qn->first_bytes -= skb->truesize;
	spin_unlock_bh(&qn->first.lock);
	return skb;
}

/* Creation and end */

/**
 * quic_request_take_original - the connection takes over the client's ID
 * @req: the request
 * @sk:	 connection that it has become
 *
 * Return: the entry of the table, which the connection has to delete.
 */
struct quic_odcid *quic_request_take_original(struct quic_request *req,
					      struct sock *sk)
{
	struct quic_odcid *original = req->original;

	req->original = NULL;
	quic_lookup_accept_odcid(original, sk);
	return original;
}

/**
 * quic_request_free - a request has been accepted or given up
 * @qn:	 network namespace
 * @req: the request, in no list
 *
 * Context: req_mutex held.
 */
void quic_request_free(struct quic_net *qn, struct quic_request *req)
{
	lockdep_assert_held(&qn->req_mutex);

	quic_lookup_del_odcid(req->original);
	quic_lookup_del_odcid(req->chosen);
	quic_first_free(req->first);
	__skb_queue_purge(&req->datagrams);
	quic_endpoint_put(req->endpoint);
	qn->nr_requests--;
	kfree(req);
}

static void quic_request_give_up(struct quic_net *qn, struct quic_request *req)
{
	list_del(&req->list);
	qn->nr_gathering--;
	quic_request_free(qn, req);
}

/* Clients that have begun and not gone on for @time, in jiffies. */
static void quic_request_expire(struct quic_net *qn, unsigned long time)
{
	struct quic_request *req, *next;

	lockdep_assert_held(&qn->req_mutex);

	list_for_each_entry_safe(req, next, &qn->gathering, list) {
		if (time_before(jiffies, req->began + time))
			break;
		QUIC_INC_STATS(qn->net, LISTEN_DROPS);
		quic_request_give_up(qn, req);
	}
}

/**
 * quic_request_listener_gone - give up clients that nobody can serve any more
 * @qn: network namespace
 *
 * They hold the endpoint, and with it the port. Context: req_mutex held.
 */
void quic_request_listener_gone(struct quic_net *qn)
{
	struct quic_request *req, *next;
	const struct quic_skb_cb *cb;

	lockdep_assert_held(&qn->req_mutex);

	list_for_each_entry_safe(req, next, &qn->gathering, list) {
		cb = QUIC_SKB_CB(skb_peek(&req->datagrams));
		if (!quic_listen_exists(qn->net, &req->local, cb->iif,
					cb->sdif))
			quic_request_give_up(qn, req);
	}
}

/* Let an ID lead to the request. */
static struct quic_odcid *quic_request_add_cid(struct quic_net *qn,
					       struct quic_request *req,
					       const struct quic_cid *cid)
{
	struct quic_odcid *entry;

	entry = kzalloc_obj(*entry);
	if (!entry)
		return NULL;
	entry->net = qn->net;
	entry->req = req;
	entry->cid = *cid;
	entry->peer = req->peer;
	if (quic_lookup_add_odcid(entry)) {
		kfree(entry);
		return NULL;
	}
	return entry;
}

static struct quic_request *
quic_request_alloc(struct quic_net *qn, const struct sk_buff *skb,
		   const struct quic_header *hdr,
		   const struct quic_token_result *token)
{
	struct quic_request *req;

	req = kzalloc_obj(*req);
	if (!req)
		return NULL;
	qn->nr_requests++;
	__skb_queue_head_init(&req->datagrams);
	req->began = jiffies;
	req->endpoint = quic_endpoint_hold(QUIC_SKB_CB(skb)->ep);
	quic_skb_addrs(skb, &req->local, &req->peer);
	req->l3_if = quic_skb_l3_if(skb);
	req->version = hdr->version;
	req->dcid = hdr->dcid;
	req->scid = hdr->scid;
	req->odcid = hdr->dcid;
	req->validated = token->verdict == QUIC_TOKEN_RETRY ||
			 token->verdict == QUIC_TOKEN_NEW;
	if (token->verdict == QUIC_TOKEN_RETRY) {
		req->retried = true;
		req->odcid = token->odcid;
		req->retry_scid = token->rscid;
	}
	req->first = quic_first_alloc(req->version, &req->dcid);
	req->original = quic_request_add_cid(qn, req, &req->dcid);
	if (!req->first || !req->original) {
		quic_request_free(qn, req);
		return NULL;
	}
	return req;
}

static bool quic_request_has_room(const struct quic_request *req,
				  const struct sk_buff *skb)
{
	u32 limit = QUIC_REQUEST_BYTES;

	if (req->listener)
		limit = min_t(u32, limit,
			      READ_ONCE(req->listener->sk->sk_rcvbuf));
	return req->bytes + skb->truesize <= limit;
}

/* Keep a datagram for the connection. */
static bool quic_request_keep(struct quic_request *req, struct sk_buff *skb)
{
	if (!quic_request_has_room(req, skb))
		return false;
	req->bytes += skb->truesize;
	__skb_queue_tail(&req->datagrams, skb);
	return true;
}

/* 0-RTT packets that have overtaken the ClientHello. More of them than can wait
 * for their key are of no use.
 */
static void quic_request_take_strays(struct quic_net *qn,
				     struct quic_request *req)
{
	struct sk_buff *skb;
	int i;

	for (i = 0; i < QUIC_EARLY_PARKED_MAX; i++) {
		skb = quic_strays_take(qn, req);
		if (!skb)
			return;
		if (!quic_request_keep(req, skb))
			quic_drop_skb(qn->net, NULL, skb, QUIC_DROP_BUSY);
	}
}

/* Choice of the listener */

/* The client's order counts; then come listeners that take any protocol. */
static struct quic_listener *
quic_request_pick(struct quic_net *qn, struct sk_buff *skb,
		  const struct quic_client_hello *hello)
{
	struct quic_alpn_iter it;
	struct quic_alpn_name name;
	struct quic_listener *l;

	quic_alpn_iter_init(&it, hello->alpn, hello->alpn_len);
	while (quic_alpn_iter_next(&it, &name)) {
		l = quic_listen_pick(qn, skb, &name);
		if (l)
			return l;
	}
	return quic_listen_pick(qn, skb, NULL);
}

/* Returns 0 with a listener, -EAGAIN as long as the ClientHello has to go on,
 * -ENOPROTOOPT if nobody speaks what the client offers, -EINVAL for a message
 * that is none.
 */
static int quic_request_choose(struct quic_net *qn,
			       const struct quic_request *req,
			       struct sk_buff *skb, struct quic_listener **l)
{
	struct quic_client_hello hello;
	int err;

	err = quic_first_hello(req->first, &hello);
	if (err == -EAGAIN && !quic_listen_by_alpn(qn, skb)) {
		memset(&hello, 0, sizeof(hello));
		err = 0;
	}
	if (err)
		return err;
	*l = quic_request_pick(qn, skb, &hello);
	return *l ? 0 : -ENOPROTOOPT;
}

/* The listener is known. Returns whether the request is now in its queue. */
static bool quic_request_offer(struct quic_net *qn, struct quic_request *req,
			       struct quic_listener *l,
			       const struct sk_buff *skb,
			       const struct quic_header *hdr)
{
	const struct quic_conn *conn = quic_conn(l->sk);

	/* RFC 9287, 3.1: clients may do so who know the listener. */
	if (!hdr->fixed_bit && !conn->local.grease_quic_bit)
		return false;
	if (!req->validated &&
	    READ_ONCE(conn->settings.config.validate_peer_address)) {
		quic_first_send_retry(req->endpoint, skb, hdr,
				      &conn->settings.secret);
		return false;
	}
	if (sk_acceptq_is_full(l->sk)) {
		quic_first_send_close(req->first, req->endpoint, skb, hdr,
				      QUIC_TRANSPORT_ERROR_CONNECTION_REFUSED);
		QUIC_INC_STATS(qn->net, LISTEN_REFUSED);
		return false;
	}
	req->said = req->first->said;
	quic_first_free(req->first);
	req->first = NULL;
	list_del(&req->list);
	qn->nr_gathering--;
	quic_listen_queue(l, req);
	return true;
}

/* More of the ClientHello has to come. The client goes on with the ID that the
 * acknowledgment shows (RFC 9000, 7.2).
 */
static void quic_request_wait(struct quic_net *qn, struct quic_request *req,
			      struct sk_buff *skb,
			      const struct quic_header *hdr)
{
	struct quic_first *first = req->first;

	if (!req->chosen)
		req->chosen = quic_request_add_cid(qn, req, &first->said.scid);
	if (req->chosen)
		quic_first_send_ack(first, req->endpoint, skb, hdr);
	quic_request_keep(req, skb);
}

/* One more datagram of a client whose ClientHello gathers; consumed. */
static void quic_request_gather(struct quic_net *qn, struct quic_request *req,
				struct sk_buff *skb,
				const struct quic_header *hdr)
{
	struct quic_listener *l;
	int err = -ENOBUFS;

	/* What is acknowledged has to be there for the connection. */
	if (quic_request_has_room(req, skb))
		err = quic_first_datagram(req->first, skb);
	if (!err && !req->first->opened)
		err = -EBADMSG;
	if (!err)
		err = quic_request_choose(qn, req, skb, &l);
	if (err == -EAGAIN) {
		quic_request_wait(qn, req, skb, hdr);
		return;
	}
	if (err == -ENOPROTOOPT)
		quic_first_send_close(req->first, req->endpoint, skb, hdr,
				      QUIC_ERROR_NO_ALPN);
	/* Kept before it is offered: accept() may run at once. */
	if (!err && quic_request_keep(req, skb)) {
		if (quic_request_offer(qn, req, l, skb, hdr))
			return;
		/* Answered; freed together with the request. */
	} else {
		quic_drop_skb(qn->net, NULL, skb, QUIC_DROP_HELLO);
	}
	quic_request_give_up(qn, req);
}

/* Clients that have only begun, whether or not a program has accepted them. */
static bool quic_request_busy(struct quic_net *qn)
{
	return qn->nr_requests + atomic_read(&qn->nr_half_open) >=
	       QUIC_REQUESTS_BUSY;
}

/* A token of ours that cannot be right; consumes the datagram. */
static void quic_request_refuse_token(struct quic_endpoint *ep,
				      struct sk_buff *skb,
				      const struct quic_header *hdr)
{
	struct quic_first *first = quic_first_alloc(hdr->version, &hdr->dcid);

	if (first)
		quic_first_send_close(first, ep, skb, hdr,
				      QUIC_TRANSPORT_ERROR_INVALID_TOKEN);
	quic_first_free(first);
	quic_drop_skb(ep->net, NULL, skb, QUIC_DROP_TOKEN);
}

/* A client that is not known yet; consumes its datagram. */
static void quic_request_begin(struct quic_net *qn, struct sk_buff *skb,
			       const struct quic_header *hdr)
{
	struct quic_endpoint *ep = QUIC_SKB_CB(skb)->ep;
	const struct quic_token_secret *secret;
	struct quic_token_result token;
	struct quic_request *req;

	quic_listen_check_token(qn, skb, hdr, &token);
	if (token.verdict == QUIC_TOKEN_BAD_RETRY) {
		quic_request_refuse_token(ep, skb, hdr);
		return;
	}
	if (token.verdict == QUIC_TOKEN_NEW &&
	    !quic_token_use(&qn->used_tokens, hdr->token, ktime_get()))
		token.verdict = QUIC_TOKEN_NONE;
	if (token.verdict == QUIC_TOKEN_NONE) {
		secret = quic_listen_retry_secret(qn, skb,
						  quic_request_busy(qn));
		if (secret) {
			quic_first_send_retry(ep, skb, hdr, secret);
			consume_skb(skb);
			return;
		}
	}
	if (qn->nr_gathering >= QUIC_GATHER_MAX)
		quic_request_expire(qn, QUIC_GATHER_TIME_BUSY);
	if (qn->nr_gathering >= QUIC_GATHER_MAX)
		goto drop;
	req = quic_request_alloc(qn, skb, hdr, &token);
	if (!req)
		goto drop;
	list_add_tail(&req->list, &qn->gathering);
	qn->nr_gathering++;
	quic_request_take_strays(qn, req);
	quic_request_gather(qn, req, skb, hdr);
	return;
drop:
	quic_drop_skb(qn->net, NULL, skb, QUIC_DROP_BUSY);
}

static struct quic_request *quic_request_find(struct quic_net *qn,
					      const struct quic_cid *dcid,
					      const union quic_addr *peer)
{
	struct quic_request *req = NULL;
	struct quic_odcid *original;

	rcu_read_lock();
	original = quic_lookup_odcid_entry(qn->net, dcid, peer);
	if (original)
		req = original->req;
	rcu_read_unlock();
	return req;
}

static void quic_request_datagram(struct quic_net *qn, struct sk_buff *skb)
{
	union quic_addr local, peer;
	struct quic_request *req;
	struct quic_header hdr;
	struct sock *sk;

	lockdep_assert_held(&qn->req_mutex);

	if (quic_header_parse(skb->data, skb->len, QUIC_CID_LEN, &hdr)) {
		quic_drop_skb(qn->net, NULL, skb, QUIC_DROP_HEADER);
		return;
	}
	quic_skb_addrs(skb, &local, &peer);
	/* It may have been accepted while this datagram waited. */
	sk = quic_lookup_odcid(qn->net, &hdr.dcid, &peer);
	if (!sk && hdr.dcid.len == QUIC_CID_LEN)
		sk = quic_lookup_cid(qn->net, hdr.dcid.data);
	if (sk) {
		quic_udp_deliver(sk, skb);
		return;
	}
	req = quic_request_find(qn, &hdr.dcid, &peer);
	if (req && req->first && hdr.type == QUIC_PKT_INITIAL)
		quic_request_gather(qn, req, skb, &hdr);
	else if (!req && hdr.type == QUIC_PKT_INITIAL)
		quic_request_begin(qn, skb, &hdr);
	else if (!req && hdr.type == QUIC_PKT_0RTT)
		quic_strays_add(qn, skb);
	else if (!req)
		quic_drop_skb(qn->net, NULL, skb, QUIC_DROP_NOT_FIRST);
	else if (!quic_request_keep(req, skb))
		quic_drop_skb(qn->net, NULL, skb, QUIC_DROP_BUSY);
}

static void quic_request_work(struct work_struct *work)
{
	struct quic_net *qn = container_of(work, struct quic_net, first_work);
	struct quic_endpoint *ep;
	struct sk_buff *skb;

	while ((skb = quic_request_next_skb(qn))) {
		ep = QUIC_SKB_CB(skb)->ep;
		kcov_remote_start_common(skb_get_kcov_handle(skb));
		mutex_lock(&qn->req_mutex);
		quic_request_expire(qn, QUIC_GATHER_TIME);
		quic_request_datagram(qn, skb);
		/* Before a listener can go: its port goes with it. */
		quic_endpoint_put(ep);
		mutex_unlock(&qn->req_mutex);
		kcov_remote_stop();
		cond_resched();
	}
	mutex_lock(&qn->req_mutex);
	if (!list_empty(&qn->gathering))
		mod_delayed_work(system_dfl_wq, &qn->gather_work,
				 QUIC_GATHER_TIME);
	mutex_unlock(&qn->req_mutex);
}

static void quic_request_gather_work(struct work_struct *work)
{
	struct quic_net *qn = container_of(to_delayed_work(work),
					   struct quic_net, gather_work);

	mutex_lock(&qn->req_mutex);
	quic_request_expire(qn, QUIC_GATHER_TIME);
	if (!list_empty(&qn->gathering))
		queue_delayed_work(system_dfl_wq, &qn->gather_work,
				   QUIC_GATHER_TIME);
	mutex_unlock(&qn->req_mutex);
}

/**
 * quic_request_net_init - set up the part of a netns that belongs to requests
 * @qn: the netns
 */
void quic_request_net_init(struct quic_net *qn)
{
	skb_queue_head_init(&qn->first);
	INIT_WORK(&qn->first_work, quic_request_work);
	INIT_DELAYED_WORK(&qn->gather_work, quic_request_gather_work);
	mutex_init(&qn->req_mutex);
	INIT_LIST_HEAD(&qn->gathering);
	quic_strays_net_init(qn);
}

/**
 * quic_request_net_exit - drop what is left, when no listener is
 * @qn: the netns
 */
void quic_request_net_exit(struct quic_net *qn)
{
	struct sk_buff *skb;

	cancel_work_sync(&qn->first_work);
	cancel_delayed_work_sync(&qn->gather_work);
	while ((skb = quic_request_next_skb(qn))) {
		quic_endpoint_put(QUIC_SKB_CB(skb)->ep);
		quic_drop_skb(qn->net, NULL, skb, QUIC_DROP_NO_LISTENER);
	}
	mutex_lock(&qn->req_mutex);
	quic_request_expire(qn, 0);
	mutex_unlock(&qn->req_mutex);
	quic_strays_net_exit(qn);
	quic_token_used_free(&qn->used_tokens);
}
