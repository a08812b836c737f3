// SPDX-License-Identifier: GPL-2.0-only
#include <crypto/utils.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <net/netns/hash.h>
#include <net/inet_sock.h>

#include "addr.h"
#include "lookup.h"

#define QUIC_LOOKUP_LOCKS	64

/* One hash table. A lock guards every QUIC_LOOKUP_LOCKS-th bucket. */
struct quic_table {
	struct hlist_head *buckets;
	spinlock_t locks[QUIC_LOOKUP_LOCKS];	/* for writers */
};

static struct quic_table quic_cid_table;
static struct quic_table quic_odcid_table;
static struct quic_table quic_reset_table;
static struct quic_table quic_addr_table;
static u32 quic_table_mask __read_mostly;
static siphash_key_t quic_table_key __read_mostly;

static struct quic_table * const quic_tables[] = {
	&quic_cid_table, &quic_odcid_table, &quic_reset_table, &quic_addr_table,
};

static spinlock_t *quic_table_lock(struct quic_table *table, u32 hash)
{
	return &table->locks[hash & (QUIC_LOOKUP_LOCKS - 1)];
}

static struct hlist_head *quic_table_bucket(const struct quic_table *table,
					    u32 hash)
{
	return &table->buckets[hash & quic_table_mask];
}

static void quic_table_del(struct quic_table *table, struct hlist_node *node,
			   u32 hash)
{
	spinlock_t *lock = quic_table_lock(table, hash);

	spin_lock_bh(lock);
	hlist_del_init_rcu(node);
	spin_unlock_bh(lock);
}

static u32 quic_hash_cid(const struct net *net, const u8 *cid)
{
	BUILD_BUG_ON(sizeof(u64) != QUIC_CID_LEN);
	return siphash_2u64(get_unaligned((u64 *)cid), net_hash_mix(net),
			    &quic_table_key);
}

static u32 quic_hash_reset(const u8 *token)
{
	BUILD_BUG_ON(2 * sizeof(u64) != QUIC_RESET_TOKEN_LEN);
	return siphash_2u64(get_unaligned((u64 *)token),
			    get_unaligned((u64 *)(token + sizeof(u64))),
			    &quic_table_key);
}

/**
 * quic_lookup_hash_addr - hash an address and port with the module's secret
 * @addr: the address
 *
 * Return: the hash.
 */
u32 quic_lookup_hash_addr(const union quic_addr *addr)
{
	u64 port = (__force u16)quic_addr_port(addr);

	if (addr->sa.sa_family == AF_INET)
		return siphash_2u64((__force u32)addr->v4.sin_addr.s_addr, port,
				    &quic_table_key);
	return siphash_3u64(get_unaligned((u64 *)&addr->v6.sin6_addr.s6_addr[0]),
			    get_unaligned((u64 *)&addr->v6.sin6_addr.s6_addr[8]),
			    port, &quic_table_key);
}

/* The client has chosen the ID, so that the secret has to go over all of it. */
static u32 quic_hash_odcid(const struct quic_cid *cid,
			   const union quic_addr *peer)
{
	return siphash(cid->data, cid->len, &quic_table_key) ^
	       quic_lookup_hash_addr(peer);
}

/* Entries are removed before the last reference of their socket goes, and the
 * socket is freed by RCU: the memory is good, the socket perhaps is not.
 */
static struct sock *quic_lookup_hold(struct sock *sk)
{
	return refcount_inc_not_zero(&sk->sk_refcnt) ? sk : NULL;
}

static struct quic_cid_entry *quic_cid_find(const struct net *net,
					    const u8 *cid, u32 hash)
{
	struct quic_cid_entry *entry;

	hlist_for_each_entry_rcu(entry, quic_table_bucket(&quic_cid_table, hash),
				 node,
				 lockdep_is_held(quic_table_lock(&quic_cid_table, hash)))
		if (!memcmp(entry->cid.data, cid, QUIC_CID_LEN) &&
		    net_eq(sock_net(entry->sk), net))
			return entry;
	return NULL;
}

/**
 * quic_lookup_add_cid - make a connection ID of ours known
 * @entry: with sk and cid filled in; cid.len is QUIC_CID_LEN
 *
 * Context: any. Return: 0, or -EEXIST when the ID is taken in this netns.
 */
int quic_lookup_add_cid(struct quic_cid_entry *entry)
{
	u32 hash = quic_hash_cid(sock_net(entry->sk), entry->cid.data);
	spinlock_t *lock = quic_table_lock(&quic_cid_table, hash);
	int err = 0;

	spin_lock_bh(lock);
	if (quic_cid_find(sock_net(entry->sk), entry->cid.data, hash))
		err = -EEXIST;
	else
		hlist_add_head_rcu(&entry->node,
				   quic_table_bucket(&quic_cid_table, hash));
	spin_unlock_bh(lock);
	return err;
}

/**
 * quic_lookup_del_cid - forget a connection ID of ours
 * @entry: harmless if it was zeroed and never added
 *
 * Context: any.
 */
void quic_lookup_del_cid(struct quic_cid_entry *entry)
{
	if (hlist_unhashed(&entry->node))
		return;
	quic_table_del(&quic_cid_table, &entry->node,
		       quic_hash_cid(sock_net(entry->sk), entry->cid.data));
}

/**
 * quic_lookup_cid - find the connection that issued a connection ID
 * @net: network namespace that the datagram arrived in
 * @cid: QUIC_CID_LEN bytes
 *
 * Context: any. Return: the socket with a reference, or NULL.
 */
struct sock *quic_lookup_cid(struct net *net, const u8 *cid)
{
	struct quic_cid_entry *entry;
	struct sock *sk = NULL;

	rcu_read_lock();
	entry = quic_cid_find(net, cid, quic_hash_cid(net, cid));
	if (entry)
		sk = quic_lookup_hold(entry->sk);
	rcu_read_unlock();
	return sk;
}

/**
 * quic_lookup_odcid_entry - find the entry of a client's made-up ID
 * @net:  network namespace that the datagram arrived in
 * @cid:  the ID
 * @peer: where the datagram came from
 *
 * Context: RCU read side, or the bucket's lock. Return: the entry, or NULL.
 */
struct quic_odcid *quic_lookup_odcid_entry(struct net *net,
					   const struct quic_cid *cid,
					   const union quic_addr *peer)
{
	u32 hash = quic_hash_odcid(cid, peer);
	struct quic_odcid *entry;

	hlist_for_each_entry_rcu(entry,
				 quic_table_bucket(&quic_odcid_table, hash),
				 node,
				 lockdep_is_held(quic_table_lock(&quic_odcid_table, hash)))
		if (quic_cid_equal(&entry->cid, cid) &&
		    net_eq(entry->net, net) &&
		    quic_addr_equal(&entry->peer, peer))
			return entry;
	return NULL;
}

/**
 * quic_lookup_add_odcid - make a client's own choice of connection ID known
 * @entry: with net, cid, peer and either sk or req filled in
 *
 * Context: any. Return: 0, or -EEXIST.
 */
int quic_lookup_add_odcid(struct quic_odcid *entry)
{
	u32 hash = quic_hash_odcid(&entry->cid, &entry->peer);
	spinlock_t *lock = quic_table_lock(&quic_odcid_table, hash);
	int err = 0;

	spin_lock_bh(lock);
	if (quic_lookup_odcid_entry(entry->net, &entry->cid, &entry->peer))
		err = -EEXIST;
	else
		hlist_add_head_rcu(&entry->node,
				   quic_table_bucket(&quic_odcid_table, hash));
	spin_unlock_bh(lock);
	return err;
}

/**
 * quic_lookup_accept_odcid - a request has become a connection
 * @entry: the request's entry, now the connection's
 * @sk:	   the connection
 */
void quic_lookup_accept_odcid(struct quic_odcid *entry, struct sock *sk)
{
	entry->req = NULL;
	/* Pairs with quic_lookup_odcid(): whoever finds it can use it. */
	smp_store_release(&entry->sk, sk);
}

/**
 * quic_lookup_del_odcid - forget a client's own choice of connection ID
 * @entry: freed by RCU; NULL is fine
 *
 * Context: any.
 */
void quic_lookup_del_odcid(struct quic_odcid *entry)
{
	if (!entry)
		return;
	quic_table_del(&quic_odcid_table, &entry->node,
		       quic_hash_odcid(&entry->cid, &entry->peer));
	kfree_rcu(entry, rcu);
}

/**
 * quic_lookup_odcid - find the connection behind a client's made-up ID
 * @net:  network namespace that the datagram arrived in
 * @cid:  the ID
 * @peer: where the datagram came from
 *
 * Context: any. Return: the socket with a reference, or NULL, also while the
 * connection has not been accepted.
 */
struct sock *quic_lookup_odcid(struct net *net, const struct quic_cid *cid,
			       const union quic_addr *peer)
{
	struct quic_odcid *entry;
	struct sock *sk = NULL;

	rcu_read_lock();
	entry = quic_lookup_odcid_entry(net, cid, peer);
	if (entry) {
		/* Pairs with quic_lookup_accept_odcid(). */
		sk = smp_load_acquire(&entry->sk);
	}
	if (sk)
		sk = quic_lookup_hold(sk);
	rcu_read_unlock();
	return sk;
}

/**
 * quic_lookup_add_reset - make a peer's stateless reset token known
 * @entry: with sk and token filled in
 *
 * Context: any.
 */
void quic_lookup_add_reset(struct quic_reset_entry *entry)
{
	u32 hash = quic_hash_reset(entry->token);
	spinlock_t *lock = quic_table_lock(&quic_reset_table, hash);

	spin_lock_bh(lock);
	hlist_add_head_rcu(&entry->node,
			   quic_table_bucket(&quic_reset_table, hash));
	spin_unlock_bh(lock);
}

/**
 * quic_lookup_del_reset - forget a peer's stateless reset token
 * @entry: harmless if it was zeroed and never added
 *
 * Context: any.
 */
void quic_lookup_del_reset(struct quic_reset_entry *entry)
{
	if (hlist_unhashed(&entry->node))
		return;
	quic_table_del(&quic_reset_table, &entry->node,
		       quic_hash_reset(entry->token));
}

/**
 * quic_lookup_reset - find the connection that a stateless reset ends
 * @net:   network namespace that the datagram arrived in
 * @token: last bytes of the datagram
 *
 * Tokens are compared in constant time, and only those in the bucket of a
 * keyed hash are (RFC 9000, 10.3.1).
 *
 * Context: any. Return: the socket with a reference, or NULL.
 */
struct sock *quic_lookup_reset(struct net *net, const u8 *token)
{
	u32 hash = quic_hash_reset(token);
	struct quic_reset_entry *entry;
	struct sock *sk = NULL;

	rcu_read_lock();
	hlist_for_each_entry_rcu(entry,
				 quic_table_bucket(&quic_reset_table, hash),
				 node) {
		if (!crypto_memneq(entry->token, token, QUIC_RESET_TOKEN_LEN) &&
		    net_eq(sock_net(entry->sk), net)) {
			sk = quic_lookup_hold(entry->sk);
			break;
		}
	}
	rcu_read_unlock();
	return sk;
}

/**
 * quic_lookup_add_sock - make a connection known by its address pair
 * @sk:	  the connection; was not known that way
 * @peer: the peer's address; the local port is the socket's
 *
 * Context: connection lock held.
 */
void quic_lookup_add_sock(struct sock *sk, const union quic_addr *peer)
{
	u32 hash = quic_lookup_hash_addr(peer);
	spinlock_t *lock = quic_table_lock(&quic_addr_table, hash);

	sk->sk_hash = hash;
	spin_lock_bh(lock);
	hlist_add_head_rcu(&sk->__sk_common.skc_portaddr_node,
			   quic_table_bucket(&quic_addr_table, hash));
	spin_unlock_bh(lock);
}

/**
 * quic_lookup_del_sock - forget a connection's address pair
 * @sk: harmless if it is not known
 *
 * Context: connection lock held.
 */
void quic_lookup_del_sock(struct sock *sk)
{
	if (!hlist_unhashed(&sk->__sk_common.skc_portaddr_node))
		quic_table_del(&quic_addr_table,
			       &sk->__sk_common.skc_portaddr_node, sk->sk_hash);
}

/**
 * quic_lookup_each_sock - call a function for connections of an address pair
 * @net:  network namespace
 * @port: local port
 * @peer: the peer's address
 * @fn:	  called under RCU, with a reference held; returns whether to stop
 * @arg:  its second argument
 *
 * Only a hint: a connection that migrates at this moment may be missed or may
 * have left the pair.
 *
 * Context: any. Return: whether @fn has asked to stop.
 */
bool quic_lookup_each_sock(struct net *net, __be16 port,
			   const union quic_addr *peer,
			   bool (*fn)(struct sock *sk, void *arg), void *arg)
{
	u32 hash = quic_lookup_hash_addr(peer);
	bool stop = false;
	struct sock *sk;

	rcu_read_lock();
	hlist_for_each_entry_rcu(sk, quic_table_bucket(&quic_addr_table, hash),
				 __sk_common.skc_portaddr_node) {
		if (READ_ONCE(sk->sk_hash) != hash ||
		    inet_sk(sk)->inet_sport != port ||
		    !net_eq(sock_net(sk), net) || !quic_lookup_hold(sk))
			continue;
		stop = fn(sk, arg);
		sock_put(sk);
		if (stop)
			break;
	}
	rcu_read_unlock();
	return stop;
}

static int quic_table_alloc(struct quic_table *table)
{
	int i;

	table->buckets = kvcalloc(quic_table_mask + 1, sizeof(*table->buckets),
				  GFP_KERNEL);
	if (!table->buckets)
		return -ENOMEM;
	for (i = 0; i < QUIC_LOOKUP_LOCKS; i++)
		spin_lock_init(&table->locks[i]);
	return 0;
}

/**
 * quic_lookup_init - allocate the tables, sized by the machine's memory
 *
 * Return: 0, or -ENOMEM.
 */
int quic_lookup_init(void)
{
	unsigned long size = clamp(totalram_pages() / 16, 1024UL, 65536UL);
	int i;

	quic_table_mask = roundup_pow_of_two(size) - 1;
	get_random_bytes(&quic_table_key, sizeof(quic_table_key));
	for (i = 0; i < ARRAY_SIZE(quic_tables); i++) {
		if (quic_table_alloc(quic_tables[i])) {
			quic_lookup_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * quic_lookup_exit - free the tables, which are empty by now
 */
void quic_lookup_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(quic_tables); i++) {
		kvfree(quic_tables[i]->buckets);
		quic_tables[i]->buckets = NULL;
	}
}
