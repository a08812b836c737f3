/* SPDX-License-Identifier: GPL-2.0-only */
/* Round-trip time of one path: latest, smoothed, variation, minimum
 * (RFC 9002, 5), and the base of the probe timeout (6.2.1).
 *
 * Owns:    struct quic_rtt.
 * Guard:   the connection lock.
 * Callers: loss.c; everybody may read the fields.
 */
#ifndef _NET_QUIC_RTT_H
#define _NET_QUIC_RTT_H

#include <linux/ktime.h>
#include <linux/types.h>

#define QUIC_INITIAL_RTT_US	333000	/* kInitialRtt, RFC 9002, 6.2.2 */
#define QUIC_GRANULARITY_US	1000	/* kGranularity, RFC 9002, 6.1.2 */

/**
 * struct quic_rtt - estimate of one path's round-trip time
 * @latest_us:        latest_rtt
 * @smoothed_us:      smoothed_rtt; the initial guess until there is a sample
 * @rttvar_us:        rttvar
 * @min_us:           min_rtt, over all samples; 0 until there is one
 * @has_sample:       something has been measured
 * @first_rtt_sample: when that was (RFC 9002, B.2)
 */
struct quic_rtt {
	u32 latest_us;
	u32 smoothed_us;
	u32 rttvar_us;
	u32 min_us;
	bool has_sample;
	ktime_t first_rtt_sample;
};

void quic_rtt_init(struct quic_rtt *rtt, u32 initial_us);
void quic_rtt_update(struct quic_rtt *rtt, u64 latest_us, u64 ack_delay_us,
		     ktime_t now);
u32 quic_rtt_pto_us(const struct quic_rtt *rtt);

#endif /* _NET_QUIC_RTT_H */
