/* SPDX-License-Identifier: GPL-2.0-only */
/* Reordering of a path: how much later than others a packet may arrive before
 * it counts as lost. RFC 9002, 6.1 gives the defaults and allows to adapt them:
 * once a packet that was declared lost turns up, only time decides (as RACK,
 * RFC 8985, does for TCP), and the time grows with each such mistake.
 *
 * Owns:    struct quic_reorder.
 * Guard:   the connection lock.
 * Callers: loss.c.
 */
#ifndef _NET_QUIC_REORDER_H
#define _NET_QUIC_REORDER_H

#include <linux/ktime.h>
#include <linux/types.h>

#include "rtt.h"

#define QUIC_PACKET_THRESHOLD	3	/* kPacketThreshold, RFC 9002, 6.1.1 */
#define QUIC_TIME_EIGHTHS	9	/* kTimeThreshold, 6.1.2, times 8 */
#define QUIC_TIME_EIGHTHS_MAX	16
#define QUIC_REORDER_PERSIST	16	/* RFC 8985, 6.2 step 4 */
#define QUIC_LOST_WINDOW	1024	/* lost numbers that are watched */
#define QUIC_LOST_RANGES	64	/* ranges that they make at most */

/**
 * struct quic_reorder - what is known about reordering on a path
 * @seen:     packets overtake each other: the packet threshold is not used
 * @eighths:  loss delay in eighths of the RTT
 * @persist:  recovery periods until the defaults are tried again
 * @raised:   when @eighths was raised last
 * @first_pn: first packet lost in this recovery period
 * @unproven: packets lost in it that have not turned up
 */
struct quic_reorder {
	bool seen;
	u8 eighths;
	u8 persist;
	ktime_t raised;
	u64 first_pn;
	u32 unproven;
};

void quic_reorder_init(struct quic_reorder *reorder);
u32 quic_reorder_delay_us(const struct quic_reorder *reorder,
			  const struct quic_rtt *rtt);
bool quic_reorder_overtaken(const struct quic_reorder *reorder, u64 pn,
			    u64 largest_acked);
void quic_reorder_on_recovery(struct quic_reorder *reorder, u64 first_pn);
void quic_reorder_on_lost(struct quic_reorder *reorder, u32 pkts);
bool quic_reorder_on_spurious(struct quic_reorder *reorder, u64 first_pn,
			      u64 last_pn, const struct quic_rtt *rtt,
			      ktime_t now);

#endif /* _NET_QUIC_REORDER_H */
