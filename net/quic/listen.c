// SPDX-License-Identifier: GPL-2.0-only
#include <linux/rculist.h>
#include <linux/slab.h>
#include <net/sock_reuseport.h>
#include <net/udp.h>

#include "addr.h"
#include "child.h"
#include "conn.h"
#include "header.h"
#include "listen.h"
#include "lookup.h"
#include "net_ns.h"
#include "sock_addr.h"
#include "udp_rx.h"

/**
 * struct quic_listen_key - what a listener is looked for with
 * @net:   network namespace
 * @local: address that the client has sent to
 * @iif:   device that the datagram came by
 * @sdif:  its port of an L3 master device, or 0
 */
struct quic_listen_key {
	struct net *net;
	union quic_addr local;
	int iif;
	int sdif;
};

static struct hlist_head *quic_listen_bucket(struct quic_net *qn,
					     const union quic_addr *addr)
{
	return &qn->listeners[ntohs(quic_addr_port(addr)) &
			      (QUIC_LISTEN_HASH_SIZE - 1)];
}

static void quic_listen_key_init(struct quic_listen_key *key, struct net *net,
				 const struct sk_buff *skb,
				 union quic_addr *peer)
{
	key->net = net;
	key->iif = QUIC_SKB_CB(skb)->iif;
	key->sdif = QUIC_SKB_CB(skb)->sdif;
	quic_skb_addrs(skb, &key->local, peer);
}

/* How well a listener matches: a specific address beats the wildcard of the
 * same family, which beats that of IPv6; among equals one that is bound to the
 * device wins. Below 0: not at all.
 */
static int quic_listen_score(const struct quic_listener *l,
			     const struct quic_listen_key *key)
{
	int score;

	if (quic_addr_port(&l->addr) != quic_addr_port(&key->local) ||
	    !udp_sk_bound_dev_eq(key->net, l->bound_if, key->iif, key->sdif))
		return -1;
	if (!quic_addr_any(&l->addr)) {
		if (!quic_addr_same_host(&l->addr, &key->local))
			return -1;
		score = 4;
	} else if (l->addr.sa.sa_family == key->local.sa.sa_family) {
		score = 2;
	} else if (l->addr.sa.sa_family == AF_INET6 && !l->v6only) {
		score = 0;
	} else {
		return -1;
	}
	return score + !!l->bound_if;
}

/* Set by a program while it listens, perhaps at this moment. */
static bool quic_listen_validates(const struct quic_listener *l)
{
	return READ_ONCE(quic_conn(l->sk)->settings.config.validate_peer_address);
}

static const struct quic_token_secret *
quic_listen_secret(const struct quic_listener *l)
{
	return &quic_conn(l->sk)->settings.secret;
}

/**
 * quic_listen_exists - whether anybody listens on an address
 * @net:   network namespace
 * @local: the address
 * @iif:   device that a datagram came by
 * @sdif:  its port of an L3 master device, or 0
 *
 * Context: any.
 */
bool quic_listen_exists(struct net *net, const union quic_addr *local, int iif,
			int sdif)
{
	struct quic_listen_key key = {
		.net = net, .local = *local, .iif = iif, .sdif = sdif,
	};
	struct quic_net *qn = quic_net(net);
	struct quic_listener *l;
	bool found = false;

	rcu_read_lock();
	hlist_for_each_entry_rcu(l, quic_listen_bucket(qn, local), node) {
		if (quic_listen_score(l, &key) >= 0) {
			found = true;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/**
 * quic_listen_by_alpn - whether the choice among listeners depends on ALPN
 * @qn:  network namespace
 * @skb: a client's datagram
 *
 * Context: req_mutex held. Return: true if a listener on the address has a
 * list.
 */
bool quic_listen_by_alpn(struct quic_net *qn, const struct sk_buff *skb)
{
	struct quic_listen_key key;
	struct quic_listener *l;
	union quic_addr peer;

	lockdep_assert_held(&qn->req_mutex);

	quic_listen_key_init(&key, qn->net, skb, &peer);
	hlist_for_each_entry(l, quic_listen_bucket(qn, &key.local), node)
		if (l->alpn.len && quic_listen_score(l, &key) >= 0)
			return true;
	return false;
}

/**
 * quic_listen_retry_secret - whether the client has to prove its address first
 * @qn:	  network namespace
 * @skb:  a client's datagram
 * @busy: there are so many clients that every listener wants it
 *
 * Asked before any memory is spent on the client, and before it is known which
 * listener it wants: only if all agree.
 *
 * Context: req_mutex held. Return: secret to make the token with, or NULL if
 * there is no need for one.
 */
const struct quic_token_secret *
quic_listen_retry_secret(struct quic_net *qn, const struct sk_buff *skb,
			 bool busy)
{
	const struct quic_token_secret *secret = NULL;
	struct quic_listen_key key;
	struct quic_listener *l;
	union quic_addr peer;

	lockdep_assert_held(&qn->req_mutex);

	quic_listen_key_init(&key, qn->net, skb, &peer);
	hlist_for_each_entry(l, quic_listen_bucket(qn, &key.local), node) {
		if (quic_listen_score(l, &key) < 0)
			continue;
		if (!busy && !quic_listen_validates(l))
			return NULL;
		secret = quic_listen_secret(l);
	}
	return secret;
}

static void quic_listen_check_own_token(const struct quic_listener *l,
					const union quic_addr *peer,
					const struct quic_header *hdr,
					struct quic_token_result *res)
{
	const struct quic_token_secret *secrets[] = {
		quic_listen_secret(l), &l->past.secret,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(secrets); i++) {
		quic_token_check(secrets[i], hdr->version, peer, &hdr->dcid,
				 hdr->token, hdr->token_len, ktime_get(), res);
		if (res->verdict == QUIC_TOKEN_RETRY ||
		    res->verdict == QUIC_TOKEN_NEW)
			return;
	}
}

/**
 * quic_listen_check_token - look whether some listener has made a token
 * @qn:	   network namespace
 * @skb:   datagram of the client
 * @hdr:   header of its Initial packet
 * @res:   result
 *
 * Context: req_mutex held.
 */
void quic_listen_check_token(struct quic_net *qn, const struct sk_buff *skb,
			     const struct quic_header *hdr,
			     struct quic_token_result *res)
{
	struct quic_token_result one;
	struct quic_listen_key key;
	struct quic_listener *l;
	union quic_addr peer;

	lockdep_assert_held(&qn->req_mutex);

	res->verdict = QUIC_TOKEN_NONE;
	if (!hdr->token_len)
		return;
	quic_listen_key_init(&key, qn->net, skb, &peer);
	hlist_for_each_entry(l, quic_listen_bucket(qn, &key.local), node) {
		if (quic_listen_score(l, &key) < 0)
			continue;
		quic_listen_check_own_token(l, &peer, hdr, &one);
		/* Another listener's token looks like a bad one of ours. */
		if (one.verdict != QUIC_TOKEN_NONE)
			*res = one;
		if (one.verdict == QUIC_TOKEN_RETRY ||
		    one.verdict == QUIC_TOKEN_NEW)
			return;
	}
}

static bool quic_listen_has_alpn(const struct quic_listener *l,
				 const struct quic_alpn_name *name)
{
	if (!name)
		return !l->alpn.len;
	return quic_alpn_contains(&l->alpn, name->data, name->len);
}

/* Listeners that are told apart by nothing are a group: a program of the group
 * chooses among them (SO_ATTACH_REUSEPORT_EBPF and _CBPF, which is shown the
 * UDP payload), or the client's address does.
 */
static struct quic_listener *quic_listen_pick_member(struct quic_listener *l,
						     const union quic_addr *peer,
						     struct sk_buff *skb)
{
	u32 hash = quic_lookup_hash_addr(peer);
	struct sock *sk = NULL;

	if (rcu_access_pointer(l->sk->sk_reuseport_cb))
		sk = reuseport_select_sock(l->sk, hash, skb, 0);
	return sk ? quic_conn(sk)->listener : l;
}

/**
 * quic_listen_pick - find the listener for a client
 * @qn:	  network namespace
 * @skb:  datagram of the client
 * @name: protocol that it offers, or NULL for the listeners without a list
 *
 * Context: req_mutex held. Return: the best match, or NULL.
 */
struct quic_listener *quic_listen_pick(struct quic_net *qn, struct sk_buff *skb,
				       const struct quic_alpn_name *name)
{
	struct quic_listener *l, *best = NULL;
	struct quic_listen_key key;
	int score, best_score = -1;
	union quic_addr peer;

	lockdep_assert_held(&qn->req_mutex);

	quic_listen_key_init(&key, qn->net, skb, &peer);
	hlist_for_each_entry(l, quic_listen_bucket(qn, &key.local), node) {
		if (!quic_listen_has_alpn(l, name))
			continue;
		score = quic_listen_score(l, &key);
		if (score > best_score) {
			best_score = score;
			best = l;
		}
	}
	return best ? quic_listen_pick_member(best, &peer, skb) : NULL;
}

/**
 * quic_listen_queue - have a request wait for accept()
 * @l:	 the listener; its backlog is not full
 * @req: the request
 *
 * Context: req_mutex held.
 */
void quic_listen_queue(struct quic_listener *l, struct quic_request *req)
{
	lockdep_assert_held(&quic_net(sock_net(l->sk))->req_mutex);

	req->listener = l;
	list_add_tail(&req->list, &l->requests);
	sk_acceptq_added(l->sk);
	l->sk->sk_data_ready(l->sk);
}

static struct quic_request *quic_listen_unqueue(struct quic_listener *l)
{
	struct quic_request *req;

	lockdep_assert_held(&quic_net(sock_net(l->sk))->req_mutex);

	req = list_first_entry_or_null(&l->requests, struct quic_request, list);
	if (!req)
		return NULL;
	list_del(&req->list);
	sk_acceptq_removed(l->sk);
	return req;
}

/**
 * quic_listen_pending - whether accept() would find something
 * @sk: a listener
 *
 * Context: any, with a reference to @sk.
 */
bool quic_listen_pending(const struct sock *sk)
{
	const struct quic_listener *l = READ_ONCE(quic_conn(sk)->listener);

	return l && !list_empty_careful(&l->requests);
}

static bool quic_listen_cover(const struct quic_listener *a,
			      const struct quic_listener *b)
{
	if (!quic_addr_any(&a->addr))
		return quic_addr_same_host(&a->addr, &b->addr);
	return a->addr.sa.sa_family == b->addr.sa.sa_family ||
	       (a->addr.sa.sa_family == AF_INET6 && !a->v6only);
}

/* Whether @new cannot listen because of @old. */
static bool quic_listen_conflict(const struct quic_listener *new,
				 const struct quic_listener *old)
{
	bool same_user = uid_eq(sk_uid(new->sk), sk_uid(old->sk));

	if (quic_addr_port(&new->addr) != quic_addr_port(&old->addr))
		return false;
	if (new->bound_if && old->bound_if && new->bound_if != old->bound_if)
		return false;
	/* Nobody takes clients away from another user. */
	if (!same_user && (quic_listen_cover(new, old) ||
			   quic_listen_cover(old, new)))
		return true;
	if (new->bound_if != old->bound_if ||
	    !quic_addr_same_host(&new->addr, &old->addr))
		return false;
	if (new->alpn.len == 0 || old->alpn.len == 0) {
		if (new->alpn.len != old->alpn.len)
			return false;
	} else if (!quic_alpn_equal(&new->alpn, &old->alpn)) {
		return quic_alpn_overlap(&new->alpn, &old->alpn);
	}
	return !new->reuseport || !old->reuseport;
}

/* Whether two listeners that do not conflict are told apart by nothing. */
static bool quic_listen_grouped(const struct quic_listener *a,
				const struct quic_listener *b)
{
	return a->reuseport && b->reuseport && a->bound_if == b->bound_if &&
	       quic_addr_equal(&a->addr, &b->addr) &&
	       quic_alpn_equal(&a->alpn, &b->alpn);
}

static int quic_listen_join(struct quic_listener *new,
			    struct quic_listener *member)
{
	bool any = quic_addr_any(&new->addr);

	if (member)
		return reuseport_add_sock(new->sk, member->sk, any);
	return reuseport_alloc(new->sk, any);
}

static int quic_listen_insert(struct quic_net *qn, struct quic_listener *new)
{
	struct quic_listener *l, *member = NULL;
	int err = 0;

	lockdep_assert_held(&qn->req_mutex);

	hlist_for_each_entry(l, quic_listen_bucket(qn, &new->addr), node) {
		if (quic_listen_conflict(new, l))
			return -EADDRINUSE;
		if (quic_listen_grouped(new, l))
			member = l;
	}
	if (new->reuseport)
		err = quic_listen_join(new, member);
	if (!err)
		hlist_add_tail_rcu(&new->node,
				   quic_listen_bucket(qn, &new->addr));
	return err;
}

/**
 * quic_listen_start - make a bound socket a listener
 * @sk: the socket
 *
 * Context: socket lock held. Return: 0, -EADDRINUSE or -ENOMEM.
 */
int quic_listen_start(struct sock *sk)
{
	struct quic_net *qn = quic_net(sock_net(sk));
	struct quic_conn *conn = quic_conn(sk);
	struct quic_listener *l = conn->listener;
	int err;

	sock_owned_by_me(sk);

	if (!l) {
		l = kzalloc_obj(*l);
		if (!l)
			return -ENOMEM;
		INIT_LIST_HEAD(&l->requests);
		l->sk = sk;
		quic_token_past_init(&l->past, ktime_get());
	}
	l->alpn = conn->settings.alpn;
	quic_sock_local(sk, &l->addr);
	l->bound_if = sk->sk_bound_dev_if;
	l->v6only = sk->sk_family == AF_INET6 && ipv6_only_sock(sk);
	l->reuseport = sk->sk_reuseport;
	WRITE_ONCE(conn->listener, l);

	mutex_lock(&qn->req_mutex);
	err = quic_listen_insert(qn, l);
	mutex_unlock(&qn->req_mutex);
	return err;
}

/**
 * quic_listen_stop - stop listening; requests that wait are dropped
 * @sk: a listener
 *
 * Context: socket lock held.
 */
void quic_listen_stop(struct sock *sk)
{
	struct quic_listener *l = quic_conn(sk)->listener;
	struct quic_net *qn = quic_net(sock_net(sk));
	struct quic_request *req;

	sock_owned_by_me(sk);

	mutex_lock(&qn->req_mutex);
	hlist_del_init_rcu(&l->node);
	if (rcu_access_pointer(sk->sk_reuseport_cb))
		reuseport_detach_sock(sk);
	while ((req = quic_listen_unqueue(l)))
		quic_request_free(qn, req);
	quic_request_listener_gone(qn);
	mutex_unlock(&qn->req_mutex);
}

/**
 * quic_listen_free - free what a listener had in addition to a socket
 * @sk: a socket that nobody can find any more
 */
void quic_listen_free(struct sock *sk)
{
	kfree_sensitive(quic_conn(sk)->listener);
}

/* Until a request waits. As inet_csk_wait_for_connect(). */
static int quic_listen_wait(struct sock *sk, long timeo)
{
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		prepare_to_wait_exclusive(sk_sleep(sk), &wait,
					  TASK_INTERRUPTIBLE);
		release_sock(sk);
		if (!quic_listen_pending(sk))
			timeo = schedule_timeout(timeo);
		sched_annotate_sleep();
		lock_sock(sk);
		err = 0;
		if (quic_listen_pending(sk))
			break;
		err = -EINVAL;
		if (!quic_conn_is(quic_conn(sk), QUIC_STATE_LISTENING))
			break;
		err = sock_intr_errno(timeo);
		if (signal_pending(current))
			break;
		err = -EAGAIN;
		if (!timeo)
			break;
	}
	finish_wait(sk_sleep(sk), &wait);
	return err;
}

/* Looked at here because accept() is where a secret is handed on: what is
 * accepted never has one that is about to be forgotten.
 */
static void quic_listen_renew_secret(struct sock *sk)
{
	struct quic_net *qn = quic_net(sock_net(sk));
	struct quic_conn *conn = quic_conn(sk);
	struct quic_token_past *past = &conn->listener->past;
	ktime_t now = ktime_get();

	if (!quic_token_renewal_due(past, now))
		return;
	mutex_lock(&qn->req_mutex);
	quic_token_renew(&conn->settings.secret, past, now);
	mutex_unlock(&qn->req_mutex);
}

/* Make a connection of the oldest request. */
static struct sock *quic_listen_take(struct sock *sk, bool kern)
{
	struct quic_net *qn = quic_net(sock_net(sk));
	struct quic_request *req;
	struct sock *newsk;
	int err = -EAGAIN;

	quic_listen_renew_secret(sk);
	newsk = quic_sock_alloc_child(sk, kern);
	if (!newsk)
		return ERR_PTR(-ENOMEM);

	mutex_lock(&qn->req_mutex);
	req = quic_listen_unqueue(quic_conn(sk)->listener);
	if (req) {
		lock_sock_nested(newsk, SINGLE_DEPTH_NESTING);
		err = quic_conn_accept(newsk, req);
		release_sock(newsk);
		quic_request_free(qn, req);
	}
	mutex_unlock(&qn->req_mutex);
	if (!err)
		return newsk;
	quic_sock_drop_child(newsk);
	return ERR_PTR(err);
}

/**
 * quic_listen_accept - wait for a request and make a connection of it
 * @sk:  socket
 * @arg: flags in, error and whether more requests wait out
 *
 * Context: process, no lock held. Return: the new socket, or NULL.
 */
struct sock *quic_listen_accept(struct sock *sk, struct proto_accept_arg *arg)
{
	struct sock *newsk = NULL;
	int err = 0;
	long timeo;

	lock_sock(sk);
	if (!quic_conn_is(quic_conn(sk), QUIC_STATE_LISTENING))
		err = -EINVAL;
	timeo = sock_rcvtimeo(sk, arg->flags & O_NONBLOCK);
	while (!err && !newsk) {
		if (!quic_listen_pending(sk))
			err = timeo ? quic_listen_wait(sk, timeo) : -EAGAIN;
		if (!err)
			newsk = quic_listen_take(sk, arg->kern);
		if (IS_ERR(newsk)) {
			err = PTR_ERR(newsk);
			newsk = NULL;
		}
	}
	arg->err = err;
	arg->is_empty = !quic_listen_pending(sk);
	release_sock(sk);
	return newsk;
}
