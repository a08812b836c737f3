/* SPDX-License-Identifier: GPL-2.0-only */
/* Lookup: from what a datagram shows to the socket it is for. Tables, all
 * keyed with a secret made at module load (RFC 9000, 21.9: nobody outside can
 * choose colliding keys), all read under RCU:
 *
 *  - connection IDs that we issued: the ID alone decides (RFC 9000, 5.2);
 *  - connection IDs that a client made up for its first packets: ID and client
 *    address together, because two clients may make up the same;
 *  - stateless reset tokens that peers gave us (RFC 9000, 10.3.1);
 *  - connections by address pair, for ICMP errors, which quote packets that
 *    carry none of our IDs.
 *
 * Owns:    the tables; entries live in their owners' structures.
 * Guard:   a spinlock per group of buckets for writers, RCU for readers.
 * Callers: cid.c, listen.c and af_quic.c add and delete, udp_rx.c finds.
 */
#ifndef _NET_QUIC_LOOKUP_H
#define _NET_QUIC_LOOKUP_H

#include <linux/list.h>
#include <linux/rcupdate.h>

#include "types.h"

struct net;
struct quic_request;
struct sock;

/**
 * struct quic_cid_entry - a connection ID that we issued
 * @node: in the table
 * @sk:	  the connection; not counted
 * @cid:  the ID, QUIC_CID_LEN long
 *
 * To be embedded; the memory around it is freed by RCU.
 */
struct quic_cid_entry {
	struct hlist_node node;
	struct sock *sk;
	struct quic_cid cid;
};

/**
 * struct quic_odcid - a connection ID that a client made up
 * @node: in the table
 * @net:  network namespace; not counted
 * @sk:	  the connection, not counted; NULL until the request is accepted
 * @req:  the request until then; guarded by quic_net.req_mutex
 * @cid:  the ID
 * @peer: the client's address
 * @rcu:  defers the release
 */
struct quic_odcid {
	struct hlist_node node;
	struct net *net;
	struct sock *sk;
	struct quic_request *req;
	struct quic_cid cid;
	union quic_addr peer;
	struct rcu_head rcu;
};

/**
 * struct quic_reset_entry - a stateless reset token that a peer may use
 * @node:  in the table
 * @sk:	   the connection that it ends; not counted
 * @token: its bytes
 *
 * To be embedded; the memory around it is freed by RCU.
 */
struct quic_reset_entry {
	struct hlist_node node;
	struct sock *sk;
	u8 token[QUIC_RESET_TOKEN_LEN];
};

int quic_lookup_add_cid(struct quic_cid_entry *entry);
void quic_lookup_del_cid(struct quic_cid_entry *entry);
struct sock *quic_lookup_cid(struct net *net, const u8 *cid);

int quic_lookup_add_odcid(struct quic_odcid *entry);
void quic_lookup_accept_odcid(struct quic_odcid *entry, struct sock *sk);
void quic_lookup_del_odcid(struct quic_odcid *entry);
struct sock *quic_lookup_odcid(struct net *net, const struct quic_cid *cid,
			       const union quic_addr *peer);
struct quic_odcid *quic_lookup_odcid_entry(struct net *net,
					   const struct quic_cid *cid,
					   const union quic_addr *peer);

void quic_lookup_add_reset(struct quic_reset_entry *entry);
void quic_lookup_del_reset(struct quic_reset_entry *entry);
struct sock *quic_lookup_reset(struct net *net, const u8 *token);

void quic_lookup_add_sock(struct sock *sk, const union quic_addr *peer);
void quic_lookup_del_sock(struct sock *sk);
bool quic_lookup_each_sock(struct net *net, __be16 port,
			   const union quic_addr *peer,
			   bool (*fn)(struct sock *sk, void *arg), void *arg);

u32 quic_lookup_hash_addr(const union quic_addr *addr);

int quic_lookup_init(void);
void quic_lookup_exit(void);

#endif /* _NET_QUIC_LOOKUP_H */
