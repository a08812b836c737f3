// SPDX-License-Identifier: GPL-2.0-only
#include <linux/skbuff.h>
#include <trace/events/quic.h>

#include "drop.h"
#include "net_ns.h"

static const struct {
	u8 counter;			/* enum quic_mib_item */
	enum skb_drop_reason reason;	/* of the whole datagram */
} quic_drops[QUIC_DROP_MAX] = {
	[QUIC_DROP_HEADER]	= { QUIC_MIB_PKT_INV_HDR_DROP,
				    SKB_DROP_REASON_INVALID_PROTO },
	[QUIC_DROP_NO_CONN]	= { QUIC_MIB_PKT_RCV_DROP,
				    SKB_DROP_REASON_NO_SOCKET },
	[QUIC_DROP_NO_LISTENER]	= { QUIC_MIB_PKT_RCV_DROP,
				    SKB_DROP_REASON_NO_SOCKET },
	[QUIC_DROP_NOT_FIRST]	= { QUIC_MIB_PKT_RCV_DROP,
				    SKB_DROP_REASON_NO_SOCKET },
	[QUIC_DROP_TOKEN]	= { QUIC_MIB_LISTEN_DROPS,
				    SKB_DROP_REASON_NOT_SPECIFIED },
	[QUIC_DROP_HELLO]	= { QUIC_MIB_LISTEN_DROPS,
				    SKB_DROP_REASON_UNHANDLED_PROTO },
	[QUIC_DROP_BUSY]	= { QUIC_MIB_LISTEN_DROPS,
				    SKB_DROP_REASON_FULL_RING },
	[QUIC_DROP_BACKLOG]	= { QUIC_MIB_PKT_RCV_DROP,
				    SKB_DROP_REASON_SOCKET_BACKLOG },
	[QUIC_DROP_RCVBUF]	= { QUIC_MIB_FRM_RCV_BUF_DROP,
				    SKB_DROP_REASON_SOCKET_RCVBUFF },
	[QUIC_DROP_PATH]	= { QUIC_MIB_PKT_RCV_DROP,
				    SKB_DROP_REASON_NOT_SPECIFIED },
	[QUIC_DROP_CLOSED]	= { QUIC_MIB_PKT_RCV_DROP,
				    SKB_DROP_REASON_SOCKET_CLOSE },
	[QUIC_DROP_NO_KEY]	= { QUIC_MIB_PKT_RCV_DROP,
				    SKB_DROP_REASON_NOT_SPECIFIED },
	[QUIC_DROP_AUTH]	= { QUIC_MIB_PKT_DEC_DROP,
				    SKB_DROP_REASON_NOT_SPECIFIED },
	[QUIC_DROP_DUPLICATE]	= { QUIC_MIB_PKT_INV_NUM_DROP,
				    SKB_DROP_REASON_NOT_SPECIFIED },
	[QUIC_DROP_FRAME]	= { QUIC_MIB_PKT_INV_FRM_DROP,
				    SKB_DROP_REASON_INVALID_PROTO },
	[QUIC_DROP_NOMEM]	= { QUIC_MIB_PKT_RCV_DROP,
				    SKB_DROP_REASON_NOMEM },
};

/**
 * quic_drop_count - count and report something that is not used
 * @net: network namespace
 * @sk:	 connection that it came for, or NULL
 * @why: reason
 */
void quic_drop_count(struct net *net, struct sock *sk,
		     enum quic_drop_reason why)
{
	SNMP_INC_STATS(quic_net(net)->mib, quic_drops[why].counter);
	trace_quic_pkt_dropped(sk, why);
}

/**
 * quic_drop_free - free a datagram whose packets have been counted
 * @skb: the datagram
 * @why: reason of the last of them
 */
void quic_drop_free(struct sk_buff *skb, enum quic_drop_reason why)
{
	kfree_skb_reason(skb, quic_drops[why].reason);
}

/**
 * quic_drop_skb - count, report and free a datagram
 * @net: network namespace
 * @sk:	 connection that it came for, or NULL
 * @skb: the datagram
 * @why: reason
 */
void quic_drop_skb(struct net *net, struct sock *sk, struct sk_buff *skb,
		   enum quic_drop_reason why)
{
	quic_drop_count(net, sk, why);
	quic_drop_free(skb, why);
}
