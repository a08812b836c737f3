// SPDX-License-Identifier: GPL-2.0-only
#include <linux/export.h>
#include <linux/inet_diag.h>
#include <linux/quic_diag.h>
#include <linux/rculist.h>

#include "conn.h"
#include "info.h"
#include "net_ns.h"

/**
 * quic_info_socks - take hold of some of the sockets of a network namespace
 * @net:   the namespace
 * @skip:  sockets at the head of the list to pass over
 * @socks: result, each with a reference
 * @max:   room in @socks
 *
 * New sockets enter the list at its head: one that asks for the list in parts
 * may see a socket twice, but misses none that stays.
 *
 * Context: process.
 * Return: number of sockets; less than @max at the end of the list.
 */
unsigned int quic_info_socks(struct net *net, unsigned int skip,
			     struct sock **socks, unsigned int max)
{
	unsigned int n = 0;
	struct sock *sk;

	rcu_read_lock();
	hlist_for_each_entry_rcu(sk, &quic_net(net)->socks, sk_node) {
		if (skip) {
			skip--;
			continue;
		}
		if (n == max)
			break;
		if (refcount_inc_not_zero(&sk->sk_refcnt))
			socks[n++] = sk;
	}
	rcu_read_unlock();
	return n;
}
EXPORT_SYMBOL_GPL(quic_info_socks);

/**
 * quic_info_queues - what waits in a socket
 * @sk:	 the socket
 * @msg: receives the bytes not yet read and not yet acknowledged or, of a
 *	 listener, the connections not yet accepted and how many may be
 *
 * Context: socket lock held.
 */
void quic_info_queues(struct sock *sk, struct inet_diag_msg *msg)
{
	struct quic_conn *conn = quic_conn(sk);
	const struct quic_flow_rx *rx = &conn->flow.rx;

	if (sk->sk_state == QUIC_STATE_LISTENING) {
		msg->idiag_rqueue = READ_ONCE(sk->sk_ack_backlog);
		msg->idiag_wqueue = READ_ONCE(sk->sk_max_ack_backlog);
		return;
	}
	msg->idiag_rqueue = min_t(u64, rx->received - rx->consumed, U32_MAX);
	msg->idiag_wqueue = min_t(u64, quic_streams_unacked(conn), U32_MAX);
}
EXPORT_SYMBOL_GPL(quic_info_queues);

static void quic_info_set_timer(struct inet_diag_msg *msg, u8 kind,
				ktime_t deadline)
{
	s64 ms = ktime_to_ms(ktime_sub(deadline, ktime_get()));

	msg->idiag_timer = kind;
	msg->idiag_expires = clamp_t(s64, ms, 0, U32_MAX);
}

/**
 * quic_info_timer - what a connection waits for
 * @sk:	 the socket
 * @msg: receives the kind of timer, when it expires, and how often it has
 *
 * Context: socket lock held.
 */
void quic_info_timer(struct sock *sk, struct inet_diag_msg *msg)
{
	struct quic_conn *conn = quic_conn(sk);
	const ktime_t *deadline = conn->timers.deadline;

	if (deadline[QUIC_TIMER_LOSS] != KTIME_MAX) {
		quic_info_set_timer(msg, IDIAG_TIMER_ON,
				    deadline[QUIC_TIMER_LOSS]);
		msg->idiag_retrans = min_t(u32, conn->rec.pto_count, U8_MAX);
	} else if (deadline[QUIC_TIMER_ACK] != KTIME_MAX) {
		quic_info_set_timer(msg, IDIAG_TIMER_DELACK,
				    deadline[QUIC_TIMER_ACK]);
	} else if (deadline[QUIC_TIMER_KEEPALIVE] != KTIME_MAX) {
		quic_info_set_timer(msg, IDIAG_TIMER_KEEPALIVE,
				    deadline[QUIC_TIMER_KEEPALIVE]);
	} else {
		msg->idiag_timer = IDIAG_TIMER_OFF;
	}
}
EXPORT_SYMBOL_GPL(quic_info_timer);

static u32 quic_info_flags(const struct quic_conn *conn)
{
	u32 flags = 0;

	if (conn->is_server)
		flags |= QUIC_DIAG_SERVER;
	if (conn->hs.complete)
		flags |= QUIC_DIAG_COMPLETE;
	if (conn->hs.confirmed)
		flags |= QUIC_DIAG_CONFIRMED;
	if (conn->hs.retry_used)
		flags |= QUIC_DIAG_RETRY;
	if (conn->path.validated)
		flags |= QUIC_DIAG_VALIDATED;
	if (quic_keys_phase(&conn->keys))
		flags |= QUIC_DIAG_KEY_PHASE;
	if (conn->rec.ecn.state == QUIC_ECN_CAPABLE)
		flags |= QUIC_DIAG_ECN;
	if (conn->was_connected && quic_cc_in_slow_start(&conn->rec.cc))
		flags |= QUIC_DIAG_SLOW_START;
	return flags;
}

static void quic_info_fill_recovery(const struct quic_conn *conn,
				    struct quic_diag_info *info)
{
	const struct quic_recovery *rec = &conn->rec;

	info->pto_count = rec->pto_count;
	info->latest_rtt = rec->rtt.latest_us;
	info->smoothed_rtt = rec->rtt.smoothed_us;
	info->rttvar = rec->rtt.rttvar_us;
	info->min_rtt = rec->rtt.min_us;
	info->pto = min_t(u64, quic_recovery_pto_us(rec), U32_MAX);
	info->mtu = conn->path.max_payload;
	info->cwnd = rec->cc.cwnd;
	info->ssthresh = rec->cc.ssthresh;
	info->bytes_in_flight = rec->cc.bytes_in_flight;
	info->pacing_rate = rec->pacer.rate;
	info->pkts_lost = rec->lost_pkts;
	info->pkts_spurious = rec->spurious_pkts;
}

static void quic_info_fill_stats(const struct quic_stats *stats,
				 struct quic_diag_info *info)
{
	info->pkts_sent = stats->tx_pkts;
	info->pkts_received = stats->rx_pkts;
	info->pkts_dropped = stats->rx_dropped;
	info->bytes_sent = stats->tx_bytes;
	info->bytes_received = stats->rx_bytes;
	info->bytes_acked = stats->acked_bytes;
	info->bytes_lost = stats->lost_bytes;
	info->bytes_retrans = stats->retrans_bytes;
	info->ptos = stats->ptos;
	info->migrations = stats->migrations;
}

static void quic_info_fill_streams(const struct quic_conn *conn,
				   struct quic_diag_info *info)
{
	const struct quic_flow *flow = &conn->flow;
	int i;

	info->data_sent = flow->tx.used;
	info->data_sent_max = flow->tx.max;
	info->data_received = flow->rx.received;
	info->data_received_max = flow->rx.max;
	info->data_read = flow->rx.consumed;
	info->data_unacked = quic_streams_unacked(conn);
	for (i = 0; i < QUIC_STREAM_TYPES; i++) {
		const struct quic_stream_ids *ids = &conn->streams.ids[i];

		info->streams[i].opened = ids->next;
		info->streams[i].max = ids->max;
		info->streams[i].open = ids->open;
	}
}

/**
 * quic_info_fill - describe a socket
 * @sk:	  the socket
 * @info: the description
 *
 * Context: socket lock held.
 */
void quic_info_fill(struct sock *sk, struct quic_diag_info *info)
{
	const struct quic_conn *conn = quic_conn(sk);
	const struct quic_key *key = quic_keys_tx(&conn->keys, QUIC_CRYPTO_APP);

	BUILD_BUG_ON(ARRAY_SIZE(info->streams) != QUIC_STREAM_TYPES);
	BUILD_BUG_ON(sizeof(info->alpn) < QUIC_ALPN_MAX);

	memset(info, 0, sizeof(*info));
	info->alpn_len = quic_alpn_format(&conn->settings.alpn, info->alpn);
	if (sk->sk_state == QUIC_STATE_LISTENING)
		return;
	info->version = conn->version;
	info->cipher = key ? key->cipher : 0;
	info->flags = quic_info_flags(conn);
	info->idle_timeout = conn->idle_timeout_us;
	info->local_cids = conn->cids.nr_local;
	info->peer_cids = conn->cids.nr_peer;
	quic_info_fill_recovery(conn, info);
	quic_info_fill_stats(&conn->stats, info);
	quic_info_fill_streams(conn, info);
}
EXPORT_SYMBOL_GPL(quic_info_fill);

/**
 * quic_info_cc - name of the congestion controller
 * @sk: the socket
 *
 * Context: socket lock held.
 * Return: a constant string, or NULL while there is no connection.
 */
const char *quic_info_cc(struct sock *sk)
{
	const struct quic_cc_ops *ops = quic_conn(sk)->rec.cc.ops;

	return ops ? ops->name : NULL;
}
EXPORT_SYMBOL_GPL(quic_info_cc);
