// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>

#include "reorder.h"

/**
 * quic_reorder_init - begin with the defaults of RFC 9002
 * @reorder: state
 *
 * Context: connection lock held.
 */
void quic_reorder_init(struct quic_reorder *reorder)
{
	*reorder = (struct quic_reorder) {
		.eighths = QUIC_TIME_EIGHTHS,
		.raised = KTIME_MIN,
	};
}

/**
 * quic_reorder_delay_us - how long after sending a packet counts as lost
 * @reorder: state
 * @rtt:     estimate of the path
 *
 * RFC 9002, 6.1.2. Context: connection lock held.
 * Return: max(kTimeThreshold * max(smoothed_rtt, latest_rtt), kGranularity).
 */
u32 quic_reorder_delay_us(const struct quic_reorder *reorder,
			  const struct quic_rtt *rtt)
{
	u64 us = max(rtt->smoothed_us, rtt->latest_us);

	return max_t(u64, us * reorder->eighths / 8, QUIC_GRANULARITY_US);
}

/**
 * quic_reorder_overtaken - tell whether later packets prove the loss of one
 * @reorder:       state
 * @pn:            its number
 * @largest_acked: largest number acknowledged
 *
 * RFC 9002, 6.1.1. Context: connection lock held.
 * Return: true if so.
 */
bool quic_reorder_overtaken(const struct quic_reorder *reorder, u64 pn,
			    u64 largest_acked)
{
	return !reorder->seen && largest_acked >= pn + QUIC_PACKET_THRESHOLD;
}

/**
 * quic_reorder_on_recovery - the window was reduced for lost packets
 * @reorder:  state
 * @first_pn: the first of them
 *
 * Context: connection lock held.
 */
void quic_reorder_on_recovery(struct quic_reorder *reorder, u64 first_pn)
{
	if (reorder->persist && !--reorder->persist)
		quic_reorder_init(reorder);
	reorder->first_pn = first_pn;
	reorder->unproven = 0;
}

/**
 * quic_reorder_on_lost - packets were declared lost
 * @reorder: state
 * @pkts:    how many
 *
 * Context: connection lock held.
 */
void quic_reorder_on_lost(struct quic_reorder *reorder, u32 pkts)
{
	reorder->unproven += pkts;
}

/**
 * quic_reorder_on_spurious - packets declared lost have turned up
 * @reorder:  state
 * @first_pn: number of the first
 * @last_pn:  number of the last
 * @rtt:      estimate of the path
 * @now:      current time
 *
 * Context: connection lock held.
 * Return: true if that was all that the recovery period began for.
 */
bool quic_reorder_on_spurious(struct quic_reorder *reorder, u64 first_pn,
			      u64 last_pn, const struct quic_rtt *rtt,
			      ktime_t now)
{
	u64 pkts;

	reorder->seen = true;
	reorder->persist = QUIC_REORDER_PERSIST;
	if (reorder->raised == KTIME_MIN ||
	    ktime_us_delta(now, reorder->raised) > rtt->smoothed_us) {
		reorder->raised = now;
		reorder->eighths = min(reorder->eighths + 1,
				       QUIC_TIME_EIGHTHS_MAX);
	}

	if (last_pn < reorder->first_pn || !reorder->unproven)
		return false;
	pkts = last_pn + 1 - max(first_pn, reorder->first_pn);
	reorder->unproven -= min_t(u64, pkts, reorder->unproven);
	return !reorder->unproven;
}
