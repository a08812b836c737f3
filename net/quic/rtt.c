// SPDX-License-Identifier: GPL-2.0-only
#include <linux/math64.h>
#include <linux/minmax.h>

#include "rtt.h"

/* No sample is above this: it keeps all sums in 32 bits. */
#define QUIC_RTT_MAX_US		(600 * USEC_PER_SEC)

/**
 * quic_rtt_init - begin a path without knowledge of it
 * @rtt:        estimate
 * @initial_us: guess until the first sample
 *
 * RFC 9002, 5.3. Context: connection lock held.
 */
void quic_rtt_init(struct quic_rtt *rtt, u32 initial_us)
{
	*rtt = (struct quic_rtt) {
		.smoothed_us = initial_us,
		.rttvar_us = initial_us / 2,
	};
}

/**
 * quic_rtt_update - take a sample
 * @rtt:          estimate
 * @latest_us:    from sending a packet to receiving its acknowledgment
 * @ack_delay_us: what of it the peer claims to have waited, limited to what it
 *                has announced (loss.c knows when that rule holds)
 * @now:          current time
 *
 * RFC 9002, 5 and A.7 (UpdateRtt). The peer's delay never takes a sample below
 * min_rtt, which only real measurements move.
 *
 * Context: connection lock held.
 */
void quic_rtt_update(struct quic_rtt *rtt, u64 latest_us, u64 ack_delay_us,
		     ktime_t now)
{
	u32 adjusted_us, diff_us;

	rtt->latest_us = clamp_t(u64, latest_us, 1, QUIC_RTT_MAX_US);
	if (!rtt->has_sample) {
		rtt->has_sample = true;
		rtt->first_rtt_sample = now;
		rtt->min_us = rtt->latest_us;
		rtt->smoothed_us = rtt->latest_us;
		rtt->rttvar_us = rtt->latest_us / 2;
		return;
	}

	rtt->min_us = min(rtt->min_us, rtt->latest_us);
	adjusted_us = rtt->latest_us;
	if (rtt->latest_us >= rtt->min_us + ack_delay_us)
		adjusted_us -= ack_delay_us;

	diff_us = abs_diff(rtt->smoothed_us, adjusted_us);
	rtt->rttvar_us = (3 * (u64)rtt->rttvar_us + diff_us) / 4;
	rtt->smoothed_us = (7 * (u64)rtt->smoothed_us + adjusted_us) / 8;
}

/**
 * quic_rtt_pto_us - probe timeout without max_ack_delay and without backoff
 * @rtt: estimate
 *
 * RFC 9002, 6.2.1. Context: connection lock held.
 * Return: smoothed_rtt + max(4 * rttvar, kGranularity).
 */
u32 quic_rtt_pto_us(const struct quic_rtt *rtt)
{
	return rtt->smoothed_us +
	       max_t(u32, 4 * rtt->rttvar_us, QUIC_GRANULARITY_US);
}
