/* SPDX-License-Identifier: GPL-2.0-only */
/* Per network namespace data.
 *
 * Owns:    struct quic_net.
 * Guard:   as noted at each field; [P] is slow path, process context.
 * Callers: layer D.
 */
#ifndef _NET_QUIC_NET_NS_H
#define _NET_QUIC_NET_NS_H

#include <crypto/sha2.h>
#include <linux/mutex.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "cc.h"
#include "mib.h"
#include "session.h"
#include "strays.h"
#include "token.h"
#include "types.h"

#define QUIC_EP_HASH_SIZE	64
#define QUIC_LISTEN_HASH_SIZE	32

/* Clients give up earlier: after 10 seconds most of them, or 30. */
#define QUIC_HANDSHAKE_TIMEOUT_S	60

/**
 * struct quic_net - what QUIC keeps for a network namespace
 * @net:	  the namespace
 * @ep_mutex:	  [P] serializes creation and release of endpoints
 * @ep_lock:	  guards @endpoints, @ep_idle and the last reference
 * @endpoints:	  struct quic_endpoint by port
 * @ep_idle:	  endpoints without references, for @ep_work to release
 * @ep_work:	  releases them
 * @roam_work:	  looks after clients whose local address is in doubt
 * @listeners:	  struct quic_listener by port; changed with @req_mutex held,
 *		  readers use RCU
 * @first:	  datagrams of connections that do not exist yet
 * @first_bytes:  their truesize; guarded by the lock of @first
 * @first_work:	  handles them
 * @gather_work:  gives up clients that do not go on
 * @req_mutex:	  [P] guards every struct quic_request and @gathering
 * @gathering:	  those without a complete ClientHello, oldest first
 * @nr_gathering: how many
 * @nr_requests:  all that have not been accepted
 * @strays:	  0-RTT packets whose ClientHello has not come
 * @nr_half_open: accepted connections whose handshake is not complete
 * @nr_steering:  connections of sockets that do not keep the namespace whose
 *		  datagrams are on their way to another processor
 * @used_tokens:  NEW_TOKEN tokens that clients have come back with; guarded by
 *		  @req_mutex
 * @sessions:	  what kernel users' connections can resume
 * @socks_lock:	  guards @socks
 * @socks:	  every QUIC socket (sk_node), for /proc/net/quic; RCU readers
 * @reset_key: key of our stateless reset tokens (RFC 9000, 10.3.2)
 * @reset_budget: stateless resets that may still be sent in this period
 * @reset_period: jiffies at which it began
 * @cc:		  congestion controller of connections whose program names none
 * @handshake_timeout: seconds that a server's handshake may take; 0 is none
 * @preferred_address: clients go to the preferred address of their server
 * @spin_bit:	  connection IDs that come into use let the latency spin bit spin
 * @sysctl:	  where these can be read and written
 * @mib:	  counters
 */
struct quic_net {
	struct net		*net;

	struct mutex		ep_mutex;	/* creation and release */
	spinlock_t		ep_lock;	/* table, idle, last put */
	struct hlist_head	endpoints[QUIC_EP_HASH_SIZE];
	struct list_head	ep_idle;
	struct work_struct	ep_work;

	struct work_struct	roam_work;

	struct hlist_head	listeners[QUIC_LISTEN_HASH_SIZE];

	struct sk_buff_head	first;
	u32			first_bytes;
	struct work_struct	first_work;
	struct delayed_work	gather_work;
	struct mutex		req_mutex;	/* requests and listeners */
	struct list_head	gathering;
	u32			nr_gathering;
	u32			nr_requests;
	struct quic_strays	strays;
	atomic_t		nr_half_open;
	atomic_t		nr_steering;
	struct quic_token_used	used_tokens;

	struct quic_sessions	sessions;

	spinlock_t		socks_lock;	/* changes of socks */
	struct hlist_head	socks;

	struct hmac_sha256_key reset_key;
	atomic_t		reset_budget;
	unsigned long		reset_period;

	const struct quic_cc_ops *cc;
	int			handshake_timeout;
	u8			preferred_address;
	u8			spin_bit;
	struct ctl_table_header	*sysctl;

	DEFINE_SNMP_STAT(struct quic_mib, mib);
};

extern unsigned int quic_net_id;

static inline struct quic_net *quic_net(const struct net *net)
{
	return net_generic(net, quic_net_id);
}

/* Key of the stateless reset tokens that connections of a netns give out. */
static inline const struct hmac_sha256_key *
quic_net_reset_key(const struct net *net)
{
	return &quic_net(net)->reset_key;
}

int quic_net_init(void);
void quic_net_exit(void);

#endif /* _NET_QUIC_NET_NS_H */
