/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of one connection, for those who look at it from outside. Nothing
 * here decides anything.
 *
 * Owns:    struct quic_stats.
 * Guard:   the connection lock.
 * Callers: input.c, output.c, packet_build.c and migrate.c count; info.c reads.
 */
#ifndef _NET_QUIC_STATS_H
#define _NET_QUIC_STATS_H

#include <linux/types.h>

/**
 * struct quic_stats - what a connection has done so far
 * @tx_pkts:	   packets sent
 * @tx_bytes:	   bytes of them
 * @rx_pkts:	   packets that were opened and new
 * @rx_bytes:	   bytes of them
 * @rx_dropped:	   packets received and discarded
 * @acked_bytes:   bytes of packets that were acknowledged
 * @lost_bytes:	   bytes of packets that were declared lost
 * @retrans_bytes: STREAM and CRYPTO data that was queued again
 * @ptos:	   probe timeouts
 * @migrations:	   changes of the path in use
 * @opened:	   packets opened that the network namespace has not counted yet
 */
struct quic_stats {
	u64 tx_pkts;
	u64 tx_bytes;
	u64 rx_pkts;
	u64 rx_bytes;
	u64 rx_dropped;
	u64 acked_bytes;
	u64 lost_bytes;
	u64 retrans_bytes;
	u32 ptos;
	u32 migrations;
	u32 opened;
};

#endif /* _NET_QUIC_STATS_H */
